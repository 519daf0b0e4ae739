"""What the commands share: how they begin, and how a mistyped setting, an error and Ctrl-C end: in a line."""

import codecs
import contextlib
import errno
import importlib
import io
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from absl import app, flags, logging
from ml_collections import ConfigDict, config_flags

from ganverse_jax import stages
from ganverse_jax.pipeline.settings import unknown

if TYPE_CHECKING:
    from logging import LogRecord

    from ganverse_jax.pipeline.experiment import Experiment

flags.disclaim_key_flags()  # a command's --help shows the flags defined here as its own


# In a checkout the rooms are `launch` and `configs`; a wheel holds them inside the package, where neither
# meets a user's own packages of these names.
PACKAGE = __package__.rpartition(".")[0]
CONFIGS = f"{PACKAGE.removesuffix('launch')}configs"
FOLDER = Path(__file__).resolve().parents[2] / "configs"
SHIPPED = "World whose shipped networks serve, where no run's are to (default: guessed from the photos)"


class ExperimentParser(config_flags.config_flags.ConfigFileFlagParser):
    """Takes a config of ours by its name or path, and any other file; holds what was loaded."""

    config: ConfigDict | None = None

    def parse(self, path: str) -> ConfigDict:
        """The locked ConfigDict; a file that is absent, or that cannot be loaded, ends with one line."""
        own = FOLDER / f"{Path(path).stem}.py"
        texts = {file.stem: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.py")}
        experiments = sorted(name for name, text in texts.items() if "def get_config()" in text)
        if path not in experiments and not Path(path).is_file():
            known = ", ".join(experiments)
            sys.exit(f"error: no config at {path!r}; give a .py file, or the name of one of ours ({known})")
        try:
            if path in experiments or Path(path).resolve() == own:
                self.config = importlib.import_module(f"{CONFIGS}.{own.stem}").get_config().lock()
            else:
                self.config = super().parse(path)
            if not isinstance(self.config, ConfigDict):
                raise TypeError(f"get_config() returns a {type(self.config).__name__}, not a ConfigDict")
        except Exception as error:  # whatever the program in the file raises
            if os.environ.get("GANVERSE_TRACEBACK"):
                raise
            remedy = "install what it imports" if isinstance(error, ImportError) else "correct it"
            told = (str(error).strip().splitlines() or [""])[-1].removeprefix(f"{type(error).__name__}: ")
            sys.exit(f"error: {path} gives no config ({type(error).__name__}: {told}); {remedy}")
        return self.config


def experiment_flags(workdir_help: str) -> tuple[flags.FlagHolder, flags.FlagHolder]:
    """Define --config and --workdir, which :func:`run` reads."""
    config = config_flags.DEFINE_config_file(
        "config",
        None,
        "Experiment: a file, e.g. configs/toy_car.py, or a name, e.g. --config=toy_car",
    )
    flags.FLAGS["config"].parser = ExperimentParser("config")
    return config, flags.DEFINE_string("workdir", None, workdir_help)


def distributed_flags() -> None:
    """Define, for a command that trains, what makes it one process of several (docs/hosts.md)."""
    flags.DEFINE_bool(
        "distributed", False, "Be one process of a run of several, as the flags below or the scheduler tell"
    )
    flags.DEFINE_string("coordinator", None, "HOST:PORT of the first process, the same in all")
    flags.DEFINE_integer("num_processes", None, "How many there are", lower_bound=1)
    flags.DEFINE_integer("process_id", None, "Which one this is, from 0", lower_bound=0)


def run(main: Callable[["Experiment", Path], None]) -> None:
    """Run a command that has :func:`experiment_flags`, which it then requires.

    main: of the experiment, its settings checked, and its workdir, which keeps what is compiled.
    """

    def begin() -> None:
        import jax

        workdir = Path(flags.FLAGS.workdir)
        jax.config.update("jax_compilation_cache_dir", str(workdir.absolute() / "cache" / "xla"))
        main(stages.experiment_of(flags.FLAGS.config.to_dict()), workdir)

    run_plain(begin, "config", "workdir", hint="settings are given as --config.NAME=VALUE", parser=parse)


def run_plain(
    main: Callable[[], None], *required: str, hint: str = "", parser=app.parse_flags_with_usage
) -> None:
    """Run a command that needs no experiment. required: flags; hint: what to do about other arguments."""

    def begin(argv: list[str]) -> None:
        if len(argv) > 1:
            raise app.UsageError(f"unexpected arguments {argv[1:]}; {hint}".removesuffix("; "))
        logging.set_verbosity(logging.WARNING)  # orbax and tensorflow-datasets tell every file they write
        logging.get_absl_logger().addFilter(_without_traceback)
        with _ended_together():
            guarded(lambda: (_check_given(required), start_jax(), main()))

    flags.mark_flags_as_required(required)
    app.run(begin, flags_parser=parser)


def _without_traceback(record: "LogRecord") -> bool:
    """A library's log of an error that it raises, too: in a line, as ours of it."""
    if not os.environ.get("GANVERSE_TRACEBACK"):
        record.exc_info = None
    return True


def _distributed() -> bool:
    return "distributed" in flags.FLAGS and flags.FLAGS["distributed"].value


def _ended_together() -> contextlib.AbstractContextManager:
    """Around a command that is one process of several: an error of one ends all."""
    if not _distributed():
        return contextlib.nullcontext()
    from ganverse_jax.runtime import hosts

    return hosts.ended_together()


def _check_given(names: Sequence[str]) -> None:
    """Raise ValueError for a flag that is given empty, as a shell's unset variable leaves it, and for one
    that says nothing without --distributed."""
    for name in names:
        if flags.FLAGS[name].value == "":
            raise ValueError(f"--{name}= is empty; give a value")
    for name in ("coordinator", "num_processes", "process_id"):
        if name in flags.FLAGS and flags.FLAGS[name].value is not None and not _distributed():
            raise ValueError(f"--{name} is given without --distributed; add that, or leave it out")


def start_jax() -> None:
    """Start JAX on its devices, with --distributed on those of all hosts together.

    Raises RuntimeError, with JAX's reason, where there is no device of the platform asked for.
    """
    import jax

    if _distributed():
        from ganverse_jax.runtime import hosts

        hosts.join(flags.FLAGS.coordinator, flags.FLAGS.num_processes, flags.FLAGS.process_id)
    try:
        jax.devices()
    except AssertionError as error:  # jax's answer, to 0.12, to JAX_PLATFORMS=cuda without such a GPU
        raise RuntimeError(
            f"JAX finds no device of JAX_PLATFORMS={os.environ.get('JAX_PLATFORMS')!r} on this machine; set "
            "JAX_PLATFORMS='' to automatically choose an available backend"
        ) from error


def parse(argv: list[str]) -> list[str]:
    """Flags of the command line; a setting that the config does not have ends with one line."""
    try:
        return app.parse_flags_with_usage(argv)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        config = flags.FLAGS["config"].parser.config
        sys.exit(f"error: {next(filter(None, (mistake(word, config) for word in argv)), error)}")


def mistake(word: str, config: ConfigDict) -> str | None:
    """What is wrong with the setting that a word of the command line names, if it names a wrong one."""
    if not re.match(r"--?(no)?config\.", word):
        return None
    section, path = config, ""
    for name in word.split("=")[0].split(".")[1:]:
        if not isinstance(section, ConfigDict):
            return f"{path} = {section} holds no settings; leave out {word}"
        if name not in section:
            return unknown(name, section, path)
        section, path = section[name], f"{path}.{name}".lstrip(".")
    return None


def guarded(work: Callable[[], None]) -> None:
    """Do `work`; errors a person can mend, the environment's too, and Ctrl-C end in a line, no traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # no name of a file is one that cannot be printed
        ascii_only = codecs.lookup(sys.stdout.encoding).name == "ascii"
        sys.stdout.reconfigure(encoding="utf-8" if ascii_only else None, errors="backslashreplace")
    try:
        work()
    except (ValueError, FloatingPointError, OSError, ImportError, RuntimeError, MemoryError) as error:
        if os.environ.get("GANVERSE_TRACEBACK"):
            raise
        sys.exit(f"error: {_told(error)}\n(set GANVERSE_TRACEBACK=1 to see where it came from)")
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from what is finished", file=sys.stderr)
        sys.exit(130)


def _told(error: Exception) -> str:
    """What to say of an error, with a remedy where the system or a library has none."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{error} (the disk is full: free some space, the same command goes on)"
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return f"{error} (ulimit -f, or this file system, allows no larger files; the same command goes on)"
    if isinstance(error, ValueError | FloatingPointError | OSError):
        return str(error)
    first = (str(error).strip() or type(error).__name__).splitlines()[0]  # a library's, of many lines or none
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in first:
        return f"out of memory ({first}); lower the batch_size of the stage that ran"
    return first

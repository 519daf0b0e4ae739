"""What the commands share: how they begin, and how a mistyped setting, an error and Ctrl-C end."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from absl import app, flags, logging
from ml_collections import config_flags

from ganverse_jax import stages

if TYPE_CHECKING:
    from ganverse_jax.pipeline.experiment import Experiment

T = TypeVar("T")

flags.disclaim_key_flags()  # a command's --help shows the flags defined here as its own


def experiment_flags(workdir_help: str) -> tuple[flags.FlagHolder, flags.FlagHolder]:
    """Define --config and --workdir; for :func:`begin` and :func:`run`."""
    config = config_flags.DEFINE_config_file(
        "config", None, "Experiment, e.g. configs/toy_car.py", lock_config=True
    )
    return config, flags.DEFINE_string("workdir", None, workdir_help)


def begin(argv: list[str]) -> tuple["Experiment", Path]:
    """The experiment, its settings checked, and its workdir, which keeps what is compiled."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}; settings are given as --config.NAME=VALUE")
    import jax

    logging.set_verbosity(logging.WARNING)  # orbax and tensorflow-datasets tell every file they write
    workdir = Path(flags.FLAGS.workdir)
    jax.config.update("jax_compilation_cache_dir", str(workdir.absolute() / "cache" / "xla"))
    return guarded(lambda: stages.experiment_of(flags.FLAGS.config.to_dict())), workdir


def run(main: Callable[[list[str]], None]) -> None:
    """Run a command that has :func:`experiment_flags`, which it then requires."""
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main, flags_parser=parse)


def parse(argv: list[str]) -> list[str]:
    """Flags of the command line; a setting that the config does not have ends with one line."""
    try:
        return app.parse_flags_with_usage(argv)
    except (AttributeError, KeyError, TypeError) as error:
        # ml_collections' KeyErrors quote their text, line breaks and all.
        text = str(error).strip("'\"").replace("\\'", "'").replace("\\n", " ").replace("\n", " ")
        sys.exit(f"error: no such setting: {text}")


def guarded(run: Callable[[], T]) -> T:
    """What `run` returns; errors a person can mend, and Ctrl-C, end in a line on stderr, no traceback."""
    try:
        return run()
    except (ValueError, FloatingPointError, OSError) as error:
        if os.environ.get("GANVERSE_TRACEBACK"):
            raise
        full = " (the disk is full: free some space, the same command goes on)"
        note = full if isinstance(error, OSError) and error.errno == 28 else ""
        sys.exit(f"error: {error}{note}\n(set GANVERSE_TRACEBACK=1 to see where it came from)")
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        sys.exit(130)

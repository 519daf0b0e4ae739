"""How every command answers a config that cannot be taken, and a setting that its config does not have."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import pytest

from configs import horse, toy_car
from launch import command

ROOT = Path(__file__).parents[2]

NO_CONFIG = {
    "def get_config(:": "SyntaxError: invalid syntax",
    "x.y = 1": "NameError: name 'x' is not defined",
    "x = 1": "has no attribute 'get_config'",
    "def get_config():\n    return {}": "get_config() returns a dict, not a ConfigDict",
}


def refused(path) -> str:
    with pytest.raises(SystemExit) as caught:
        command.ExperimentParser("config").parse(str(path))
    line = str(caught.value)
    assert line.startswith("error: ") and "\n" not in line
    return line


@pytest.mark.parametrize("path", ["toy_cra", "configs/toy_cra.py", "configs", "defaults", ""])
def test_a_mistyped_config_is_answered_with_the_names_of_ours(path):
    line = refused(path)
    assert f"no config at {path!r}" in line and "toy_car, toy_car_labels, toy_car_long" in line


@pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")  # ml_collections' own
@pytest.mark.parametrize("program", NO_CONFIG)
def test_a_config_that_fails_to_load_ends_in_one_line(tmp_path, program):
    (tmp_path / "mine.py").write_text(program)
    line = refused(tmp_path / "mine.py")
    assert "mine.py gives no config" in line and NO_CONFIG[program] in line and "correct it" in line


@pytest.mark.parametrize("path", ["toy_car", str(command.FOLDER / "toy_car.py")])
def test_a_config_is_found_by_its_name_and_its_path(path):
    assert command.ExperimentParser("config").parse(path).to_dict() == toy_car.get_config().to_dict()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--config.gan.num_stepz=3", "gan.num_stepz is no setting; did you mean gan.num_steps?"),
        ("--config.gann.num_steps=3", "gann is no setting; did you mean gan?"),
        ("--noconfig.gan.miror", "gan.miror is no setting; did you mean gan.mirror?"),
        ("--config.gan.data.foo.x=3", "gan.data.foo is no setting; choose one of enlarge, feature"),
        ("--config.seed.x=3", "seed = 0 holds no settings; leave out --config.seed.x=3"),
        ("--config.inverse_graphics_posed.num_steps=3", "inverse_graphics_posed = None holds no settings"),
    ],
)
def test_an_unknown_setting_is_answered_with_its_path_and_a_remedy(word, message):
    assert command.mistake(word, horse.get_config()).startswith(message)


@pytest.mark.parametrize("word", ["--config.gan.num_steps=3", "--config=gan.x", "--workdir=config.x", "3"])
def test_a_word_that_names_no_wrong_setting_is_no_mistake(word):
    assert command.mistake(word, toy_car.get_config()) is None


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            ImportError("needs onnxruntime; pip install 'ganverse-jax[masks]'"),
            "needs onnxruntime; pip install",
        ),
        (RuntimeError("Unable to initialize backend 'rocm': no\nand more"), "Unable to initialize backend"),
        (RuntimeError(), "RuntimeError"),
        (
            RuntimeError("RESOURCE_EXHAUSTED: 9 GiB\nand more"),
            "out of memory (RESOURCE_EXHAUSTED: 9 GiB); lower",
        ),
        (MemoryError(), "out of memory (MemoryError); lower the batch_size"),
        (
            OSError(errno.ENOSPC, "No space left", "a.png"),
            "[Errno 28] No space left: 'a.png' (the disk is full",
        ),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "[Errno 122] Disk quota exceeded (the disk is full"),
        (
            OSError(errno.EFBIG, "File too large", "a.png"),
            "[Errno 27] File too large: 'a.png' (ulimit -f, or this file system, allows",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "a"), "[Errno 13] Permission denied: 'a'"),
        (ValueError("gan.x = 3; set it to 4"), "gan.x = 3; set it to 4"),
    ],
)
def test_errors_of_the_environment_end_in_a_line_and_the_way_to_a_traceback(monkeypatch, error, line):
    def fail():
        raise error

    monkeypatch.delenv("GANVERSE_TRACEBACK", raising=False)
    with pytest.raises(SystemExit) as caught:
        command.guarded(fail)
    told, hint = str(caught.value).splitlines()
    assert told.startswith(f"error: {line}") and hint.startswith("(set GANVERSE_TRACEBACK=1")
    monkeypatch.setenv("GANVERSE_TRACEBACK", "1")
    with pytest.raises(type(error)):
        command.guarded(fail)


def test_a_library_that_logs_what_it_raises_does_so_in_a_line(monkeypatch):
    monkeypatch.delenv("GANVERSE_TRACEBACK", raising=False)
    record = SimpleNamespace(exc_info=(OSError, OSError(), None))
    assert command._without_traceback(record) and record.exc_info is None
    monkeypatch.setenv("GANVERSE_TRACEBACK", "1")
    record = SimpleNamespace(exc_info=(OSError, OSError(), None))
    assert command._without_traceback(record) and record.exc_info is not None


def test_a_flag_that_is_given_empty_is_named(monkeypatch):
    monkeypatch.setattr(command.flags, "FLAGS", {"workdir": SimpleNamespace(value="")})
    with pytest.raises(ValueError, match="--workdir= is empty"):
        command._check_given(("workdir",))


def test_a_platform_without_a_device_is_named(monkeypatch):
    def fail():
        raise AssertionError

    monkeypatch.setattr(jax, "devices", fail)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    with pytest.raises(RuntimeError, match="no device of JAX_PLATFORMS='cuda' on this machine; set JAX_PLAT"):
        command.start_jax()


RUN = ("--config=toy_car", "--workdir=run")
COMMANDS = {
    "ablate": RUN,
    "annotate": RUN,
    "compare_cameras": RUN,
    "edit": ("--images=a.png", "--out=out"),
    "evaluate": RUN,
    "evaluate_codes": RUN,
    "evaluate_gan": RUN,
    "evaluate_handles": RUN,
    "export": ("--shipped", "--out=out"),
    "import_stylegan2": ("--pickle=a.pkl", "--out=out"),
    "project": ("--images=a.png", "--out=out"),
    "rounds": (*RUN, "--later=toy_car"),
    "reconstruct": ("--images=a.png", "--out=out"),
    "recognise": ("--workdir=run",),
    "train": RUN,
    "user_study": ("--runs=a,b", "--out=out"),
    "verify": ("--workdir=run",),
    "view_dims": RUN,
    "visualize_layers": RUN,
}


@pytest.mark.slow  # processes of their own
@pytest.mark.parametrize(
    ("name", "platform"), [*((name, "cuda") for name in COMMANDS), ("train", "nonsense")]
)
def test_every_command_tells_an_absent_backend_in_a_line(tmp_path, name, platform):
    environment = os.environ | {
        "JAX_PLATFORMS": platform,
        "PYTHONPATH": str(ROOT),
        "CUDA_VISIBLE_DEVICES": "",
    }
    words = [sys.executable, "-m", f"launch.{name}", *COMMANDS[name]]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"'{platform}'" in done.stderr and "JAX_PLATFORMS=''" in done.stderr
    assert sum(line.startswith("error: ") for line in done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_every_command_is_tried():
    folders = {path.parent.name for path in (ROOT / "launch").glob("*/__main__.py")}
    assert set(COMMANDS) == folders | {path.stem for path in (ROOT / "launch").glob("[a-z]*.py")}

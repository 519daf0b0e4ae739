"""The house's rules: imports run down (the floors are told in docs/architecture.md)."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Floors of the house, from the ground up; a room may use its own floor's and those below.
FLOORS = (
    ("rasterizer", "ganverse_jax.runtime", "ganverse_jax.__version__"),
    ("ganverse_jax.losses", "ganverse_jax.classes"),
    ("ganverse_jax.data", "ganverse_jax.scene", "ganverse_jax.pages"),
    ("ganverse_jax.models",),
    ("ganverse_jax.pipeline", "ganverse_jax.report", "ganverse_jax.annotation",
     "ganverse_jax.evaluation", "ganverse_jax.interchange"),
    ("ganverse_jax.stages",),
    ("ganverse_jax.commands",),
    ("launch",),
)  # fmt: skip
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
OURS = ("rasterizer", "configs", "launch", "ganverse_jax", "tests", "benchmarks")


def _package(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "ganverse_jax" and len(parts) > 1 else parts[0]


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level and path.relative_to(ROOT).parts[0] in ("launch", "configs"):
                continue  # of their own room, which a wheel holds inside the package
            assert node.level == 0, f"{path}: relative import; write the absolute name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] in OURS}


def _sources() -> list[Path]:
    folders = ("rasterizer", "configs", "launch", "ganverse_jax")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_down(path):
    room = _package(".".join(path.relative_to(ROOT).with_suffix("").parts))
    if room == "configs" or path == ROOT / "ganverse_jax" / "__init__.py":
        return
    wrong = {name for name in _imports(path) if LEVEL.get(_package(name), len(FLOORS)) > LEVEL[room]}
    assert not wrong, f"{path} may not import {sorted(wrong)}"


def test_config_dicts_stop_in_launch():
    users = [path for path in _sources() if "ml_collections" in path.read_text()]
    assert {path.parts[len(ROOT.parts)] for path in users} <= {"configs", "launch"}


def test_rasterizer_needs_jax_numpy_and_jaxtyping_only():
    heavy = ["flax", "optax", "orbax", "trimesh", "PIL", "tensorflow_datasets", "ganverse_jax"]
    code = f"import rasterizer, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("module", "training"),
    [
        ("ganverse_jax.models.inverse_graphics.prediction", ("optax", "ganverse_jax.losses")),
        ("ganverse_jax.models.inverse_graphics.stored", ("optax", "ganverse_jax.losses")),
        # Finding a photo's camera takes Adam and one loss.
        (
            "ganverse_jax.commands.reconstruct.command",
            ("ganverse_jax.losses.mesh", "ganverse_jax.stages.gan"),
        ),
    ],
)
def test_inference_loads_no_training(module, training):
    code = f"import sys, {module}; print([m for m in {training} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

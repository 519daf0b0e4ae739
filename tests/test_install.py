"""An installation on a machine without a C++ compiler: it succeeds, says so once, and works."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow  # installs into a new environment, from the package index

PROGRAM = """
import json, sys, warnings

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import jax.numpy as jnp
    import rasterizer

    corners = jnp.array([[[-0.8, -0.8, 1, 1], [0.8, -0.8, 1, 1], [0, 0.8, 1, 1]]], jnp.float32)
    faces = jnp.array([[0, 1, 2]])
    found = [rasterizer.rasterize(corners, faces, 6, 8, implementation=name) for name in (None, "xla", None)]
    rasterizer.silhouette(corners, faces, found[0])

print(json.dumps({
    "from": rasterizer.__file__,
    "warnings": [[w.category.__name__, str(w.message)] for w in caught],
    "pixels": [out.face_id[0].tolist() for out in found],
    "modules": sorted({"ganverse_jax", "flax", "optax", "PIL", "trimesh"} & set(sys.modules)),
}))
"""
# By hand: centres inside the triangle, half as wide as 0.15, 0.32, 0.48 and 0.65 in rows 1 to 4.
TRIANGLE = ["........", "...##...", "...##...", "..####..", ".######.", "........"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """(python, source): an environment into which a copy of the repository was installed, without compiler.

    Its dependencies are those of the environment that runs this test.
    """
    folder = tmp_path_factory.mktemp("install")
    source, environment = folder / "source", folder / "environment"
    kept_out = shutil.ignore_patterns(".*", "*.so", "build", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, source, ignore=kept_out)
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    packages = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    Path(packages, "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    without = os.environ | {"CC": "/bin/false", "CXX": "/bin/false"}
    install = [python, "-m", "pip", "install", "-q", "--no-deps", "--ignore-installed", source]
    done = subprocess.run(install, env=without, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return python, source


def test_without_a_compiler_the_fallback_serves_with_one_clear_warning(installed, tmp_path):
    python, _ = installed
    done = subprocess.run([python, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert Path(found["from"]).is_relative_to(python.parents[1])
    assert not list(Path(found["from"]).parent.rglob("*.so"))
    [[category, message]] = found["warnings"]
    assert category == "RuntimeWarning" and "C++17 compiler and reinstall" in message
    for pixels in found["pixels"]:
        assert ["".join(".#"[face_id + 1] for face_id in row) for row in pixels] == TRIANGLE
    assert found["modules"] == []


def test_the_rasterizer_installs_alone(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    kept_out = shutil.ignore_patterns("*.so", "build", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT / "rasterizer", source, ignore=kept_out)
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", target, source]
    subprocess.run(install, env=os.environ | {"RASTERIZER_PURE": "1"}, check=True)
    assert {path.name.partition("-")[0] for path in target.iterdir()} == {"rasterizer", "ganverse_rasterizer"}
    assert not (target / "rasterizer" / "setup.py").exists()
    alone = os.environ | {"PYTHONPATH": str(target)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=alone, capture_output=True, check=True
    )
    found = json.loads(done.stdout)
    assert Path(found["from"]).is_relative_to(target) and found["modules"] == []


def test_without_a_compiler_the_rasterizer_s_tests_pass(installed):
    python, source = installed
    # -P: the installed package, not the source beside the tests.
    command = [python, "-P", "-m", "pytest", "tests/rasterizer", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "the C++ kernels are not available" in done.stdout  # among pytest's warnings, once


@pytest.mark.parametrize("beside", [(), ("configs", "launch")])
def test_an_installed_command_finds_its_experiments_by_name_beside_packages_of_the_users_own(
    installed, tmp_path, beside
):
    python, _ = installed
    for name in beside:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('the user's own')\n")
    command = [python, "-m", "ganverse_jax.launch.train", "--workdir=run", "--stages=report"]
    named = subprocess.run([*command, "--config=toy_car"], cwd=tmp_path, capture_output=True, text=True)
    assert named.returncode == 0 and (tmp_path / "run" / "report.html").is_file(), named.stderr
    (tmp_path / "mine.py").write_text(
        "from ganverse_jax.configs import toy_car\n\n\ndef get_config():\n    return toy_car.get_config()\n"
    )
    own = subprocess.run([*command, "--config=mine.py"], cwd=tmp_path, capture_output=True, text=True)
    assert own.returncode == 0, own.stderr


@pytest.mark.parametrize(
    ("config", "message"),
    [("toy_cra", "no config at 'toy_cra'; give a .py file, or the name of one of ours (bird, car"),
     ("bad.py", "bad.py gives no config (NameError: name 'x' is not defined); correct it")],
)  # fmt: skip
def test_a_config_that_is_none_ends_an_installed_command_in_a_line(installed, tmp_path, config, message):
    (tmp_path / "bad.py").write_text("x.y = 1\n")
    command = [installed[0], "-m", "ganverse_jax.launch.train", "--workdir=run", f"--config={config}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith(f"error: {message}")
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "run").exists()

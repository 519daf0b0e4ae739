"""What every test runs with, set before jax starts its backend; the commands that tests start inherit it."""

import os
import tempfile
from importlib.metadata import version
from pathlib import Path

# Compiling takes most of the time here: let it take the shortest way, whatever its programs then run like.
QUICK = "--xla_backend_optimization_level=0"
if version("jaxlib").startswith("0.10."):  # later ones have no such choice
    QUICK += " --xla_cpu_use_fusion_emitters=false"
DEVICES = "--xla_force_host_platform_device_count=4"
os.environ.setdefault("JAX_PLATFORMS", "cpu")  # another choice, of which "" is JAX's own, is for -m gpu
QUICK = QUICK if os.environ["JAX_PLATFORMS"] == "cpu" else ""
os.environ["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), QUICK, DEVICES])

# One cache of compiled programs for the workers of a run and the commands they start.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    _cache = tempfile.TemporaryDirectory(prefix="ganverse_xla_")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _cache.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.2"

import pytest  # noqa: E402


def pytest_xdist_auto_num_workers(config):
    """One process for one file or test: workers cost seconds to start."""
    one = len(config.args) == 1 and Path(config.args[0].partition("::")[0]).is_file()
    return 0 if one else min(2, os.cpu_count() or 1)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """One browser for all tests of a file."""
    from tests.annotation import chromium

    opened = chromium.Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()

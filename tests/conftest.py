"""Four virtual CPU devices for every test, set before jax starts its backend."""

import os

os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import pytest  # noqa: E402


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """One browser for all tests of a file."""
    from tests.annotation import chromium

    opened = chromium.Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()

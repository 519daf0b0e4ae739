"""Claims about a sink whose package is missing: told with the remedy."""

import sys

import pytest

from ganverse_jax.runtime import sinks


@pytest.mark.parametrize("kind", sinks.PACKAGES)
def test_a_missing_package_is_told_with_the_command_that_installs_it(kind, monkeypatch):
    package = sinks.PACKAGES[kind]
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, package, raising=False)
    with pytest.raises(ImportError, match=rf"^metrics.sink = '{kind}' needs .*; pip install {package}, or"):
        sinks.check_installed(kind)


def test_a_folder_named_like_the_package_is_none(tmp_path, monkeypatch):
    (tmp_path / "wandb" / "offline-run").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    with pytest.raises(ImportError, match="which is not installed"):
        sinks.check_installed("wandb")


def test_none_needs_nothing(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    sinks.check_installed("none")

"""What a release says of itself agrees: its version, in one place, and what cites or lists it."""

import re
import tomllib
from pathlib import Path

import ganverse_jax

ROOT = Path(__file__).parents[1]


def test_citation_and_changes_are_of_this_version():
    cited = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    changed = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert cited.group(1) == changed.group(1) == ganverse_jax.__version__


def test_both_packages_tell_type_checkers_that_they_are_typed():
    held = {"pyproject.toml": ["ganverse_jax", "rasterizer"], "rasterizer/pyproject.toml": ["rasterizer"]}
    for settings, packages in held.items():
        data = tomllib.loads((ROOT / settings).read_text())["tool"]["setuptools"]["package-data"]
        assert all("py.typed" in data[package] for package in packages)
        assert all((ROOT / package / "py.typed").is_file() for package in packages)

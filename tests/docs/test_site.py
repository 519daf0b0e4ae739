"""The site is built without a warning, and its pages fetch nothing from elsewhere."""

import os
import re
import subprocess
import sys

import pytest

import ganverse_jax
import rasterizer
from tests.annotation import chromium
from tests.docs.pages import ROOT

pytest.importorskip("mkdocs", reason="builds the documentation; pip install '.[docs]'")
pytest.importorskip("mkdocstrings", reason="builds the documentation; pip install '.[docs]'")
pytest.importorskip("latex2mathml", reason="builds the documentation; pip install '.[docs]'")

# What a browser fetches when it opens a page; a link that a person may click is not.
FETCHED = re.compile(r"<(?:script|img|iframe|source|video)[^>]*\bsrc=\"([^\"]+)|<link[^>]*\bhref=\"([^\"]+)")
STYLED = re.compile(r"url\(([^)]+)\)|@import\s+\"([^\"]+)")
ELSEWHERE = re.compile(r"[\"']?(?:https?:)?//")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONWARNINGS": ""}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_pages_and_styles_name_nothing_that_is_fetched_from_elsewhere(site):
    named = []
    for pattern, ending in ((FETCHED, "*.html"), (STYLED, "*.css")):
        for path in site.rglob(ending):
            found = pattern.findall(path.read_text(encoding="utf-8"))
            named += [name for names in found for name in names if name]
    assert len(named) > 100
    assert [name for name in named if ELSEWHERE.match(name)] == []


def test_equations_are_drawn_without_a_script(site):
    text = (site / "stages" / "inverse_graphics.html").read_text(encoding="utf-8")
    assert text.count("<math") >= 3 and "\\lambda" not in text and ">&amp;<" not in text


@pytest.mark.parametrize(
    ("page", "names"),
    [("rasterizer", rasterizer.__all__), ("python", ganverse_jax._PYTHON)],
    ids=["rasterizer", "python"],
)
def test_every_public_function_has_its_docstring_there(site, page, names):
    text = (site / "api" / f"{page}.html").read_text(encoding="utf-8")
    assert [name for name in names if not re.search(rf'id="[\w.]*\.{name}"', text)] == []


@pytest.mark.slow
@pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine (apt install chromium)")
@pytest.mark.parametrize("width", [400, 1280])
def test_no_page_is_wider_than_its_window(site, browser, width):
    pages = sorted(path for path in site.rglob("*.html") if path.name != "404.html")
    wider = []
    browser.resize(width, 900)
    for path in pages:
        browser.open(path.as_uri())
        browser.wait_for("document.readyState === 'complete'", 60)
        if browser.evaluate("document.documentElement.scrollWidth") > width:
            wider.append(path.name)
    assert len(pages) > 30 and wider == []


def test_what_pages_show_from_outside_docs_is_published(site):
    assert (site / "rasterizer" / "pictures" / "gallery.png").is_file()
    assert (site / "ganverse_jax" / "assets" / "toy_car_round2" / "turn.png").is_file()
    assert not list(site.rglob("*.py"))

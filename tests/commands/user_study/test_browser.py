"""Claims about the user study's page in a real browser, opened from the disk."""

import json

import numpy as np
import pytest

from ganverse_jax.commands.user_study.page import Hit, build_study_page
from ganverse_jax.evaluation.user_study import make_key, read_answers
from tests.annotation import chromium

pytestmark = chromium.NEEDED
KEY = make_key("0123456789abcdef", ["ours", "other"], ["a", "b", "c"], seed=0)


def plain(value, height=40):
    return np.full((height, 60, 3), value, np.uint8)


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    hits = [Hit(f"00{n}", plain(10 * n), (plain(80), plain(90)), (plain(160), plain(170))) for n in (1, 2, 3)]
    (folder / "index.html").write_text(build_study_page(KEY["study"], hits))
    browser = chromium.Browser(tmp_path_factory.mktemp("profile"))
    yield browser, folder
    browser.close()


def load(browser, folder):
    """Open the page and wait for it, not for the one that is still there."""
    browser.evaluate("window.before = true")
    browser.open(f"file://{folder}/index.html")
    browser.wait_for("!window.before && document.querySelectorAll('#pair img').length === 4")


@pytest.fixture
def page(opened):
    """The page without earlier answers; the test must leave no message on the browser's console."""
    browser, folder = opened
    with browser.window():
        load(browser, folder)
        browser.evaluate("localStorage.clear()")
        load(browser, folder)
        yield browser
    browser.evaluate("unsaved = false")


def answer(page, keys):
    for key in keys:
        page.press(key)
    page.press("ArrowRight", code="ArrowRight")


def test_the_keyboard_answers_everything_and_the_file_fits_the_key(page, tmp_path):
    page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    for keys in ("123", "213", "333"):
        answer(page, keys)
    page.wait_for("!byId('finish').hidden")
    page.click("#annotator")
    for key in "Ann1":
        page.press(key)
    page.press("Enter", code="Enter")
    page.wait_for("byId('saved').textContent === 'saved as a file'")
    path = tmp_path / "answers_Ann1.json"
    for _ in range(100):  # the browser writes it a moment later
        if not path.exists():
            page.evaluate("new Promise((done) => setTimeout(done, 50))")
    found = read_answers(path, KEY)
    assert found.annotator == "Ann1"
    assert found.choices["002"] == {"shape": "B", "texture": "A", "overall": "none"}
    assert set(json.loads(path.read_text())) == {"study", "annotator", "answers"}


def test_the_mouse_answers_and_a_second_click_changes(page):
    for selector in ("[data-question=overall] [data-choice=A]", "[data-question=overall] [data-choice=B]"):
        page.click(selector)
    assert page.evaluate("state.answers['001'].overall") == "B"
    pressed = "[...document.querySelectorAll('[aria-pressed=true]')].map((b) => b.dataset.choice)"
    assert page.evaluate(pressed) == ["B"]


def test_an_open_question_holds_the_page_and_says_which(page):
    answer(page, "1")
    assert page.evaluate("[byId('number').textContent, byId('problem').hidden]") == ["1 of 3", False]
    assert "texture" in page.evaluate("byId('problem').textContent")
    answer(page, "12")
    assert page.evaluate("[byId('number').textContent, byId('problem').hidden]") == ["2 of 3", True]


def test_a_reload_goes_on_where_the_answers_end(page, opened):
    answer(page, "111")
    load(page, opened[1])
    assert page.evaluate("[byId('number').textContent, byId('done').textContent]") == ["2 of 3", "1"]
    page.press("ArrowLeft", code="ArrowLeft")
    assert page.evaluate("document.querySelectorAll('[aria-pressed=true]').length") == 3


def test_nothing_is_saved_without_a_name(page):
    for _ in range(3):
        answer(page, "111")
    page.click("[data-do=save]")
    assert "name" in page.evaluate("byId('problem').textContent")
    assert page.evaluate("document.activeElement.id") == "annotator"


@pytest.mark.parametrize("width", [1280, 800, 390])
def test_nothing_sticks_out_of_the_window(page, width):
    page.resize(width, 800)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    buttons = "[...document.querySelectorAll('#ask button')].map((b) => b.getBoundingClientRect())"
    # half a pixel of rounding in the layout
    assert page.evaluate(f"Math.max(...{buttons}.map((b) => b.right))") <= width + 0.5
    assert page.evaluate(f"Math.min(...{buttons}.map((b) => b.height))") >= 32

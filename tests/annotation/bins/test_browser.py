"""Claims about the page in a real browser: keys and mouse do what they say, and it fits its window."""

import pytest

from tests.annotation import chromium
from tests.annotation.chromium import SAVED

pytestmark = chromium.NEEDED


@pytest.fixture
def page(browser, served):
    """The page, its pictures loaded; the test must leave no message on the browser's console."""
    with browser.window():
        browser.open(served.server.url)
        browser.wait_for("document.querySelectorAll('#pictures img, #strip img').length === 8 + 5")
        yield browser


def test_digits_name_the_hours_and_the_page_advances(page, served):
    for key in ("6", "3", "=", "0"):
        page.press(key)
    page.wait_for(SAVED)
    assert served.saved[-1]["answers"] == (0, 3, 6, 8, None)
    assert page.evaluate("byId('number').textContent") == "4"


def test_keys_are_found_by_place_where_the_layout_has_no_digits(page, served):
    page.press("&", code="Digit1")  # French
    page.press("ß", code="Minus")  # German
    page.wait_for(SAVED)
    assert served.saved[-1]["answers"][:2] == (5, 7)


def test_arrows_turn_clockwise_and_space_takes_the_bin(page, served):
    page.press("ArrowRight", code="ArrowRight")
    page.press(" ", code="Space")
    page.press(" ", code="Space")  # the cursor stays where the last view was
    page.press("ArrowLeft", code="ArrowLeft")
    page.press("Enter", code="Enter")
    page.wait_for(SAVED)
    assert served.saved[-1]["answers"] == (11, 11, 0, None, None)  # from six to seven o'clock, and back


def test_undo_and_redo_return_to_their_view(page, served):
    for key in ("1", "x"):
        page.press(key)
    page.wait_for(SAVED)
    page.press("z")
    page.wait_for("byId('number').textContent === '1' && " + SAVED)
    assert served.session.answers == (5, None, None, None, None)
    page.press("Z", shift=True)
    page.wait_for(f"answers[1] === 'drop' && {SAVED}")
    page.press("ArrowUp", code="ArrowUp")
    assert page.evaluate("byId('number').textContent") == "0"


def test_the_mouse_does_everything_and_the_server_ends(page, served):
    for selector in (
        '[data-bin="4"]',
        '[data-bin="9"]',
        "[data-do=drop]",
        '[data-view="4"]',
        '[data-bin="0"]',
    ):
        page.click(selector)
    page.click('[data-bin="2"]')
    page.wait_for("!byId('end').hidden")
    page.wait_for(SAVED)
    assert served.session.answers == (4, 9, "drop", 2, 0)
    assert "4 kept, 1 dropped" in page.evaluate("byId('end-counts').textContent")
    page.click("[data-do=finish]")
    page.wait_for("byId('saved').textContent === 'closed'")
    assert served.server.backend.finished.is_set()


def test_a_reload_goes_on_at_the_first_open_view(page, served):
    for key in "12":
        page.press(key)
    page.wait_for(SAVED)
    page.open(served.server.url)
    page.wait_for("document.querySelectorAll('#pictures img').length === 8")
    assert page.evaluate("[byId('number').textContent, byId('done').textContent]") == ["2", "2"]


def test_a_failed_save_is_shown_and_the_answer_taken_back(browser, served):
    browser.open(served.server.url)
    browser.wait_for("document.querySelectorAll('#pictures img').length === 8")
    served.fail = OSError("disk full")
    browser.press("4")
    browser.wait_for("!byId('problem').hidden && byId('problem').textContent.includes('disk full')")


@pytest.mark.parametrize("width", [1280, 800, 390])
def test_nothing_sticks_out_of_the_window(page, width):
    page.resize(width, 800)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = "[...document.querySelectorAll('.bin')].map((b) => b.getBoundingClientRect())"
    # half a pixel of rounding in the layout
    assert page.evaluate(f"Math.min(...{boxes}.map((b) => b.left))") >= -0.5
    assert page.evaluate(f"Math.max(...{boxes}.map((b) => b.right))") <= width + 0.5
    assert page.evaluate(f"Math.min(...{boxes}.map((b) => b.width))") >= 44  # a thumb's width

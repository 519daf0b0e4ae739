"""Claims about the keypoint page in a real browser: a click gives the pixel under it, and nothing is lost."""

import io

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.annotation.bins import store
from ganverse_jax.annotation.bins.session import DROP, Session
from ganverse_jax.annotation.keypoints import store as keypoint_store
from ganverse_jax.annotation.keypoints.page import build_keypoint_page
from ganverse_jax.annotation.keypoints.session import HIDDEN
from ganverse_jax.pages.pictures import data_uri
from tests.annotation import chromium
from tests.annotation.chromium import SAVED
from tests.annotation.conftest import Served, make_task, propose

pytestmark = chromium.NEEDED
HEIGHT, WIDTH = 48, 64
SPOT = (41, 17)  # column and row of the one bright pixel of every picture
SHOWN = "byId('picture').dataset.shown === `${object}/${current}`"


@pytest.fixture
def task(tmp_path):
    """Four views of cars in two contents, the third dropped; a green pixel on a dark ground."""
    pictures = np.full((4, 2, HEIGHT, WIDTH, 3), 30, np.uint8)
    pictures[:, 1] = (60, 30, 30)
    pictures[:, :, SPOT[1], SPOT[0]] = (0, 255, 0)
    candidates = propose(tmp_path, pictures)
    store.write_annotation(tmp_path / store.ANNOTATION.name, candidates, Session(4, [1, None, DROP, 6]))
    return make_task(tmp_path, pictures, "car")


class ServedKeypoints(Served):
    """The page about a task; `path` is the file that it saves to."""

    def __init__(self, task, path):
        self.task, self.path = task, path
        session = keypoint_store.read_keypoints(path, task) if path.exists() else task.session()
        shown = [{"picture": data_uri(tile)} for row in zip(*task.pictures, strict=True) for tile in row]
        page = build_keypoint_page(task, title="run </script>", command="python -m x --config=c", needed=3)
        super().__init__(session, shown, page)

    def save(self, session):
        super().save(session)
        keypoint_store.write_keypoints(self.path, self.task, session)

    def points(self):
        """Those of the file."""
        return keypoint_store.read_keypoints(self.path, self.task).points


@pytest.fixture
def served(task, tmp_path):
    annotator = ServedKeypoints(task, tmp_path / keypoint_store.KEYPOINTS.name)
    yield annotator
    annotator.server.close()


@pytest.fixture
def page(browser, served):
    """The page, its pictures loaded; the test must leave no message on the browser's console."""
    with browser.window():
        begin(browser, served)
        yield browser


def begin(browser, served):
    browser.open(served.server.url)
    browser.wait_for("document.querySelectorAll('#strip img').length === 3")
    browser.wait_for(SHOWN)


def bright_spot(page, tmp_path):
    """Where the window shows the green pixel: the middle of what is nearly as green as the greenest."""
    page.screenshot(tmp_path / "window.png")
    red, green, blue = np.asarray(Image.open(tmp_path / "window.png").convert("RGB"), int).transpose(2, 0, 1)
    greenness = green - np.maximum(red, blue)
    x0, y0, x1, y1 = page.evaluate(
        "(b => [b.left, b.top, b.right, b.bottom])(byId('viewer').getBoundingClientRect())"
    )
    inside = np.zeros_like(greenness)
    inside[int(y0) : int(y1), int(x0) : int(x1)] = greenness[int(y0) : int(y1), int(x0) : int(x1)]
    rows, columns = np.nonzero(inside > 0.7 * inside.max())
    return columns.mean() + 0.5, rows.mean() + 0.5


@pytest.mark.parametrize("size", [(1280, 800), (1600, 1000), (390, 844)])
@pytest.mark.parametrize("turns", [0, 4, 20])
def test_a_click_on_a_known_pixel_gives_its_coordinates_at_every_zoom(page, served, tmp_path, size, turns):
    page.resize(*size)
    for _ in range(turns):
        page.wheel(*bright_spot(page, tmp_path), -100)
    zoom = page.evaluate("viewer.factor()")
    assert (zoom == 1) if turns == 0 else (1.9 < zoom <= 8)
    page.click_at(*bright_spot(page, tmp_path))
    page.wait_for(SAVED)
    x, y = served.points()[0][0]
    assert abs(x - SPOT[0] - 0.5) < 0.5 and abs(y - SPOT[1] - 0.5) < 0.5


def test_points_are_asked_one_after_the_other_and_hidden_by_key_and_right_click(page, served, tmp_path):
    spot = bright_spot(page, tmp_path)
    page.click_at(*spot)
    page.press("h")
    page.click_at(*spot, button="right")
    assert page.evaluate("byId('question').textContent") == "right front bumper corner"
    page.press("H", shift=True)
    page.wait_for(SAVED)
    assert served.points()[0][1:] == (HIDDEN,) * 19
    page.press(" ")
    page.wait_for(SHOWN)
    assert page.evaluate("byId('number').textContent") == "1"


def test_a_dragged_point_moves_and_undo_puts_it_back(page, served, tmp_path):
    x, y = bright_spot(page, tmp_path)
    page.click_at(x, y)
    page.wait_for(SAVED)
    before = served.points()[0][0]
    pixels = page.evaluate("byId('picture').getScreenCTM().a")  # of the screen per pixel of the picture
    page.drag([(x, y), (x + 3 * pixels, y), (x + 10 * pixels, y - 5 * pixels)])
    page.wait_for(SAVED)
    # 0.02: both are rounded to a hundredth
    np.testing.assert_allclose(served.points()[0][0], np.add(before, (10, -5)), atol=0.02)
    page.press("z")
    page.wait_for(f"rows[0][0] !== null && Math.abs(rows[0][0][0] - {before[0]}) < .01 && {SAVED}")
    page.press("z")
    page.wait_for(f"rows[0][0] === null && {SAVED}")
    page.press("Z", shift=True)
    page.wait_for(f"rows[0][0] !== null && {SAVED}")
    assert served.points()[0][0] == before


def test_dragging_beside_the_points_pans_and_places_nothing(page, served):
    for _ in range(6):
        page.press("+")
    before = page.evaluate("[viewer.box.x, viewer.box.y]")
    x, y = page.evaluate(
        "(b => [b.x + b.width / 2, b.y + b.height / 2])(byId('viewer').getBoundingClientRect())"
    )
    page.drag([(x, y), (x - 40, y - 30), (x - 80, y - 60)])
    after = page.evaluate("[viewer.box.x, viewer.box.y]")
    assert after[0] > before[0] and after[1] > before[1]
    assert served.session.num_open == 60
    page.press("0")
    assert page.evaluate("viewer.factor()") == 1


def test_a_reload_keeps_the_points_and_goes_on_at_the_first_open_view(browser, served, task, tmp_path):
    begin(browser, served)
    browser.press("x")
    browser.press(" ")
    browser.wait_for(SHOWN)
    browser.click_at(*bright_spot(browser, tmp_path))
    browser.wait_for(SAVED)
    begin(browser, served)
    state = "[byId('number').textContent, byId('done').textContent, byId('marks').children.length]"
    assert browser.evaluate(state) == ["1", "21", 1]
    again = ServedKeypoints(task, served.path)  # the command ended and was started again
    try:
        begin(browser, again)
        assert browser.evaluate(state) == ["1", "21", 1]
    finally:
        again.server.close()


def test_another_object_is_taken_at_once_while_there_are_no_points_and_else_at_the_second_press(
    page, served, tmp_path
):
    page.press("o")
    page.wait_for(f"{SHOWN} && object === 1 && {SAVED}")
    page.click_at(*bright_spot(page, tmp_path))
    page.press("o")
    assert page.evaluate("[object, byId('notice').hidden]") == [1, False]
    page.press("o")
    page.wait_for(f"{SHOWN} && object === 0 && {SAVED}")
    assert served.session.num_open == 60
    page.press("z")
    page.wait_for(f"{SHOWN} && object === 1 && {SAVED}")
    assert served.session.num_open == 59 and served.session.content == 1


def test_the_drawing_follows_the_view_where_the_point_is_seen_in_it(page):
    assert (
        page.evaluate("byId('side').textContent") == "seen as in this picture"
    )  # a headlight from the front
    page.evaluate("show(2)")  # from behind
    page.wait_for(SHOWN)
    assert "likely hidden in this picture" in page.evaluate("byId('side').textContent")


def test_from_the_first_click_to_the_end(page, served, tmp_path):
    for _ in range(3):
        spot = bright_spot(page, tmp_path)
        for step in range(4):
            page.click_at(spot[0] + 25 * step, spot[1] + 25 * step)
        page.press("H", shift=True)
        page.press(" ")
        page.wait_for(f"{SHOWN} && {SAVED}")
    assert page.evaluate("byId('end').hidden") is False
    assert "12 clicks in 3 views, 0 dropped" in page.evaluate("byId('end-counts').textContent")
    page.click("[data-do=finish]")
    page.wait_for("byId('saved').textContent === 'closed'")
    assert served.server.backend.finished.is_set()
    points = served.points()
    assert points[2] == (None,) * 20 and all(points[view][4:] == (HIDDEN,) * 16 for view in (0, 1, 3))


@pytest.mark.parametrize("size", [(1280, 800), (1600, 1000), (800, 600), (390, 844)])
def test_nothing_sticks_out_of_the_window(page, size):
    page.resize(*size)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    if size[0] >= 1280:  # one look, no scrolling
        assert page.evaluate("document.documentElement.scrollHeight") <= size[1]
        assert page.evaluate("(a => a.scrollHeight - a.clientHeight)(document.querySelector('aside'))") <= 0


def test_the_page_is_one_file_without_outside_resources(task):
    text = build_keypoint_page(task, title="run </script>", command="x", needed=3)
    assert "https://" not in text and text.count("</script>") == 1
    assert text.replace("http://www.w3.org/2000/svg", "").count("http://") == 0
    with Image.open(io.BytesIO(task.pictures[0][0])) as image:
        assert image.size == (WIDTH, HEIGHT)

"""Claims about the pages of edits in a real browser: sliders, drags and choices show other pictures."""

import pytest

from ganverse_jax.annotation.server import Server
from ganverse_jax.commands.edit import command as editing
from ganverse_jax.commands.edit.live import Live, live_page
from tests.annotation import chromium

pytestmark = chromium.NEEDED


@pytest.fixture(scope="module")
def edited(tmp_path_factory, workdir, photos):
    folder = tmp_path_factory.mktemp("edited")
    return folder, editing.run(
        folder, images=photos / "good.png", workdir=workdir, cameras=["azimuth=0:360:4"]
    )


@pytest.fixture
def live(edited):
    one = edited[1].done[0]
    other = one._replace(name="other <b>", shape=one.shape + 0.2)
    server = Server(Live(edited[1].editor, [one, other]), live_page("a <folder>")).start()
    yield server
    server.close()


@pytest.mark.parametrize("width", [400, 1280])
def test_sliders_and_drags_walk_along_the_frames(edited, browser, width):
    with browser.window(width):
        browser.open((edited[0] / "index.html").as_uri())
        browser.wait_for("document.querySelectorAll('.handle output').length === 1")
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        browser.evaluate("document.querySelector('.handle input').focus()")
        browser.press("ArrowRight", code="ArrowRight")
        assert browser.evaluate("document.querySelector('.handle output').textContent") == "azimuth 90°"
        browser.evaluate("document.querySelector('.handle .strip').scrollIntoView({behavior: 'instant'})")
        box = "document.querySelector('.handle .strip').getBoundingClientRect()"
        x, y, size = browser.evaluate(f"(b => [b.x, b.y, b.width])({box})")
        browser.drag([(x + 5, y + 5), (x + size - 2, y + 5)])
        assert browser.evaluate("document.querySelector('.handle output').textContent") == "azimuth 270°"


@pytest.mark.parametrize("width", [400, 1280])
def test_live_handles_draw_what_is_asked(live, browser, width):
    def drawn():
        return browser.evaluate("document.getElementById('dibr').src")

    with browser.window(width):
        browser.open(live.url)
        browser.wait_for("document.getElementById('dibr')?.src.length > 100")
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        seen = {drawn()}
        for act in (
            "document.getElementById('neural').dispatchEvent("
            "new KeyboardEvent('keydown', {key: 'ArrowLeft'}))",
            "document.querySelector('input[name=shape][value=\"1\"]').click()",
        ):
            browser.evaluate(act)
            known = " && ".join(f"document.getElementById('dibr').src !== {uri!r}" for uri in seen)
            browser.wait_for(known)
            seen.add(drawn())
        turned = browser.evaluate("document.querySelector('output').textContent")
        browser.evaluate("document.getElementById('dibr').scrollIntoView({behavior: 'instant'})")
        box = "document.getElementById('dibr').getBoundingClientRect()"
        x, y = browser.evaluate(f"(b => [b.x + 20, b.y + 20])({box})")
        browser.drag([(x, y), (x + 40, y), (x + 80, y)])
        browser.wait_for(f"document.querySelector('output').textContent !== {turned!r}")
        browser.evaluate("document.getElementById('finish').click()")
        browser.wait_for("!document.getElementById('problem').hidden")
    assert live.backend.finished.wait(5)

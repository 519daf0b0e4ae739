"""Claims about every page of ours in a real browser: at any width, dark and light, legible, with keys alone.

Contrast is WCAG's AA, of text and of what is drawn, also under a pointer, with the focus and pressed,
computed from the styles that the browser computed (audit.js).
"""

from pathlib import Path

import pytest

from tests.annotation import chromium
from tests.pages.every_page import PAGES

pytestmark = chromium.NEEDED
AUDIT = (Path(__file__).parent / "audit.js").read_text(encoding="utf-8")
WIDTHS = (400, 768, 1280)


@pytest.fixture(scope="module", params=PAGES, ids=lambda page: page.__name__)
def page(request, browser, tmp_path_factory):
    """Address, what is true once it is loaded, and scripts that lead on from one state to the next."""
    with request.param(tmp_path_factory.mktemp("page")) as made:
        yield made


def look(browser, width, dark) -> None:
    """A window of this width, without motion, so that nothing is looked at while it moves."""
    browser.resize(width, 800, dark)
    wanted = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
    features = [{"name": name, "value": value} for name, value in wanted.items()]
    browser.call("Emulation.setEmulatedMedia", features=features)


def tab(browser) -> None:
    """The key, which moves the focus."""
    key = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
    browser.call("Input.dispatchKeyEvent", type="rawKeyDown", **key)
    browser.call("Input.dispatchKeyEvent", type="keyUp", **key)


def walked(browser) -> list[str]:
    """What is wrong on the way of the Tab key through the page."""
    count, visited, found = browser.evaluate("audit.walk()"), [], []
    for _ in range(2 * count + 10):
        tab(browser)
        focus = browser.evaluate("audit.focused()")
        if focus is None and visited:  # the browser's own controls, after the last
            break
        if focus is not None:
            visited.append(focus["number"])
            found += focus["problems"]
    return sorted({*found, *browser.evaluate(f"audit.missed({visited})")})


def findings(browser, page, width, dark, look_at) -> str:
    """What `look_at`() finds in every state of a page, a line each, and the console's errors."""
    address, loaded, states = page
    browser.messages.clear()
    look(browser, width, dark)
    browser.evaluate("window.before = true")
    browser.open(address)
    browser.wait_for(f"!window.before && {loaded}")
    browser.evaluate(AUDIT)
    found = []
    for number, act in enumerate(["", *states]):
        browser.evaluate(act)
        browser.evaluate("new Promise(done => setTimeout(done, 200))")  # for what follows an answer
        found += [f"state {number}: {line}" for line in look_at()]
    # A browser without a graphics card warns of that.
    return "\n".join([*found, *(told for told in browser.messages if '"level": "warning"' not in told)])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_fits_its_window_and_is_legible(page, browser, width, dark):
    assert findings(browser, page, width, dark, lambda: browser.evaluate("audit.looks()")) == ""


@pytest.mark.parametrize(("width", "dark"), [(400, False), (1280, True)], ids=["400-light", "1280-dark"])
def test_tab_comes_to_everything_and_one_sees_where_it_is(page, browser, width, dark):
    assert findings(browser, page, width, dark, lambda: walked(browser)) == ""


PLANTED = """<body style="margin: 0; background: #fff"><style>
a:focus, button:focus { outline: none } b { cursor: pointer } #warm { color: #333 }
#warm:hover { color: #aaa }
@media all { #warm:focus-visible { background: #444 } } #after::after { content: ""; border: 1px solid #ddd }
</style>
<p id=faint style="color: #999">faint</p><p id=faded style="opacity: .5; color: #555">faded</p>
<p id=fine style="color: #666">fine</p><a href="#x">link</a><b id=only>mouse only</b><button></button>
<div id=box style="overflow: auto; width: 90px"><p style="width: 300px">scrolls</p></div>
<a href="#x" id=warm>warm</a><s id=after>s</s><input aria-label=in id=in style="border: 1px solid #ddd">
<svg width=9 height=9><path id=pale fill="#bbb" d="M0 0h9v9z"/><path id=dark fill="#777" d="M0 0h9v9z"/>
<g style="filter: drop-shadow(1px 0 0 #555)"><path id=edged fill="#bbb" d="M0 0h9v9z"/></g></svg>
<div><button aria-pressed=true id=on style="background: #eee">on</button>
<button style="background: #fff">off</button></div>
<p id=wide style="width: 999px">wide</p><button id=under>under</button>
<div style="position: fixed; bottom: 0; height: 100vh; width: 100%; background: #fff">lid</div>"""


def test_the_audit_finds_what_is_planted(browser, tmp_path):
    (tmp_path / "index.html").write_text(PLANTED)
    page = (tmp_path / "index.html").as_uri(), "document.readyState === 'complete'", []
    looks = findings(browser, page, 400, False, lambda: browser.evaluate("audit.looks()"))
    # 2.85 is of #999 on white; #555 of half opacity is #aaa
    for told in ("contrast 2.85 of <p#faint>", "contrast 2.32 of <p#faded>", "no key presses <b#only>",
                 "no name: <button>", "no key scrolls <div#box>", "wide: <p#wide>",
                 "hover: contrast 2.32 of <a#warm>", "focus: contrast 1.30 of <a#warm>",
                 "1.92 of what is drawn, <path#pale>", "1.36 of what is drawn, <input#in>",
                 "1.36 of what is drawn, <s#after>",
                 "chosen by contrast 1.16 alone: <button#on>"):  # fmt: skip
        assert told in looks
    assert not any(told in looks for told in ("fine", "#dark", "#edged", "active: "))
    keys = findings(browser, page, 400, False, lambda: walked(browser))
    assert "no outline on <a> link" in keys and "focus of <button#under> under is under <div> lid" in keys

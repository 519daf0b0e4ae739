"""Every page of ours with small made content, and the states that a person brings it to.

Each is a context manager of a new folder that gives the page's address, what is true once it is loaded, and
scripts that lead from one state to the next.
"""

import contextlib
import threading

import numpy as np

from ganverse_jax import stages
from ganverse_jax.annotation.bins import store
from ganverse_jax.annotation.bins.session import DROP, Session
from ganverse_jax.annotation.keypoints.page import build_keypoint_page
from ganverse_jax.annotation.server import Server
from ganverse_jax.commands.edit import page as edits
from ganverse_jax.commands.edit.editor import Drawn, Subject
from ganverse_jax.commands.edit.edits import asked
from ganverse_jax.commands.edit.live import live_page
from ganverse_jax.commands.reconstruct import page as photos
from ganverse_jax.commands.user_study.page import Hit, build_study_page
from ganverse_jax.pages.frame import assemble
from ganverse_jax.pages.pictures import Pictures, data_uri
from ganverse_jax.report import write_report
from ganverse_jax.report.sections import layers
from ganverse_jax.runtime.checkpoint import write_jpeg
from tests.annotation.conftest import Served, make_task, page, propose, tile
from tests.pages.made import pictures, surface, write_turntable
from tests.report.made_run import splits, write_run

DETAILS = "for (const one of document.querySelectorAll('details')) one.open = true"
LOADED = "document.readyState === 'complete'"


def keys(*pressed: str) -> str:
    """A script that presses them, each when the page has answered the one before."""
    press = "document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}))"
    wait = "await new Promise(done => setTimeout(done, 60))"
    return f"(async () => {{ for (const key of {list(pressed)}) {{ {press}; {wait}; }} }})()"


def _file(folder, text):
    (folder / "index.html").write_text(text, encoding="utf-8")
    return (folder / "index.html").as_uri(), LOADED, [DETAILS]


@contextlib.contextmanager
def report(folder):
    """Of a run in which every stage has left something."""
    write_run(folder)
    yield write_report(folder, stages.declared()).as_uri(), LOADED, [DETAILS]


@contextlib.contextmanager
def first_report(folder):
    """Of a run that has just begun."""
    yield write_report(folder, stages.declared()).as_uri(), LOADED, [DETAILS]


@contextlib.contextmanager
def reconstruct(folder):
    """Two photos, one with a long name, and one that failed."""
    results = []
    for name in ("car one", "a_name_without_any_space_that_is_longer_than_the_window_of_a_telephone_is_wide"):
        write_turntable(folder / f"{name}.webp")
        write_jpeg(folder / f"{name}.overlay.jpg", np.zeros((30, 40, 3), np.uint8))
        facts = (name, f"{name}.png", "alpha", "from bins", 40.0, 10.0, 4.2, 0.91, 0.05, None)
        shown = [np.full((12, 16, 3), 20 * i, np.uint8) for i in range(9)]
        results.append(photos.Reconstruction(*facts, shown, np.zeros((30, 40, 3), np.uint8), surface()))
    failed = {"c": "c.png is broken", f"{'d' * 60}": f"{'e' * 90}.png has no mask"}
    yield _file(folder, photos.photos_page(results, failed, folder, ["a note"]))


def _subject(name):
    shape, texture = np.zeros((4, 3), np.float32), np.zeros((8, 8, 3), np.float32)
    return Subject(name, pictures(), np.zeros((16, 16), np.uint8), np.zeros(5), shape, texture, np.zeros(4))


@contextlib.contextmanager
def edit(folder):
    """One photo with two camera edits and an exchange, one that failed."""
    asked_for = asked(["azimuth=0:360:4", "scale=0.5"], ["texture"], 3)
    drawn = [Drawn(pictures(len(one)), pictures(len(one))) for one in asked_for]
    made = [edits.Edited(_subject("good"), asked_for, drawn)]
    text = edits.edits_page(made, {"texture": _subject("donor")}, {"bad": "bad.png is broken"}, "folder")
    yield _file(folder, text)


class Drawing:
    """What answers the page of live handles, in place of networks."""

    def __init__(self):
        self.finished = threading.Event()

    def open(self):
        one = {"name": "good", "picture": tile(1), "azimuth": 30.0, "elevation": 5.0}
        return {"handles": ["azimuth", "elevation", "scale"], "objects": [one, one | {"name": "other"}]}

    def view(self, number):
        raise AssertionError("the page asks for no view")

    def act(self, command):
        return {"neural": tile(2), "dibr": tile(3)}


@contextlib.contextmanager
def live(folder):
    """Handles of two photos, before and after the end."""
    server = Server(Drawing(), live_page("folder")).start()
    yield (
        server.url,
        "document.getElementById('dibr')?.src.length > 100",
        ["document.getElementById('finish').click()"],
    )
    server.close()


@contextlib.contextmanager
def visualize_layers(folder):
    """A generator of six layers."""
    drawn = {
        "samples": pictures(3), "blocks": [list(row) for row in pictures(3, 4)],
        "groups": [range(0, 4), range(4, 6)], "varied": pictures(2, 3), "split": pictures(3, 3),
        "deviation_maps": pictures(6), "deviations": np.linspace(0, 1, 6), "deviation_range": 1.0,
    }  # fmt: skip
    sections = layers.picture_sections(drawn, splits("5eed"), Pictures(64))
    opening = '<p class="lede">Generator 5eed.</p>'
    yield _file(folder, assemble(sections, title="What each layer holds", name="run", opening=opening))


@contextlib.contextmanager
def bins(folder):
    """Five views: none answered; some, with one dropped; all."""
    served = Served(Session(5), [{"pictures": [tile(view)] * 8} for view in range(5)], page())
    loaded = "document.querySelectorAll('#pictures img, #strip img').length === 8 + 5"
    yield served.server.url, loaded, [keys("6", "x", "1", "ArrowUp"), keys("1", "1", "1", "3", "4")]
    served.server.close()


@contextlib.contextmanager
def keypoints(folder):
    """Four views in two contents: nothing clicked; a point hidden and a view dropped; all dropped."""
    shown = np.full((4, 2, 48, 64, 3), 30, np.uint8)
    candidates = propose(folder, shown)
    store.write_annotation(folder / store.ANNOTATION.name, candidates, Session(4, [1, None, DROP, 6]))
    task = make_task(folder, shown, "car")
    views = [{"picture": data_uri(one)} for row in zip(*task.pictures, strict=True) for one in row]
    text = build_keypoint_page(task, title="run", command="python -m x --config=c", needed=3)
    served = Served(task.session(), views, text)
    loaded = "typeof byId === 'function' && byId('picture').dataset.shown === `${object}/${current}`"
    yield served.server.url, loaded, [keys("h", "h"), keys("x", "ArrowRight", "x"), keys(*"xxxx")]
    served.server.close()


@contextlib.contextmanager
def user_study(folder):
    """Two pictures: nothing answered; one half answered, with the question that is open; the end."""
    hits = [Hit(f"00{n}", pictures(), (pictures(), pictures()), (pictures(), pictures())) for n in (1, 2)]
    address, loaded, _ = _file(folder, build_study_page("0123456789abcdef", hits))
    ended = keys("1", "2", "ArrowRight", "1", "2", "3", "ArrowRight")
    unnamed = "document.querySelector('[data-do=save]').click(); "
    unnamed += "unsaved = false; localStorage.clear()"  # for who opens it again
    yield address, loaded, [keys("1", "ArrowRight"), ended, unnamed]


PAGES = (report, first_report, reconstruct, edit, live, visualize_layers, bins, keypoints, user_study)

"""Made views of a run, what a person can be asked about them, and a server of either page."""

import functools

import numpy as np
import pytest

from ganverse_jax.annotation import candidates as proposed
from ganverse_jax.annotation.bins.page import build_page
from ganverse_jax.annotation.bins.session import Session
from ganverse_jax.annotation.keypoints import store as keypoint_store
from ganverse_jax.annotation.server import Annotator, Server
from ganverse_jax.annotation.tiles import encode_tile
from ganverse_jax.pages.pictures import data_uri


def propose(folder, pictures):
    """Candidates of the GAN "mine" in `folder` with pictures uint8 [views contents h w 3]."""
    count = len(pictures)
    views = [{"id": i, "w_seed": 100 + i, "w": [0.1 * i, 1.0], "consistency": 0.9} for i in range(count)]
    proposed.write_candidates(folder, "mine", views, pictures)
    return proposed.read_candidates(folder)


def make_task(folder, pictures, kind):
    """Keypoints to be clicked in them, in two contents."""
    candidates = propose(folder, pictures)
    keypoint_store.write_pictures(folder, candidates, pictures, np.array([70, 71]))
    return keypoint_store.read_task(folder, candidates, kind)


@functools.cache
def tile(view: int) -> str:
    """A picture whose shade tells the view."""
    return data_uri(encode_tile(np.full((24, 32, 3), 40 * view, np.uint8)))


@functools.cache
def page() -> str:
    facts = [{"id": view, "consistency": 0.9} for view in range(5)]
    return build_page(
        kind="car", title="run </script>", command="python -m x --config=c", views=facts, contents=8
    )


class Served:
    """A running `server` of a page about `session`.

    `saved` has the state of every save, `fail` is what saving raises, `now` is the time.
    """

    def __init__(self, session, shown, page):
        self.session, self.saved, self.fail, self.now = session, [], None, 0.0
        self.server = Server(Annotator(session, shown, self.save, lambda: self.now), page).start()

    def save(self, session) -> None:
        if self.fail:
            raise self.fail
        self.saved.append(session.state())


@pytest.fixture
def served():
    """The bins' page about five views, ended after the test."""
    annotator = Served(Session(5), [{"pictures": [tile(view)] * 8} for view in range(5)], page())
    yield annotator
    annotator.server.close()

"""A served annotator over made views, and a browser to open it."""

import functools

import numpy as np
import pytest

from ganverse_jax.annotation.bins.page import build_page
from ganverse_jax.annotation.bins.session import Session
from ganverse_jax.annotation.server import Annotator, Server
from ganverse_jax.annotation.tiles import data_uri, encode_tile


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
    """A running `server` over five views and its `session`.

    `saved` has the answers of every save, `fail` is what saving raises, `now` is the time.
    """

    def __init__(self):
        self.session, self.saved, self.fail, self.now = Session(5), [], None, 0.0
        views = [{"pictures": [tile(view)] * 8} for view in range(5)]
        self.server = Server(Annotator(self.session, views, self.save, lambda: self.now), page()).start()

    def save(self, session: Session) -> None:
        if self.fail:
            raise self.fail
        self.saved.append(session.answers)


@pytest.fixture
def served():
    """A `Served`, ended after the test."""
    annotator = Served()
    yield annotator
    annotator.server.close()

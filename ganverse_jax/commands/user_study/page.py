"""The user study's page: hits with an input and two predictions, answers kept in the browser, no server."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ganverse_jax.annotation.page import asking_page, own
from ganverse_jax.pages.pictures import Pictures

_SHEETS = Pictures(640, 88)


class Hit(NamedTuple):
    """One input uint8 [h w 3] and, left (a) and right (b), sheets of six views, uint8: shape and textured."""

    name: str
    image: np.ndarray
    a: tuple[np.ndarray, np.ndarray]
    b: tuple[np.ndarray, np.ndarray]


def build_study_page(study: str, hits: Sequence[Hit]) -> str:
    """The page's HTML, whole without a network; it knows the two predictions as A and B only.

    study: what names the study in the saved answers.
    """
    facts = {
        "study": study,
        "hits": [
            {
                "name": hit.name,
                "input": _SHEETS.uri(hit.image),
                "A": [_SHEETS.uri(sheet) for sheet in hit.a],
                "B": [_SHEETS.uri(sheet) for sheet in hit.b],
            }
            for hit in hits
        ],
    }
    title, style, script = "Which reconstruction is better?", own("study.css"), own("study.js")
    return asking_page(own("study.html").rstrip(), title=title, style=style, facts=facts, script=script)

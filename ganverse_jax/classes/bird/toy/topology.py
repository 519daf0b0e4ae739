"""The one connectivity that every toy bird shares: closed lofts."""

import numpy as np

from ganverse_jax.classes.toy import shapes

TOES = ("inner", "middle", "outer", "hind")
_SIDES = ("left", "right")
# Rings and columns of each part.
LOFTS = {
    "trunk": (30, 16), "beak": (7, 8), "tail": (8, 10),
    **{f"wing_{side}": (20, 10) for side in _SIDES}, **{f"eye_{side}": (3, 8) for side in _SIDES},
    **{f"leg_{side}": (12, 6) for side in _SIDES},
    **{f"{toe}_toe_{side}": (5, 4) for side in _SIDES for toe in TOES},
}  # fmt: skip
FACES, PARTS = shapes.assemble((name, shapes.tube(*size), size[0] * size[1]) for name, size in LOFTS.items())
# The part [v] of every vertex, as an index into PARTS, and its place [v] along the part from 0 to 1.
PART_OF = np.repeat(np.arange(len(PARTS)), [rings * columns for rings, columns in LOFTS.values()])
ALONG = np.concatenate([np.repeat(np.linspace(0, 1, rings), columns) for rings, columns in LOFTS.values()])

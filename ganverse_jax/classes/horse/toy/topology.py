"""The one connectivity that every toy horse shares: closed lofts."""

import numpy as np

from ganverse_jax.classes.toy import shapes

LEGS = ("front_left", "front_right", "hind_left", "hind_right")
# Rings and columns of each part.
LOFTS = {"trunk": 36, **dict.fromkeys(LEGS, 20), "tail": 12, "mane": 13, "forelock": 6, "ear_left": 5,
         "ear_right": 5, "eye_left": 3, "eye_right": 3}  # fmt: skip
COLUMNS = {"trunk": 16, **dict.fromkeys(LEGS, 8), "tail": 6, "mane": 6, "forelock": 6, "ear_left": 6,
           "ear_right": 6, "eye_left": 6, "eye_right": 6}  # fmt: skip

FACES, PARTS = shapes.assemble(
    (name, shapes.tube(count, COLUMNS[name]), count * COLUMNS[name]) for name, count in LOFTS.items()
)
# The part [v] of every vertex, as an index into PARTS.
PART_OF = np.repeat(np.arange(len(PARTS)), [part.vertices.stop - part.vertices.start for part in PARTS])

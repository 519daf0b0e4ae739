"""How the surface of toy horses looks: a colour per vertex, shaded there, and the shadow of the shape."""

import numpy as np

from ganverse_jax.classes.horse.toy.coat import REST
from ganverse_jax.classes.horse.toy.topology import FACES, PART_OF, PARTS
from ganverse_jax.classes.toy.skins import skin

_GLOSS = np.array([0.5 if part.name.startswith("eye") else 0.10 for part in PARTS], np.float32)[PART_OF]
# Light that belly, inner thighs and chest between the legs do not get.
_INNER = np.exp(-((REST[:, 0] / 0.07) ** 2)) * np.exp(-(((REST[:, 1] - 0.50) / 0.16) ** 2))
SURFACE = skin(FACES, _GLOSS, 1 - 0.45 * _INNER, (0.30, 0.62))

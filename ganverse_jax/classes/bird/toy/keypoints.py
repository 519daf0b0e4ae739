"""Named points of a toy bird, in whatever pose it is; left is the bird's own left, +x."""

from ganverse_jax.classes.bird.toy.plumage import REST
from ganverse_jax.classes.bird.toy.topology import PARTS
from ganverse_jax.classes.toy.keypoints import Spots

# Spot: the part that has it (of a pair without its side) and where it lies on the average bird.
SPOTS = Spots("birds", REST, PARTS, {
    "beak tip": ("beak", (0.0, 0.760, 0.625)), "eye": ("eye", (0.122, 0.82, 0.39)),
    "crown": ("trunk", (0.0, 0.936, 0.31)), "nape": ("trunk", (0.0, 0.80, 0.185)),
    "throat": ("trunk", (0.0, 0.62, 0.41)), "breast": ("trunk", (0.0, 0.40, 0.335)),
    "belly": ("trunk", (0.0, 0.16, 0.0)), "wing shoulder": ("wing", (0.24, 0.52, 0.16)),
    "wing tip": ("wing", (0.05, 0.28, -0.55)), "foot": ("middle_toe", (0.085, 0.02, 0.04)),
    "tail tip": ("tail", (0.0, 0.20, -0.795)),
})  # fmt: skip

"""Named points of a toy horse, in whatever pose it is; left is the horse's own left, +x."""

from ganverse_jax.classes.horse.toy.coat import REST
from ganverse_jax.classes.horse.toy.topology import PARTS
from ganverse_jax.classes.toy.keypoints import Spots

# Spot: the part that has it (of a pair without its side) and where it lies on the average horse that stands.
SPOTS = Spots("horses", REST, PARTS, {
    "nose": ("trunk", (0.0, 1.03, 1.06)), "eye": ("eye", (0.076, 1.262, 0.893)),
    "ear tip": ("ear", (0.055, 1.51, 0.806)), "withers": ("trunk", (0.0, 1.01, 0.30)),
    "elbow": ("front", (0.17, 0.53, 0.27)), "front knee": ("front", (0.12, 0.29, 0.335)),
    "front hoof": ("front", (0.11, 0.0, 0.37)), "stifle": ("hind", (0.18, 0.56, -0.27)),
    "hock": ("hind", (0.11, 0.36, -0.53)), "hind hoof": ("hind", (0.11, 0.0, -0.365)),
    "tail root": ("trunk", (0.0, 0.91, -0.54)),
})  # fmt: skip

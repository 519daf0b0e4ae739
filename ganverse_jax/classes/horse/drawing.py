"""The annotator's drawing of a horse, and where the points that a person clicks lie on it."""

from ganverse_jax.classes.solids import DARK, MARK, Facet, loft, pair

# See `ObjectClass.places`.
KEYPOINTS = {
    "nose": (0.0, 0.5, 1.03), "left eye": (0.08, 0.69, 0.76), "left ear tip": (0.05, 0.88, 0.63),
    "withers": (0.0, 0.4, 0.24), "left elbow": (0.21, 0.0, 0.28), "left front knee": (0.18, -0.3, 0.38),
    "left front hoof": (0.18, -0.68, 0.4), "left stifle": (0.21, 0.02, -0.42),
    "left hock": (0.18, -0.3, -0.6), "left hind hoof": (0.18, -0.68, -0.53), "tail root": (0.0, 0.3, -0.7),
}  # fmt: skip


def horse() -> list[Facet]:
    """Barrel, neck, long head with ears, four legs, tail."""
    barrel = [(-0.68, 0.16, 0.1, 0.13), (-0.58, 0.16, 0.2, 0.22), (-0.3, 0.15, 0.22, 0.23),
              (0.0, 0.13, 0.21, 0.22), (0.3, 0.15, 0.21, 0.23), (0.46, 0.19, 0.14, 0.19)]  # fmt: skip
    neck = [(0.1, 0.34, 0.13, 0.2), (0.3, 0.44, 0.11, 0.17), (0.5, 0.56, 0.095, 0.14),
            (0.7, 0.66, 0.08, 0.12), (0.8, 0.7, 0.05, 0.06)]  # fmt: skip
    head = [(0.56, 0.7, 0.075, 0.1), (0.74, 0.66, 0.08, 0.1), (0.9, 0.57, 0.06, 0.075)]
    muzzle = [(0.9, 0.57, 0.06, 0.075), (1.02, 0.5, 0.05, 0.055)]
    mane = [(0.2, 0.17, 0.03, 0.12), (0.5, 0.36, 0.03, 0.1), (0.82, 0.55, 0.03, 0.07)]
    facets = loft(barrel) + loft(neck, axis="y") + loft(head) + loft(muzzle, tone=MARK)
    facets += loft(mane, axis="y", tone=DARK)
    facets += pair([(0.74, 0.64, 0.025, 0.03), (0.88, 0.63, 0.006, 0.01)], 0.05, axis="y")
    for z, knee in ((0.34, 0.36), (-0.52, -0.56)):
        leg = [
            (-0.62, knee, 0.05, 0.05),
            (-0.3, knee, 0.05, 0.055),
            (0.0, z, 0.075, 0.1),
            (0.12, z, 0.07, 0.1),
        ]
        facets += pair(leg, 0.13, axis="y")
        facets += pair(
            [(-0.7, knee + 0.01, 0.06, 0.07), (-0.62, knee, 0.055, 0.06)], 0.13, axis="y", tone=DARK
        )
    tail = [
        (-0.4, -0.84, 0.035, 0.03),
        (-0.1, -0.82, 0.06, 0.06),
        (0.18, -0.74, 0.05, 0.06),
        (0.3, -0.66, 0.04, 0.05),
    ]
    return facets + loft(tail, axis="y", tone=DARK)

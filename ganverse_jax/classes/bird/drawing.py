"""The annotator's drawing of a bird, and where the points that a person clicks lie on it."""

from ganverse_jax.classes.solids import DARK, MARK, Facet, loft, pair

# See `ObjectClass.places`.
KEYPOINTS = {
    "beak tip": (0.0, 0.49, 0.87), "left eye": (0.2, 0.58, 0.5), "crown": (0.0, 0.74, 0.4),
    "nape": (0.0, 0.6, 0.2), "throat": (0.0, 0.4, 0.58), "breast": (0.0, 0.22, 0.52),
    "belly": (0.0, -0.2, 0.05), "left wing shoulder": (0.33, 0.24, 0.22),
    "left wing tip": (0.3, 0.03, -0.79), "left foot": (0.11, -0.44, 0.16), "tail tip": (0.0, -0.05, -1.06),
}  # fmt: skip


def bird() -> list[Facet]:
    """A perched songbird: breast, round head, beak, folded wings, tail, legs."""
    body = [(-0.6, 0.0, 0.08, 0.06), (-0.4, 0.02, 0.2, 0.16), (-0.1, 0.06, 0.3, 0.27), (0.2, 0.13, 0.3, 0.3),
            (0.42, 0.22, 0.2, 0.22), (0.5, 0.25, 0.1, 0.12)]  # fmt: skip
    head = [
        (0.22, 0.52, 0.12, 0.13),
        (0.34, 0.54, 0.19, 0.19),
        (0.5, 0.54, 0.19, 0.18),
        (0.62, 0.53, 0.1, 0.1),
    ]
    beak = [(0.6, 0.51, 0.06, 0.05), (0.86, 0.49, 0.008, 0.008)]
    wing = [
        (-0.78, 0.02, 0.02, 0.03),
        (-0.4, 0.08, 0.05, 0.1),
        (0.0, 0.13, 0.06, 0.17),
        (0.25, 0.18, 0.03, 0.1),
    ]
    tail = [(-1.05, -0.06, 0.14, 0.02), (-0.8, -0.04, 0.11, 0.03), (-0.5, 0.0, 0.09, 0.04)]
    facets = loft(body) + loft(head) + loft(beak, tone=MARK) + loft(tail, tone=DARK)
    facets += pair(wing, 0.28, tone=DARK)
    eye = [(0.46, 0.58, 0.02, 0.035), (0.53, 0.58, 0.02, 0.035)]
    facets += pair(eye, 0.18, tone=DARK)
    leg = [(-0.42, 0.1, 0.022, 0.022), (-0.12, 0.06, 0.025, 0.025)]
    foot = [(-0.05, -0.43, 0.05, 0.015), (0.22, -0.44, 0.05, 0.01)]
    return facets + pair(leg, 0.11, axis="y", tone=MARK) + pair(foot, 0.11, tone=MARK)

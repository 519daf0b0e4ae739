"""The points of a car that a person clicks, in the order in which they are asked for, and where they lie.

Left and right are the car's own: left is the +x side, seen from azimuth 90 degrees. Every point is one that a
photograph shows as a spot, not as an outline.
"""

NAMES = (
    "left headlight",
    "right headlight",
    "left front bumper corner",
    "right front bumper corner",
    "left front wheel centre",
    "right front wheel centre",
    "left mirror",
    "right mirror",
    "left lower windscreen corner",
    "right lower windscreen corner",
    "left upper windscreen corner",
    "right upper windscreen corner",
    "left rear roof corner",
    "right rear roof corner",
    "left rear wheel centre",
    "right rear wheel centre",
    "left tail light",
    "right tail light",
    "left rear bumper corner",
    "right rear bumper corner",
)
# On the drawing; of each pair the left point, the right one is its mirror image.
PLACES = {
    "left headlight": (0.26, 0.06, 1.02), "left front bumper corner": (0.36, -0.06, 0.98),
    "left front wheel centre": (0.45, -0.15, 0.6), "left mirror": (0.53, 0.24, 0.24),
    "left lower windscreen corner": (0.31, 0.2, 0.34), "left upper windscreen corner": (0.25, 0.44, 0.14),
    "left rear roof corner": (0.25, 0.45, -0.47), "left rear wheel centre": (0.45, -0.15, -0.6),
    "left tail light": (0.3, 0.1, -0.99), "left rear bumper corner": (0.34, -0.03, -0.98),
}  # fmt: skip

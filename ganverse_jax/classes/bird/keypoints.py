"""The points of a bird that a person clicks, in the order in which they are asked for, and where they lie.

Left and right are the bird's own: left is the +x side, seen from azimuth 90 degrees. Every point is one that
a photograph shows as a spot, not as an outline.
"""

NAMES = (
    "beak tip",
    "left eye",
    "right eye",
    "crown",
    "nape",
    "throat",
    "breast",
    "belly",
    "left wing shoulder",
    "right wing shoulder",
    "left wing tip",
    "right wing tip",
    "left foot",
    "right foot",
    "tail tip",
)
# On the drawing; of each pair the left point, the right one is its mirror image.
PLACES = {
    "beak tip": (0.0, 0.49, 0.87), "left eye": (0.2, 0.58, 0.5), "crown": (0.0, 0.74, 0.4),
    "nape": (0.0, 0.6, 0.2), "throat": (0.0, 0.4, 0.58), "breast": (0.0, 0.22, 0.52),
    "belly": (0.0, -0.2, 0.05), "left wing shoulder": (0.33, 0.24, 0.22),
    "left wing tip": (0.3, 0.03, -0.79), "left foot": (0.11, -0.44, 0.16), "tail tip": (0.0, -0.05, -1.06),
}  # fmt: skip

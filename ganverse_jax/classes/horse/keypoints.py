"""The points of a horse that a person clicks, in the order in which they are asked for, and where they lie.

Left and right are the horse's own: left is the +x side, seen from azimuth 90 degrees. Every point is one that
a photograph shows as a spot, not as an outline.
"""

NAMES = (
    "nose",
    "left eye",
    "right eye",
    "left ear tip",
    "right ear tip",
    "withers",
    "left elbow",
    "right elbow",
    "left front knee",
    "right front knee",
    "left front hoof",
    "right front hoof",
    "left stifle",
    "right stifle",
    "left hock",
    "right hock",
    "left hind hoof",
    "right hind hoof",
    "tail root",
)
# On the drawing; of each pair the left point, the right one is its mirror image.
PLACES = {
    "nose": (0.0, 0.5, 1.03), "left eye": (0.08, 0.69, 0.76), "left ear tip": (0.05, 0.88, 0.63),
    "withers": (0.0, 0.4, 0.24), "left elbow": (0.21, 0.0, 0.28), "left front knee": (0.18, -0.3, 0.38),
    "left front hoof": (0.18, -0.68, 0.4), "left stifle": (0.21, 0.02, -0.42),
    "left hock": (0.18, -0.3, -0.6), "left hind hoof": (0.18, -0.68, -0.53), "tail root": (0.0, 0.3, -0.7),
}  # fmt: skip

"""Parametric car bodies: one topology for every car, vertices as a function of a table of dimensions.

The lower body is a loft along +z with cut-out wheel arches, the cabin a stack of horizontal rings
(tumblehome, raked glass), wheels are short tubes, everything else rounded boxes. Parts that a car
does not have shrink to a point (zero-area faces). Lengths in world units, y = 0 on the ground here;
`build` centres the car by its bounding box.
"""

import numpy as np

from ganverse_jax.classes.car.toy import details
from ganverse_jax.classes.car.toy.dimensions import BODIES, DIMENSIONS, dimensions
from ganverse_jax.classes.car.toy.topology import STATIONS
from ganverse_jax.classes.toy import shapes

_ARCH = np.array([-1.07, -1.0, -0.8, -0.4, 0.4, 0.8, 1.0, 1.07])


def _lower_body(d: dict, pickup: np.ndarray) -> np.ndarray:
    """Loft [n STATIONS*SECTION 3] along z: end caps, wheel arches, bed of a pickup."""
    length, arch = d["length"][:, None], d["arch"][:, None]
    front, rear = d["wheel_front"][:, None] + _ARCH * arch, d["wheel_rear"][:, None] + _ARCH * arch
    gap = (front[:, :1] - rear[:, -1:]) * np.array([1 / 3, 2 / 3]) + rear[:, -1:]
    middle = np.where(pickup[:, None], d["bed_front"][:, None] + np.array([-0.012, 0.012]), gap)
    z = np.concatenate(
        [-length + np.array([0.0, 0.03, 0.08]), rear, middle, front, length + np.array([-0.09, -0.035, 0.0])],
        1,
    )
    ones = np.ones(STATIONS - 6)
    width = np.concatenate([[0.86, 0.95, 1.0], ones, [0.985, 0.93, 0.82]]) * d["width"][:, None]
    width = width * (1 - (0.93 - d["nose"][:, None]) * np.clip((z / length - 0.4) / 0.6, 0, 1) ** 2)
    lift = np.concatenate([[0.07, 0.02, 0.0], 0 * ones, [0.0, 0.02, 0.06]])
    wheel_z = np.where(z > 0, d["wheel_front"][:, None], d["wheel_rear"][:, None])
    circle = d["wheel"][:, None] + np.sqrt(np.maximum(arch**2 - (z - wheel_z) ** 2, 0))
    bottom = np.where(np.abs(z - wheel_z) <= arch * 1.001, circle, d["clearance"][:, None] + lift)
    knots_z = np.stack([-d["length"], d["rear_base"], d["screen_base"], d["length"]], 1)
    knots_y = np.stack([d["tail"], d["belt"], d["belt"] - 0.01, d["hood"] * 0.97], 1)
    top = shapes.polyline(z, knots_z, knots_y)
    top = np.where(pickup[:, None] & (z < d["bed_front"][:, None]), d["bed_floor"][:, None], top)
    drop = np.concatenate([[0.055, 0.012, 0.0], 0 * ones, [0.004, 0.03, 0.10]])
    top = top - drop * np.where(pickup[:, None] & (z < 0), 0.0, 1.0)
    x = np.array([0.80, 0.97, 1.0, 0.97, 0.87, 0.25])
    share = np.array([0.0, 0.10, 0.50, 0.82, 1.0, 1.0])
    crown = np.array([0.0, 0.0, 0.0, 0.0, -0.012, 0.012])
    half = np.stack(
        [
            width[..., None] * x,
            bottom[..., None] + (top - bottom)[..., None] * share + crown,
            np.broadcast_to(z[..., None], z.shape + (6,)),
        ],
        -1,
    )
    return shapes.mirror_columns(half).reshape(len(z), -1, 3)


def _cabin(d: dict) -> np.ndarray:
    """Stack of LEVELS horizontal rings [n LEVELS*20 3]: sill, window bottom and top, roof edge, roof."""
    height = d["roof"] - d["belt"]
    share = np.array([-0.16, 0.08, 0.80, 0.95, 1.0])
    inset = np.array([0.0, 0.0, 0.0, 0.012, 0.075])
    t = np.clip(share, 0, 1)
    y = d["belt"][:, None] + height[:, None] * share
    front = d["screen_base"][:, None] - d["screen_rake"][:, None] * t - inset
    back = d["rear_base"][:, None] + (d["roof_end"] - d["rear_base"])[:, None] * t + inset
    width = 0.84 * d["width"][:, None] * (1 - (1 - d["tumblehome"][:, None]) * t) - 0.8 * inset
    b, c = d["pillar_b"][:, None], d["pillar_c"][:, None]
    side_front, side_back = front - 0.06, back + 0.05

    def along(share_z):
        return side_front + (side_back - side_front) * share_z

    x = np.array([0.32, 0.80, 0.97, 1.0, 1.0, 1.0, 1.0, 0.975, 0.82, 0.32])
    z = np.stack(
        [
            front + 0.045,
            front,
            side_front,
            along(b),
            along(b + 0.045),
            along(c),
            along(c + 0.04),
            side_back,
            back,
            back - 0.03,
        ],
        -1,
    )
    half = np.stack([width[..., None] * x, np.broadcast_to(y[..., None], z.shape), z], -1)
    half[:, -1, :, 1] += 0.012 * (1 - x)
    return shapes.mirror_columns(half).reshape(len(y), -1, 3)


def build(body: np.ndarray, unit: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Vertices [n v 3] float32 centred by bounding box, and the dimensions [n] they were built from.

    body [n] indexes BODIES; unit [n len(DIMENSIONS) + 1] in [0, 1). `dimensions["ground"]` is the height
    of the ground plane in the centred frame.
    """
    d = dimensions(body, unit)
    pickup, sports = body == BODIES.index("pickup"), body == BODIES.index("sports")
    d["arch"] = d["wheel"] * 1.13
    d["wheel_front"], d["wheel_rear"] = d["length"] - d["front_overhang"], -d["length"] + d["rear_overhang"]
    d["rear_base"] = np.maximum(d["roof_end"] - d["rear_rake"], -d["length"] + 0.045)
    d["bed_front"], d["bed_floor"] = d["rear_base"] - 0.02, d["wheel"] + d["arch"] + 0.03
    d["spoiler"] = (unit[:, len(DIMENSIONS)] < 0.5) * 1.0
    parts = [_lower_body(d, pickup), _cabin(d), *details.wheels(d), *details.boxes(d, pickup, sports)]
    vertices = np.concatenate(parts, 1)
    low, high = vertices.min(1), vertices.max(1)
    center = (low + high) / 2
    d["ground"] = -center[:, 1]
    d["center_z"] = center[:, 2]
    return (vertices - center[:, None]).astype(np.float32), d

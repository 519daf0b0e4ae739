"""Wheels, lamps, bumpers and the other small parts of a toy car: tubes and rounded boxes."""

import numpy as np

from ganverse_jax.classes.car.toy.topology import WHEEL_COLUMNS
from ganverse_jax.classes.toy import shapes


def wheels(d: dict) -> list[np.ndarray]:
    """Four tubes [n 4*WHEEL_COLUMNS 3] along x: front and rear right, then their mirror images."""
    angle = (np.arange(WHEEL_COLUMNS) + 0.5) * 2 * np.pi / WHEEL_COLUMNS
    offset, radius = np.array([-0.07, 0.045, 0.07, 0.055]), np.array([0.96, 1.0, 0.86, 0.60])
    right = []
    for name in ("wheel_front", "wheel_rear"):
        r = d["wheel"][:, None, None] * radius[:, None]
        x = (d["width"] - 0.052)[:, None, None] + offset[:, None] + 0 * r + 0 * angle
        ring = np.stack(
            [x, d["wheel"][:, None, None] + r * np.cos(angle), d[name][:, None, None] + r * np.sin(angle)], -1
        )
        right.append(ring.reshape(len(r), -1, 3))
    return right + [w * np.array([-1.0, 1.0, 1.0]) for w in right]


def boxes(d: dict, pickup: np.ndarray, sports: np.ndarray) -> list[np.ndarray]:
    """Rounded boxes [n 24 3] in the order of `topology.BOXES`; half sizes of zero remove a part."""
    w, length, zero = d["width"], d["length"], np.zeros(len(d["width"]))
    nose, bumper_y = w * (1 - (0.93 - d["nose"])) * 0.9, d["clearance"] + 0.07
    head, tail, grille = _lamps_and_grille(d, nose, pickup)
    rails, gate = _bed_or_spoiler(d, pickup, sports)
    under_z = (d["wheel_front"] + d["wheel_rear"]) / 2
    under_l = (d["wheel_front"] - d["wheel_rear"]) / 2 + d["arch"]
    under_h = (np.minimum(d["hood"] - 0.075, d["wheel"] + d["arch"] + 0.02) - d["clearance"]) / 2
    return [
        *head,
        *tail,
        grille,
        _box((zero, bumper_y, length - 0.03), (nose * 0.97, 0.042, 0.055), 0.4),
        _box((zero, bumper_y + 0.015, -length + 0.035), (w * 0.93, 0.042, 0.055), 0.4),
        _box((zero, bumper_y + 0.09, -length + 0.01), (0.085 + zero, 0.03, 0.018), 0.2),
        _box((zero, d["clearance"] + under_h, under_z), (w * 0.74, under_h, under_l), 0.1),
        *_pair((w * 0.97, d["belt"] + 0.045, d["screen_base"] - 0.12), (0.05 + zero, 0.03, 0.028), 0.4),
        *rails,
        gate,
    ]


def _lamps_and_grille(d, nose, pickup):
    lamp_y, tail_y = d["hood"] - 0.05 - d["lamp_height"], d["tail"] - 0.065 - d["tail_height"]
    tail_y = np.where(pickup, d["tail"] - 0.03 - d["tail_height"], tail_y)
    tail_z = -d["length"] + np.where(pickup, 0.022, 0.032)
    head_at = (nose - d["lamp_width"] * 0.85, lamp_y, d["length"] - 0.035)
    head = _pair(head_at, (d["lamp_width"], d["lamp_height"], 0.055), 0.45)
    tail_at = (d["width"] * 0.93 - d["tail_width"], tail_y, tail_z)
    tail = _pair(tail_at, (d["tail_width"], d["tail_height"], 0.05), 0.3)
    grille_y = np.minimum(lamp_y - 0.01, d["hood"] - 0.08 - d["grille_height"])
    grille_half = (d["grille_width"], d["grille_height"], 0.03)
    return head, tail, _box((0 * lamp_y, grille_y, d["length"] - 0.01), grille_half, 0.25)


def _bed_or_spoiler(d, pickup, sports):
    """Side rails and tailgate of a pickup; the tailgate's box serves as the spoiler of a sports car."""
    w, length, on, spoiler = d["width"], d["length"], pickup * 1.0, sports * d["spoiler"]
    rail_y, rail_h = (d["tail"] + d["bed_floor"]) / 2, (d["tail"] - d["bed_floor"]) / 2 + 0.02
    rail_z, rail_l = (d["bed_front"] - length) / 2 + 0.01, (d["bed_front"] + length) / 2 - 0.01
    rails = _pair((w * 0.92, rail_y, rail_z), (on * w * 0.08, on * rail_h, on * rail_l), 0.3)
    gate_y = np.where(pickup, rail_y, d["tail"] + 0.03)
    gate_z = np.where(pickup, -length + 0.03, -length + 0.06)
    gate_half = (
        on * w * 0.93 + spoiler * w * 0.86,
        on * rail_h + spoiler * 0.018,
        on * 0.035 + spoiler * 0.06,
    )
    return rails, _box((0 * w, gate_y, gate_z), gate_half, 0.3)


def _box(center, half, bevel: float) -> np.ndarray:
    center = np.stack(np.broadcast_arrays(*center), -1)
    half = np.stack(np.broadcast_arrays(*half, center[:, 0])[:3], -1)
    return shapes.box_vertices(center, half, np.full(len(center), bevel))


def _pair(center, half, bevel: float) -> list[np.ndarray]:
    """The box and its mirror image, left (-x) first."""
    return [_box((-center[0], *center[1:]), half, bevel), _box(center, half, bevel)]

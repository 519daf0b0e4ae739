"""Held-out scores of the perception networks, on clean and on augmented renders."""

import jax
import jax.numpy as jnp
import numpy as np

from ganverse_jax.data.augment import augment
from ganverse_jax.evaluation.cameras import wrap_angle
from ganverse_jax.evaluation.images import mask_iou


def soften(renders: dict[str, np.ndarray], seed: int = 1) -> dict[str, np.ndarray]:
    """The renders under the training augmentation (no zoom), as uint8: a stand-in for GAN samples."""
    keys = jax.random.split(jax.random.key(seed), len(renders["image"]))
    images, masks = jax.jit(jax.vmap(augment))(
        jnp.asarray(renders["image"], jnp.float32) / 255,
        jnp.asarray(renders["mask"], jnp.float32) / 255,
        keys,
    )
    as_bytes = {name: np.asarray(jnp.round(255 * x)).astype(np.uint8)
                for name, x in (("image", images), ("mask", masks))}  # fmt: skip
    return dict(renders) | as_bytes


def score_segmenter(segmenter, renders: dict[str, np.ndarray]) -> dict[str, float]:
    """Mean and 5th percentile of the mask IOU (both masks cut at one half), clean and augmented."""
    result = {}
    for name, data in (("clean", renders), ("augmented", soften(renders))):
        iou = mask_iou(segmenter(data["image"]) > 0.5, data["mask"] > 127)
        result |= {f"iou_{name}": float(iou.mean()), f"iou_{name}_p5": float(np.percentile(iou, 5))}
    return result


def score_pose_regressor(regressor, renders: dict[str, np.ndarray]) -> dict[str, float]:
    """Camera errors, clean and augmented: azimuth and elevation in degrees, distance relative.

    azimuth_flips is the share of azimuths more than 90 degrees off (front taken for back, or sides mixed).
    """
    result = {}
    for name, data in (("clean", renders), ("augmented", soften(renders))):
        pose = regressor(data["image"])
        azimuth = np.degrees(np.abs(wrap_angle(pose.azimuth - data["azimuth"])))
        elevation = np.degrees(np.abs(pose.elevation - data["elevation"]))
        distance = np.abs(pose.distance / data["distance"] - 1)
        result |= {
            f"azimuth_mean_{name}": float(azimuth.mean()),
            f"azimuth_median_{name}": float(np.median(azimuth)),
            f"azimuth_p95_{name}": float(np.percentile(azimuth, 95)),
            f"azimuth_flips_{name}": float((azimuth > 90).mean()),
            f"elevation_mean_{name}": float(elevation.mean()),
            f"distance_relative_{name}": float(distance.mean()),
        }
    return result

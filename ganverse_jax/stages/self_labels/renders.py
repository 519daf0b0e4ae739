"""A pose network trained on renders of what the inverse graphics network predicts: cameras without a label.

The meshes and textures that the first round reads off real pictures are drawn from random cameras, which are
known. Objects stand on black, so that nothing but the object is to be recognised; a real picture, cut out by
its mask, looks the same. A thousandth of the time that fitting every camera by rendering takes.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import rasterizer
from ganverse_jax.models.perception.pose_regressor import LearnedPoseRegressor, PoseNet
from ganverse_jax.pipeline.stage import Run
from ganverse_jax.runtime import parallel
from ganverse_jax.scene.meshes import PredictedMeshes
from ganverse_jax.stages.perception import step as steps
from ganverse_jax.stages.perception.stage import Fitting
from ganverse_jax.stages.self_labels.settings import Settings

_GAIN = 0.1  # standard deviation of the colours' factor, per channel and picture


class Ranges(NamedTuple):
    """Of the cameras that are drawn: elevations (radians) and distances, (lowest, highest)."""

    elevation: tuple[float, float]
    distance: tuple[float, float]

    def stats(self) -> dict[str, tuple[float, float]]:
        """Mean and standard deviation of the uniform distribution, as a pose regressor takes them."""
        pairs = zip(self._fields, self, strict=True)
        return {f"{name}_stats": ((low + high) / 2, (high - low) / 12**0.5) for name, (low, high) in pairs}


def learned_ranges(cameras: Mapping[str, np.ndarray]) -> Ranges:
    """A little wider than the cameras that the first round learned (azimuth, elevation, log_distance [k])."""
    elevation, distance = np.asarray(cameras["elevation"]), np.exp(cameras["log_distance"])
    low, high = np.percentile(distance, (5, 95))
    wide = float(elevation.min()) - 0.05, float(elevation.max()) + 0.05
    return Ranges(wide, (0.95 * float(low), 1.05 * float(high)))


def on_black(images: jax.Array, masks: jax.Array) -> jax.Array:
    """Objects of images [b h w 3] cut out by masks [b h w 1], both in [0, 1], on black, in [-1, 1]."""
    return jnp.clip(images * masks, 0.0, 1.0) * 2.0 - 1.0


def train(
    run: Run, settings: Settings, meshes: PredictedMeshes, ranges: Ranges, *, fov_y: float, resolution: int
) -> LearnedPoseRegressor:
    """The network trained on square renders of `meshes`; fov_y (vertical) in radians."""
    module = PoseNet(settings.pose_widths, settings.pose_hidden)
    optimizer = steps.make_optimizer(settings.learning_rate, settings.render_steps)
    draw = _drawing(meshes, ranges, settings, fov_y, resolution)

    def parts(params, batch, key):
        images, targets = draw(batch, key)
        return steps.pose_loss(module.apply({"params": params}, images), targets)

    step = steps.make_step(parts, steps.POSE_WEIGHTS, optimizer, run.mesh)
    data = {"vertices": meshes.vertices, "texture": meshes.texture}
    fitting = Fitting("renders", module, optimizer, settings.render_steps, tuple(data))
    params = fitting.fit(run, settings, step, data, resolution=resolution, stage="self_labels")
    sizes = {"widths": settings.pose_widths, "hidden": settings.pose_hidden, "resolution": resolution}
    return LearnedPoseRegressor(params, **sizes, **ranges.stats())


def _drawing(
    meshes: PredictedMeshes, ranges: Ranges, settings: Settings, fov_y: float, size: int
) -> Callable:
    """draw(batch, key) -> (renders [b size size 3] in [-1, 1], what is to be read off them [b 4])."""
    stats = ranges.stats()

    def cameras(key):
        keys = jax.random.split(key, 5)
        uniform = [jax.random.uniform(one, (), minval=low, maxval=high)
                   for one, (low, high) in zip(keys, ((0.0, 2 * np.pi), *ranges), strict=False)]  # fmt: skip
        offset = settings.offset * jax.random.normal(keys[3], (2,))
        return *uniform, offset, 1.0 + _GAIN * jax.random.normal(keys[4], (1, 1, 3))

    def draw(batch, key):
        drawn = jax.vmap(cameras)(parallel.example_keys(key, batch["index"]))
        azimuth, elevation, distance, offset, gain = drawn
        camera = rasterizer.Camera(azimuth, elevation, distance, fov_y=fov_y, offset=offset)
        rendered = rasterizer.render(
            batch["vertices"],
            meshes.faces,
            meshes.uv,
            meshes.uv_faces,
            batch["texture"],
            camera,
            size,
            size,
            sigma_inverse=settings.sigma_inverse,
        )
        targets = steps.pose_targets(azimuth, elevation, distance, **stats)
        return on_black(rendered.rgb * gain, rendered.mask), targets

    return draw


class Labels(NamedTuple):
    """Cameras read off n pictures: azimuth, elevation (radians), distance [n]; certainty [n], the length of
    the mean (sine, cosine) that picture and mirror image give; mirror [n], by how much (radians) the two
    differ."""

    azimuth: np.ndarray
    elevation: np.ndarray
    distance: np.ndarray
    certainty: np.ndarray
    mirror: np.ndarray

    def trusted(self, settings: Settings) -> np.ndarray:
        """Which labels [n] the settings trust."""
        return (self.certainty >= settings.min_certainty) & (
            np.degrees(self.mirror) <= settings.max_mirror_degrees
        )


def label(regressor: LearnedPoseRegressor, images: np.ndarray, masks: np.ndarray) -> Labels:
    """What the trained network reads off images uint8 [n h w 3] cut out by masks uint8 [n h w]."""
    objects = np.round(images * (masks[..., None] / 255.0)).astype(np.uint8)
    # A mirror image has the opposite azimuth: classes of symmetric objects give two readings of each picture.
    readings = regressor.predict(objects), regressor.predict(objects[:, :, ::-1]) * (-1, 1, 1, 1)
    azimuths = [np.arctan2(one[:, 0], one[:, 1]) for one in readings]
    mean = (readings[0] + readings[1]) / 2
    (centre, scale), (nominal, spread) = regressor.elevation_stats, regressor.distance_stats
    return Labels(
        np.arctan2(mean[:, 0], mean[:, 1]),
        mean[:, 2] * scale + centre,
        mean[:, 3] * spread + nominal,
        np.hypot(mean[:, 0], mean[:, 1]),
        np.abs(np.angle(np.exp(1j * (azimuths[0] - azimuths[1])))),
    )

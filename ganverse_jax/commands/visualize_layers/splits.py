"""What each split of the layers separates, measured on the toy world (Appendix B of arXiv:2010.09125).

For every k the view code drives the first k rows of ws and the content code the rest. Viewpoint and object
are read off the pictures by yardsticks whose own errors are measured on held-out renders alongside.
"""

from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.evaluation.cameras import wrap_angle
from ganverse_jax.evaluation.disentanglement import split_disentanglement
from ganverse_jax.evaluation.identity import Identity, fit_identity, verify
from ganverse_jax.evaluation.toy_features import ToyFeatures
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.pipeline.experiment import Experiment, make_world
from ganverse_jax.stages.perception.stage import Perception

_CAMERAS = 6  # per rendered object
_VIEW_SEEDS, _CONTENT_SEEDS = 3 * 10**12, 4 * 10**12  # apart from those of the viewpoints stage


class Yardsticks(NamedTuple):
    """Networks that read pose and mask off pictures, the identity fitted to them, and their held-out figures.

    held_out: azimuth_error and azimuth_error_median (degrees), identity_same, identity_different,
    identity_auc, on objects that none of them has seen.
    """

    perception: Perception
    features: ToyFeatures
    identity: Identity
    held_out: dict[str, float]

    def read(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Azimuths [n] in radians and unit vectors of identity [n e] of images uint8 [n h w 3]."""
        masks = self.perception.segmenter(images)
        return self.perception.pose_regressor(images).azimuth, self.identity(self.features(images, masks))


def make_yardsticks(
    perception: Perception, experiment: Experiment, *, num_objects: int = 200, num_held_out: int = 60
) -> Yardsticks:
    """Fit the identity on `num_objects` training objects, measure all on `num_held_out` test ones, six views
    each.

    Raises ValueError without a pose regressor: then nothing here can read a viewpoint.
    """
    if perception.pose_regressor is None:
        raise ValueError("no pose regressor to read viewpoints with; it comes from a toy perception stage")
    features = ToyFeatures(perception.pose_regressor)

    def views(split, count):
        world = make_world(experiment, perception.pose_regressor.resolution, split)
        objects, generator = np.repeat(np.arange(count), _CAMERAS), np.random.default_rng(0)
        azimuth = generator.uniform(0, 2 * np.pi, len(objects))
        images = world.render_views(objects, azimuth, generator.uniform(*world.elevations, len(objects)))[
            "image"
        ]
        return objects, azimuth, images

    objects, _, images = views("train", num_objects)
    identity = fit_identity(features(images, perception.segmenter(images)), objects)
    yardsticks = Yardsticks(perception, features, identity, {})
    objects, azimuth, images = views("test", num_held_out)
    read, embeddings = yardsticks.read(images)
    error = np.degrees(np.abs(wrap_angle(read - azimuth)))
    held_out = {"azimuth_error": float(error.mean()), "azimuth_error_median": float(np.median(error))}
    held_out |= {f"identity_{name}": value for name, value in verify(embeddings, objects).items()}
    return yardsticks._replace(held_out=held_out)


def measure_splits(
    generator: MultiviewGenerator,
    yardsticks: Yardsticks,
    *,
    num_views: int,
    num_contents: int,
    view_truncation: float,
    content_truncation: float,
    seed: int,
) -> dict[str, Any]:
    """The table of all splits k = 0..num_ws on random codes, as it goes into layers.json.

    "splits": see `split_disentanglement`; "held_out": the yardsticks' own figures; counts and truncations.
    """
    views = generator.codes(_VIEW_SEEDS + 10**7 * seed + np.arange(num_views), view_truncation)
    contents = generator.codes(_CONTENT_SEEDS + 10**7 * seed + np.arange(num_contents), content_truncation)
    readings = []
    for k in range(generator.module.num_ws + 1):
        azimuths, embeddings = yardsticks.read(
            generator.images(split_ws(views, contents, k, generator.module.num_ws))
        )
        shape = (num_views, num_contents)
        readings.append((azimuths.reshape(shape), embeddings.reshape(*shape, -1)))
    azimuths, embeddings = (np.stack(parts) for parts in zip(*readings, strict=True))
    settings = dict(num_views=num_views, num_contents=num_contents, view_truncation=view_truncation,
                    content_truncation=content_truncation, seed=seed)  # fmt: skip
    return {"splits": split_disentanglement(azimuths, embeddings), "held_out": yardsticks.held_out} | settings


def split_ws(views: np.ndarray, contents: np.ndarray, k: int, num_ws: int) -> np.ndarray:
    """ws [v * c num_ws w]: the first k rows from each of views [v w], the rest from contents [c w]."""
    view = np.broadcast_to(views[:, None, None], (len(views), len(contents), k, views.shape[1]))
    content = np.broadcast_to(
        contents[None, :, None], (len(views), len(contents), num_ws - k, views.shape[1])
    )
    return np.concatenate([view, content], axis=2).reshape(-1, num_ws, views.shape[1])

"""What handles are measured on: fresh objects of the GAN, and pictures of the toy world with their truth."""

from functools import partial

import numpy as np

from ganverse_jax.commands.evaluate.real_renders import fit_frame, real_renders
from ganverse_jax.commands.evaluate_handles.measuring import Subject, question
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.models.inverse_graphics.prediction import predict_meshes
from ganverse_jax.pipeline.experiment import Experiment
from ganverse_jax.scene.cameras import stack_cameras
from ganverse_jax.stages.stylegan_r.inputs import Pieces, predict_properties

_FIRST_FRESH = 8_000_000  # contents above those that StyleGAN-R trains on
_NUM_FITTING = 20


def gan_subject(pieces: Pieces, count: int, seed: int) -> Subject:
    """Of contents that no stage has seen, each in one random view."""
    images = pieces.samples(count, seed, _FIRST_FRESH).images
    data = predict_properties(
        pieces.inverse,
        images,
        cameras=stack_cameras(pieces.cameras),
        **_no_codes(len(images), pieces.cameras),
    )
    return Subject(data, question(data), {})


def real_subject(pieces: Pieces, experiment: Experiment, count: int) -> Subject:
    """Of test objects of the toy world, each from its true camera, brought into the frame of the network;
    with the true masks of each from the next one's camera, and of its partner from its own."""
    resolution = pieces.source.size[0]
    fitting = real_renders(experiment, resolution, "validation", _NUM_FITTING)
    similarity = fit_frame(partial(predict_meshes, pieces.inverse.module, pieces.inverse.params), fitting)
    drawn = real_renders(experiment, resolution, "test", count)
    rows, true = np.arange(count), drawn.cameras
    cameras = {
        "azimuth": true["azimuth"] - similarity.azimuth,
        "elevation": true["elevation"],
        "distance": true["distance"] / similarity.scale,
    }
    images = MultiviewSet(drawn.images, drawn.masks, rows, drawn.objects, [{}] * count)
    data = predict_properties(
        pieces.inverse, images, cameras=stack_cameras(cameras), **_no_codes(count, cameras)
    )
    asked = question(data, np.roll(rows, 1))

    def masks(objects, views):
        return drawn.world.render_views(objects, *(true[name][views] for name in true))["mask"]

    truth = {
        "other_view": masks(drawn.objects, asked.views),
        "shape": masks(drawn.objects[asked.partners], rows),
    }
    return Subject(data, asked, truth)


def _no_codes(count: int, cameras) -> dict[str, np.ndarray]:
    """The codes of examples that nothing is trained on."""
    return {
        "content_styles": np.zeros((count, 0), np.float32),
        "view_styles": np.zeros((len(cameras["azimuth"]), 0), np.float32),
    }

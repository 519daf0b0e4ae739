"""Networks on renders of the toy world: one similarity from surfaces alone, and figures taken after it."""

import jax
import numpy as np
import pytest

from ganverse_jax.classes.car.toy.world import ToyCars
from ganverse_jax.commands.evaluate import real_renders
from ganverse_jax.evaluation.geometry import Similarity
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.runtime.pixels import unit_to_uint8
from ganverse_jax.scene.meshes import PredictedMeshes, render_meshes
from ganverse_jax.stages.inverse_graphics_posed.truth import exact_meshes
from tests.stages.tiny_world import experiment_with

EXPERIMENT = experiment_with()


def one_sample_per_pixel(experiment, resolution, split):
    return ToyCars(resolution, split=split, supersample=1)


@pytest.fixture(scope="module")
def renders():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(real_renders, "make_world", one_sample_per_pixel)
        yield [real_renders.real_renders(EXPERIMENT, 32, split, 4) for split in ("validation", "test")]


def oracle(renders, similarity):
    """Predicts the exact cars of `renders`, in the frame that `similarity` leads out of."""
    meshes = exact_meshes(renders.world, renders.objects)
    return meshes._replace(vertices=similarity.invert(meshes.vertices).astype(np.float32))


def test_renders_are_deterministic_and_of_their_split(renders):
    validation, test = renders
    again = real_renders.real_renders(EXPERIMENT, 32, "test", 4)
    np.testing.assert_array_equal(test.images, again.images)
    assert (validation.images != test.images).any(axis=(1, 2, 3)).all()
    assert (test.world.split, validation.world.split) == ("test", "validation")


def test_the_frame_of_a_network_is_found_from_surfaces(renders):
    fitting, testing = renders
    frame = Similarity(np.radians(100.0), 0.8, (0.0, 0.1, -0.05))
    found = real_renders.fit_frame(lambda images, masks: oracle(fitting, frame), fitting)
    # The oracle's hidden inner faces are sampled too, the truth's are dropped, on samples of four cars.
    assert abs(np.degrees(found.azimuth) - 100.0) < 2
    assert found.scale == pytest.approx(frame.scale, rel=0.04)
    np.testing.assert_allclose(found.translation, frame.translation, atol=0.04)
    figures = real_renders.real_figures(oracle(testing, frame), frame, testing)
    # Exact cars from exact cameras: only single precision parts the pixels of edges.
    assert figures["iou_2d"] > 0.99 and figures["novel_view_iou"] > 0.99
    assert figures["normal_error_degrees"] < 1 and figures["num_images"] == 4
    # A frame that is wrong by a quarter turn is a wrong prediction.
    wrong = real_renders.real_figures(oracle(testing, frame), frame._replace(azimuth=0.0), testing)
    assert wrong["iou_2d"] < 0.8 and wrong["chamfer"] > 2 * figures["chamfer"]


@pytest.mark.slow  # an optimisation is compiled
def test_a_fitted_camera_finds_the_view_of_a_mesh_in_any_frame(renders):
    network = InverseGraphics(icosphere_level=2, template_scale=(0.42, 0.35, 0.88))
    template = network.template
    vertices = np.asarray(template.vertices) - [0, 0, 0.1]
    texture = np.asarray(jax.random.uniform(jax.random.key(0), (1, 4, 8, 3)))
    meshes = PredictedMeshes(vertices[None], texture, template.faces, template.uv, template.uv_faces)
    testing = renders[1]
    cameras = {"azimuth": np.array([2.0]), "elevation": np.array([0.3]), "distance": np.array([4.4])}
    colour, mask = render_meshes(meshes, np.zeros(1, int), cameras, (32, 32), np.radians(30.0))
    pictured = testing._replace(
        objects=np.zeros(1, int), images=unit_to_uint8(colour), masks=unit_to_uint8(mask), cameras=cameras
    )
    # Some 100 pixels of outline at 32 pixels a side; a tenth of a pixel moves a few of them.
    assert real_renders.fitted_camera_iou(meshes, pictured) > 0.9

"""Figures of truth on the posed toy world: perfect predictions score perfectly, and only then."""

import numpy as np
import pytest

from ganverse_jax.classes.car.toy.world import ToyCars
from ganverse_jax.data.multiview.posed_world import posed_renders, posed_views, true_cameras
from ganverse_jax.evaluation.geometry import join_parts, rotation_y
from ganverse_jax.scene.meshes import PredictedMeshes
from ganverse_jax.stages.inverse_graphics_posed.stage import truth_evaluator


def test_bins_are_the_nearest_of_twelve():
    for view in posed_views(ToyCars(8), 24):
        off = np.degrees(view["true_azimuth"]) - 30 * view["azimuth_bin"]
        assert abs((off + 180) % 360 - 180) <= 15 + 1e-9
        assert 0 <= view["true_elevation"] <= np.pi / 6


@pytest.fixture(scope="module")
def world_and_set():
    world = ToyCars(32, supersample=1)
    return world, posed_renders(world, num_objects=10, num_views=4, views_per_object=2)


class Oracle:
    """Predicts the exact meshes, turned, shrunk and moved, padded to one connectivity."""

    def __init__(self, world, objects, turn, scale, shift):
        self.world, self.objects, self.turn, self.scale, self.shift = world, objects, turn, scale, shift

    def __call__(self, images, masks):
        index = next(self.objects)
        vertices, faces = join_parts(self.world.solid(index))
        inverse = (vertices - self.shift) / self.scale @ rotation_y(self.turn)
        uv = np.zeros((1, 2), np.float32)
        texture = np.ones((1, 2, 2, 3), np.float32)
        return PredictedMeshes(inverse[None].astype(np.float32), texture, faces, uv, np.zeros_like(faces))


def test_exact_predictions_in_a_turned_frame_score_perfectly(world_and_set):
    world, multiview = world_and_set
    objects = [int(np.unique(multiview.split(name).object_id)[0]) for name in ("validation", "test")]
    turn, scale, shift = 0.3, 1.1, np.array([0.0, 0.05, 0.1])
    truth = true_cameras(multiview.views)
    cameras = truth | {"azimuth": truth["azimuth"] - turn}
    evaluate = truth_evaluator(world, multiview, num_evaluated=1)
    figures = evaluate(predict=Oracle(world, iter(objects), turn, scale, shift), cameras=cameras)
    assert figures["camera_rotation_max_degrees"] < 1e-3
    # The oracle's hidden inner faces are sampled too, the truth's are dropped: the fit moves by up to 3 %.
    assert figures["alignment_scale"] == pytest.approx(scale, rel=0.04)
    # Two samples of 4000 points of one surface lie about 0.01 apart; inner faces and the fit add the rest
    # (0.037 as measured).
    assert figures["chamfer"] < 0.05
    assert figures["volumetric_iou"] > 0.85
    # Masks of 32 px at one sample per pixel.
    assert figures["novel_view_iou"] > 0.9
    # The right faces up to the fit's few percent: pixels near edges see the next face.
    assert figures["normal_error_degrees"] < 10
    assert 0 < figures["texture_error"] < 1 and "perceptual_distance" not in figures

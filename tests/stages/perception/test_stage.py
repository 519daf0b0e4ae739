"""Perception training on drawn discs: it learns, and any number of devices gives the same step."""

import jax
import numpy as np
import pytest

from ganverse_jax.evaluation.images import mask_iou
from ganverse_jax.models.perception.pose_regressor import PoseNet
from ganverse_jax.models.perception.segmenter import LearnedSegmenter, SegmenterNet
from ganverse_jax.runtime import parallel
from ganverse_jax.stages.perception import stage as perception
from ganverse_jax.stages.perception import step as steps
from ganverse_jax.stages.perception.settings import Settings
from tests.stages.tiny_world import run_in

SIZE, WIDTHS = 16, (8, 8)


def discs(n, seed=0):
    """Bright discs on dark noise; 'azimuth' is the direction of the disc's centre from the picture's."""
    rng = np.random.default_rng(seed)
    azimuth = rng.uniform(0, 2 * np.pi, n).astype(np.float32)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    y, x = 7.5 + 3 * np.sin(azimuth)[:, None, None], 7.5 + 3 * np.cos(azimuth)[:, None, None]
    mask = ((rows - y) ** 2 + (columns - x) ** 2 < 12).astype(np.uint8) * 255
    image = rng.integers(0, 60, (n, SIZE, SIZE, 3), dtype=np.uint8) + (mask // 2)[..., None]
    elevation, distance = rng.uniform(0, 0.5, (2, n)).astype(np.float32)
    return {
        "image": image,
        "mask": mask,
        "azimuth": azimuth,
        "elevation": elevation,
        "distance": 4 + distance,
    }


def one_step(make, module, batch, devices):
    optimizer = steps.make_optimizer(1e-2, 10)
    mesh = parallel.data_mesh(devices)
    state = steps.initial_state(module, SIZE, optimizer, seed=0)
    step = make(module, optimizer, mesh)
    for i in range(2):  # the first step's rate is zero (warm-up)
        state, metrics = step(parallel.replicate(state, mesh), batch, key=jax.random.key(i))
        jax.block_until_ready(state)
    return jax.device_get(state["params"]), jax.device_get(metrics)


# Both share the step and the augmentation, whose compilation is what takes the time.
@pytest.mark.parametrize("name", ["segmenter", pytest.param("pose", marks=pytest.mark.slow)])
def test_one_and_four_devices_take_the_same_step(name):
    data = discs(8)
    batch = {"image": data["image"], "mask": data["mask"], "index": np.arange(8, dtype=np.int32)}
    if name == "segmenter":
        make, module = steps.segmenter_step, SegmenterNet(WIDTHS)
    else:
        make, module = steps.pose_step, PoseNet(WIDTHS, 8)
        stats = ((0.2, 0.1), (4.0, 0.2))
        batch["pose"] = steps.pose_targets(data["azimuth"], data["elevation"], data["distance"], *stats)
    one, four = (one_step(make, module, batch, n) for n in (1, 4))
    # Adam divides by the gradient's own size: rounding of sums in another order is amplified where a
    # gradient is near zero, hence 2e-3 on parameters moved by 1e-2, and 1e-4 on the metrics
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-3), one[0], four[0])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4), one[1], four[1])


@pytest.mark.slow
def test_the_segmenter_learns_discs_from_few_pictures(tmp_path):
    settings = Settings(
        segmenter_widths=WIDTHS,
        segmenter_steps=60,
        learning_rate=1e-2,
        batch_size=32,
        log_every=30,
        save_every=60,
    )
    segmenter = perception.train_segmenter(run_in(tmp_path), settings, discs(256))
    fresh = discs(32, seed=1)
    iou = mask_iou(segmenter(fresh["image"]) > 0.5, fresh["mask"] > 127).mean()
    assert iou > 0.8  # discs of 37 pixels: one ring of wrong pixels would already cost 0.4


def test_a_missing_segmenter_is_named_with_the_way_to_get_it():
    told = perception.absent(Settings(pretrained="no_such_class", how_to_get="train one for horses"))
    path = "no_such_class/segmenter.safetensors"
    assert told == [f"perception.pretrained: nothing at '{path}'; train one for horses"]
    assert perception.absent(Settings(pretrained="toy_car")) == [] == perception.absent(Settings())


def test_a_class_without_pose_regressor_keeps_its_segmenter(tmp_path):
    params = steps.initial_state(SegmenterNet(WIDTHS), SIZE, steps.make_optimizer(1e-2, 10), seed=0)["params"]
    given = tmp_path / "given"
    segmenter = LearnedSegmenter(params, widths=WIDTHS, resolution=SIZE)
    segmenter.save(given / "segmenter.safetensors", {})
    perception.run(run_in(tmp_path), Settings(pretrained=str(given)))
    loaded = perception.load(tmp_path)
    assert loaded.pose_regressor is None and loaded.segmenter.widths == WIDTHS

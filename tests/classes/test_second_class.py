"""A class of one's own, plugged in by a test, runs through every stage without a line of code elsewhere."""

import numpy as np
import pytest

from ganverse_jax import classes, stages
from ganverse_jax.data.multiview.stored import open_set
from ganverse_jax.runtime.checkpoint import read_json
from tests.classes.crate import CRATE, CrateWorld

pytestmark = pytest.mark.slow  # every stage compiles: two to three minutes

SIZES = dict(resolution=32, channel_base=256, channel_max=16)
NETWORK = dict(
    icosphere_level=1, template_scale=(0.4, 0.35, 0.7), shape_degree=4, encoder_width=8, encoder_blocks=(1,),
    code_size=16, shape_hidden=16, texture_size=8, texture_channels=(4,),
)  # fmt: skip
TRAINING = dict(network=NETWORK, batch_size=4, num_steps=4, perceptual_blocks=1, camera_start=1, log_every=2)
CONFIG = dict(
    object_class="crate",
    num_devices=1,
    gan=dict(
        generator=SIZES | dict(z_dim=16, w_dim=16, mapping_layers=2), discriminator=SIZES, num_images=256,
        num_steps=200, batch_size=16, learning_rate=1e-2, r1_gamma=0.1, log_every=100, save_every=200,
    ),
    perception=dict(
        resolution=32, num_train=64, num_validation=16, batch_size=8, segmenter_steps=40, pose_steps=10,
        segmenter_widths=(8, 8), pose_widths=(8, 8), pose_hidden=8,
    ),
    viewpoints=dict(
        annotated_by="pose_regressor", num_views=4, num_candidates=6, num_contents=2, min_usable=0.0,
        min_distance=0.0, drop_share=0.0,
    ),
    multiview_dataset=dict(num_objects=40, views_per_object=3, min_area=0.0, min_instance=0.06),
    inverse_graphics=TRAINING,
    inverse_graphics_posed=TRAINING
    | dict(resolution=32, num_objects=20, num_views=4, views_per_object=2, num_evaluated=2),
    stylegan_r=dict(
        num_examples=16, num_test=4, include_torgb=True,
        mapper=dict(view_dims=4, hidden=(8,), channels=4, channels_max=8),
        warmup=dict(num_steps=3, batch_size=4), finetune=dict(num_steps=2, batch_size=4),
    ),
    report=dict(title="Crates"),
)  # fmt: skip


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    classes.register(CRATE)
    folder = tmp_path_factory.mktemp("crates")
    stages.pipeline(stages.experiment_of(CONFIG), folder).run()
    return folder


def test_every_stage_is_done_and_tells_the_figures_that_it_declares(workdir):
    for stage in (stage for stage in stages.declared() if stage.name in CONFIG):
        assert (workdir / stage.name / "DONE.json").is_file()
        told = {}
        for name in ("summary.json", "evaluation.json"):
            path = workdir / stage.name / name
            told |= read_json(path) if path.is_file() else {}
        # Only a person's annotation takes time that is told.
        assert set(stage.figures) - {"annotation_seconds"} <= set(told)


def test_what_is_made_is_of_that_class(workdir):
    assert {path.name for path in (workdir / "cache").glob("*.npy")} == {"crates_32_256.npy"}
    assert len(open_set(workdir / "multiview", None)) > 20
    assert (workdir / "inverse_graphics" / "meshes" / "object_00.glb").is_file()
    assert read_json(workdir / "config.json")["object_class"] == "crate"
    page = (workdir / "report.html").read_text(encoding="utf-8")
    assert "<h1>Crates</h1>" in page


def test_the_worlds_front_is_red_and_its_boxes_are_closed():
    world = CrateWorld(32)
    front, back = world.render_views(np.array([3, 3]), np.array([0.0, np.pi]), np.zeros(2))["image"]
    assert front[16, 16, 0] > 1.5 * front[16, 16, 1] and back[16, 16, 0] < 1.5 * back[16, 16, 1]
    for vertices, faces in world.solid(3):
        corners = vertices[faces]
        assert (
            np.einsum("fi,fi->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() > 0
        )  # outward

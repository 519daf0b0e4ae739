"""The inverse graphics stage on a tiny set: its files, and that it resumes to the bit."""

import dataclasses
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.runtime.loop import Metrics
from ganverse_jax.runtime.step_checkpoints import Checkpoints
from ganverse_jax.scene.cameras import read_cameras
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics.settings import Network, Settings, Training, Weights
from tests.scene.mesh_reader import read_mesh
from tests.stages.tiny_world import run_in

NETWORK = Network(
    icosphere_level=1, shape_degree=2, encoder_width=8, encoder_blocks=(1,), code_size=16, shape_hidden=16,
    texture_size=8, texture_channels=(4,), template_scale=(0.6, 0.6, 0.6),
)  # fmt: skip
WEIGHTS = Weights(colour=20.0, iou=3.0, laplacian=5.0, flatten=0.1, movement=0.1, perceptual=0.5)


def square_set(objects=12, views=3, size=16):
    """Squares of random colour, the same from every view."""
    object_id, view_id = np.repeat(np.arange(objects), views), np.tile(np.arange(views), objects)
    colour = np.random.default_rng(0).integers(50, 255, (objects, 1, 1, 3))[object_id]
    masks = np.zeros((objects * views, size, size), np.uint8)
    masks[:, 4:12, 4:12] = 255
    images = np.where(masks[..., None] > 0, colour, 20).astype(np.uint8)
    return MultiviewSet(
        images, masks, view_id, object_id, [{"azimuth_bin": 4 * view} for view in range(views)]
    )


# Half a dozen programs are compiled, which takes most of a minute; the step's own tests are fast.
pytestmark = pytest.mark.slow


TRAINING = Training(
    network=NETWORK, weights=WEIGHTS, num_steps=4, batch_size=4,
    learning_rate=1e-3, camera_learning_rate=1e-3,
    perceptual_start=2, log_every=1, save_every=2, sigma_inverse=300.0, margin=0.1,
)  # fmt: skip


def difference(image, rendered, mask):
    return (mask * abs(image - rendered)).mean()


class Killed(Exception):
    """Stands for a process that dies."""


def train(workdir, perceptual=difference, **changes):
    given = inverse_graphics.Given(square_set(), 30.0, 4.2, perceptual=perceptual, fingerprint="0123")
    return inverse_graphics.train(run_in(workdir), dataclasses.replace(TRAINING, **changes), given)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("run")
    return workdir, train(workdir)


def test_figures_are_written_and_returned(finished):
    workdir, figures = finished
    assert read_json(workdir / "inverse_graphics" / "evaluation.json") == figures
    assert 0 < figures["iou_2d"] <= 1 and figures["num_objects"] == 1
    assert read_json(workdir / "inverse_graphics" / "summary.json")["steps"] == 4


def test_the_perceptual_term_joins_at_its_step(finished):
    rows = [row for row in Metrics(finished[0]).read() if row["stage"] == "inverse_graphics"]
    assert [("perceptual" in row) for row in rows] == [False, False, True, True]


def test_the_network_comes_back_with_its_settings(finished):
    network, params, metadata = inverse_graphics.load(finished[0])
    assert metadata["fingerprint"] == "0123" and network.icosphere_level == 1
    prediction = network.apply(
        {"params": params["network"]}, np.zeros((1, 16, 16, 3)), np.ones((1, 16, 16, 1))
    )
    assert prediction.vertices.shape == (1, 42, 3)


def test_cameras_are_written_before_and_after(finished):
    path = finished[0] / "inverse_graphics" / "cameras.json"
    views = read_json(path)["views"]
    assert [round(view["before"]["azimuth_degrees"]) for view in views] == [0, 120, 240]
    after = read_cameras(path)
    _, params, _ = inverse_graphics.load(finished[0])
    # Degrees and back in double precision.
    np.testing.assert_allclose(after["azimuth"], params["cameras"]["azimuth"], atol=1e-9)


def test_learned_offsets_are_written_and_read(tmp_path):
    train(tmp_path, num_steps=2, camera_offset=True)
    after = read_cameras(tmp_path / "inverse_graphics" / "cameras.json")
    _, params, _ = inverse_graphics.load(tmp_path)
    assert params["cameras"]["offset"].shape == (3, 2) and np.abs(params["cameras"]["offset"]).min() > 0
    np.testing.assert_allclose(after["offset"], params["cameras"]["offset"])


def test_pictures_and_meshes_are_left_for_the_report(finished):
    folder = finished[0] / "inverse_graphics"
    arrays = np.load(folder / "figures.npz")
    assert arrays["inputs"].shape == (1, 16, 16, 3) and arrays["views"].shape == (1, 6, 16, 16, 3)
    assert arrays["shape_views"].shape == (1, 6, 16, 16, 3) and arrays["textures"].shape == (1, 8, 16, 3)
    assert len(read_mesh(folder / "meshes" / "object_00.glb").faces) == 80
    assert (folder / "meshes" / "object_00.webp").is_file() and "unlit" not in arrays
    # One test object, shown once, whose other view comes with it.
    assert arrays["failures_by"].tolist() == ["2D IOU"]
    assert arrays["failures_views"].shape == (1, 6, 16, 16, 3) and arrays["failures_others"].shape[0] == 1
    assert (folder / "failures.png").is_file()
    assert sorted(p.name for p in (finished[0] / "samples").iterdir()) == [
        "inverse_graphics_000002.png",
        "inverse_graphics_000004.png",
    ]


def test_a_loss_that_is_not_finite_stops_the_run_and_the_last_good_checkpoint_is_kept(tmp_path):
    # From step 3 on the perceptual term has a value and no finite gradient: a division by zero in it.
    def poisoned(image, rendered, mask):
        return jnp.sqrt((0.0 * rendered).sum()) + (mask * abs(image - rendered)).mean()

    with pytest.raises(FloatingPointError, match=r"inverse_graphics: .*(average|params).* after step 4"):
        train(tmp_path, perceptual=poisoned, perceptual_start=3)
    checkpoints = Checkpoints(tmp_path / "checkpoints" / "inverse_graphics")
    assert checkpoints.latest_step() == 2
    checkpoints.close()
    with pytest.raises(FloatingPointError, match=r"inverse_graphics: .*loss = nan.* at step 4"):
        train(tmp_path, perceptual=poisoned, perceptual_start=2)
    assert not (tmp_path / "inverse_graphics" / "network.safetensors").exists()


def test_a_killed_run_resumes_to_the_bit(finished, tmp_path, monkeypatch):
    real = inverse_graphics.show

    def killed_after_two(*arguments, sheet=None, **options):
        if sheet is not None and "000004" in sheet.name:
            raise Killed
        return real(*arguments, sheet=sheet, **options)

    monkeypatch.setattr(inverse_graphics, "show", killed_after_two)
    with pytest.raises(Killed):
        train(tmp_path)
    monkeypatch.undo()
    # The last step may or may not have reached the disk; go back to the second.
    shutil.rmtree(tmp_path / "checkpoints" / "inverse_graphics" / "4", ignore_errors=True)
    train(tmp_path)
    first, second = (inverse_graphics.load(workdir)[1] for workdir in (finished[0], tmp_path))
    jax.tree.map(np.testing.assert_array_equal, first, second)


def test_a_finished_network_is_measured_and_shown_as_after_its_training(finished, tmp_path, monkeypatch):
    given = inverse_graphics.Given(square_set(), 30.0, 4.2, fingerprint="0123")
    monkeypatch.setattr(inverse_graphics, "given_by", lambda *_, again: given)
    figures = inverse_graphics.run(run_in(tmp_path), Settings(pretrained=str(finished[0])))
    assert figures == finished[1]
    left, made = (finished[0] / "inverse_graphics", tmp_path / "inverse_graphics")
    assert {path.name for path in made.iterdir()} == {path.name for path in left.iterdir()}
    assert read_json(made / "cameras.json") == read_json(left / "cameras.json")
    assert read_json(made / "summary.json")["pretrained"] == str(finished[0])

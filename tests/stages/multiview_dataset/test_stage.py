"""Viewpoints and multi-view dataset, run in order on one tiny random GAN (compiling a second costs most).

Segmenter and regressor are drawn stand-ins: tested are choosing, filtering, writing, resuming, refusing.
"""

import io
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from ganverse_jax.annotation import candidates as proposed
from ganverse_jax.annotation.bins import store
from ganverse_jax.annotation.bins.session import DROP, Session
from ganverse_jax.commands.annotate import keypoints as annotation_keypoints
from ganverse_jax.data.masks.folder import WANTED, MaskFolder, MissingMasks
from ganverse_jax.data.multiview import stored as multiview
from ganverse_jax.data.multiview.set import SPLITS
from ganverse_jax.models.perception.pose_regressor import Pose
from ganverse_jax.models.stylegan2.networks import Generator
from ganverse_jax.pipeline.experiment import Experiment, WorldSettings
from ganverse_jax.runtime.checkpoint import read_json, read_npz, write_json
from ganverse_jax.scene.cameras import given_cameras
from ganverse_jax.stages.multiview_dataset import stage as multiview_dataset
from ganverse_jax.stages.multiview_dataset.card import CARD
from ganverse_jax.stages.multiview_dataset.settings import Filter
from ganverse_jax.stages.perception.load import Perception
from ganverse_jax.stages.viewpoints import choice as viewpoints_choice
from ganverse_jax.stages.viewpoints import stage as viewpoints
from tests.stages.tiny_world import DRAWING, VIEWS, centred_disc, files_of


def test_the_view_code_drives_the_first_four_slots_alone(generator):
    a, b = generator.codes(np.array([1, 2]), 1.0)
    module, variables = generator.module, generator.gan.variables
    ws = np.concatenate([np.repeat(a[None], 4, 0), np.repeat(b[None], module.num_ws - 4, 0)])[None]
    styles = module.apply(variables, ws, method=Generator.styles)
    names = [layer.name for layer in module.layers if "conv" in layer.name] + ["b16.torgb"]
    _, w_star = generator.pairs(a[None], b[None])
    assert w_star.shape == (1, generator.layout.size)
    # rtol 1e-5: one small matrix product in float32, batched otherwise
    np.testing.assert_allclose(
        w_star[0], np.concatenate([styles[name][0] for name in names]), rtol=1e-5, atol=1e-6
    )


def test_codes_do_not_depend_on_their_neighbours(generator):
    np.testing.assert_array_equal(
        generator.codes(np.array([5, 6, 7]), 0.7)[1:2], generator.codes(np.array([6]), 0.7)
    )


def test_a_view_whose_contents_face_both_ways_agrees_little(generator):
    w = np.random.default_rng(0).normal(size=(6, generator.module.w_dim)).astype(np.float32)

    def flips_in_the_second_view(images):
        azimuth = np.array([0.0, 0.0, 0.3, 0.0] + [0.0, np.pi, 0.0, np.pi])
        return Pose(azimuth, 0 * azimuth, 0 * azimuth)

    facing = Perception(centred_disc, flips_in_the_second_view)
    scores = viewpoints_choice.score(generator, w[:2], w[2:], facing, Filter())
    np.testing.assert_array_equal(scores.agreement, [1.0, 0.5])
    alone = viewpoints_choice.score(generator, w[:2], w[2:], Perception(centred_disc, None), Filter())
    np.testing.assert_array_equal(alone.agreement, [1.0, 1.0])


def test_how_small_an_object_a_view_may_show_is_set(generator):
    w = np.random.default_rng(0).normal(size=(6, generator.module.w_dim)).astype(np.float32)
    picture = np.zeros((1, 16, 16, 3), np.uint8)
    picture[0, 0, 0, 0] = 1  # which is no eighth
    share = centred_disc(picture).mean()
    for least, passes in ((0.9 * share, True), (1.1 * share, False)):
        judged = Perception(centred_disc, None), Filter(min_area=least)
        assert viewpoints_choice.score(generator, w[:2], w[2:], *judged).kept.any() == passes


def test_views_are_annotated_by_the_regressor_and_say_so(stages):
    folder = stages(viewpoints) / "viewpoints"
    content = read_json(folder / "viewpoints.json")
    assert content["annotated_by"] == "pose_regressor" and content["fingerprint"] == "tiny"
    assert viewpoints.load(folder.parent, "tiny").filter == Filter()
    assert 1 <= len(content["views"]) <= 4
    assert all(view["azimuth_bin"] in range(12) for view in content["views"])
    grid = read_npz(folder / "figures.npz")["grid"]
    assert grid.shape == (3, len(content["views"]), 16, 16, 3)
    assert "within_view" in "".join(read_json(folder / "summary.json"))


def test_a_persons_answers_are_awaited_then_taken(stages, tmp_path):
    folder = tmp_path / "viewpoints"
    with pytest.raises(viewpoints.AwaitsAnnotation, match="0 are annotated; run python -m launch.annotate"):
        stages(viewpoints, annotated_by="person")
    candidates = proposed.read_candidates(folder, "tiny")
    assert len(proposed.read_pictures(folder, candidates)[0]) == 3
    with Image.open(folder / "candidates.png") as sheet:  # a row per content, beside a column per view
        assert sheet.height > 3 * 96 and sheet.width >= 96 * len(candidates.views)
    session = Session(len(candidates.views))
    session.answer(0, 11)
    store.write_annotation(folder / store.ANNOTATION.name, candidates, session)
    with pytest.raises(viewpoints.AwaitsAnnotation, match="1 are annotated"):
        stages(viewpoints, annotated_by="person")
    for view in range(1, len(candidates.views)):
        session.answer(view, DROP if view == 1 else 12 - view - 1)
    store.write_annotation(folder / store.ANNOTATION.name, candidates, session)
    stages(viewpoints, annotated_by="person")
    views = read_json(viewpoints.path_of(tmp_path))["views"]
    assert [view["id"] for view in views] == list(range(len(candidates.views) - 1))
    assert [view["azimuth_bin"] for view in views] == sorted(view["azimuth_bin"] for view in views)
    assert {view["candidate"] for view in views} == set(range(len(candidates.views))) - {1}
    viewpoints.check_annotation(tmp_path)
    session.answer(0, 10)
    store.write_annotation(folder / store.ANNOTATION.name, candidates, session)
    with pytest.raises(
        ValueError, match=r"annotation.json has other answers.*delete .*DONE.json.*=viewpoints"
    ):
        viewpoints.check_annotation(tmp_path)


def test_keypoints_are_awaited_then_their_cameras_taken(stages, tmp_path, monkeypatch):
    with pytest.raises(
        viewpoints.AwaitsAnnotation, match=r"candidates\.png.*launch\.annotate .* --keypoints and"
    ):
        stages(viewpoints, annotated_by="keypoints")
    folder = tmp_path / "viewpoints"
    views = proposed.read_candidates(folder, "tiny").views
    known = {"azimuth_bin": 3, "azimuth": 1.5, "elevation": 0.1, "distance": 4.0}
    content = {"fingerprint": "tiny", "annotated_by": "keypoints", "keypoints": {"rms_pixels": 0.5},
               "views": [view | known for view in views]}  # fmt: skip
    asked = []

    def keypoint_views(*arguments):
        asked.append(arguments)
        return content

    monkeypatch.setattr(viewpoints.viewpoints_keypoints, "keypoint_views", keypoint_views)
    stages(viewpoints, annotated_by="keypoints")
    assert asked == [(folder, "tiny", WorldSettings())]
    assert given_cameras(viewpoints.load(tmp_path, "tiny", 8).views)["elevation"][0] == np.float32(0.1)
    assert read_json(folder / "summary.json")["keypoint_rms_pixels"] == 0.5


def test_whole_pictures_are_those_of_the_bins_page(stages, tmp_path, generator, monkeypatch):
    with pytest.raises(viewpoints.AwaitsAnnotation):
        stages(viewpoints, annotated_by="person")
    monkeypatch.setattr(annotation_keypoints.gan_stage, "load", lambda workdir: (generator.gan, None))
    candidates = proposed.read_candidates(tmp_path / "viewpoints", "tiny")
    experiment = Experiment("car", stages={"viewpoints": VIEWS})
    task = annotation_keypoints.KeypointAnnotation(experiment, tmp_path).task_of(candidates)
    assert task.size == (16, 16) and len(task.seeds) == 3
    codes = generator.codes(np.array(task.seeds), DRAWING.truncation)
    w = np.array([view["w"] for view in candidates.views], np.float32)
    with Image.open(io.BytesIO(task.pictures[1][2])) as picture:
        np.testing.assert_array_equal(picture.convert("RGB"), generator.grid(w, codes)[2, 1])


def test_a_complete_file_put_there_counts_as_annotated(stages, tmp_path):
    path = viewpoints.path_of(stages(viewpoints))
    content = read_json(path)
    stages(viewpoints, annotated_by="person")
    assert read_json(path) == content
    content["views"][0]["azimuth_bin"] = None
    write_json(path, content)
    with pytest.raises(ValueError, match="azimuth_bin None.*nearest bin"):
        stages(viewpoints, annotated_by="person")


def test_a_folder_of_masks_is_asked_for_everything_in_one_go(stages, tmp_path, monkeypatch):
    stages(viewpoints)
    folder = tmp_path / "masks"
    folder.mkdir()
    reader = SimpleNamespace(segmenter=MaskFolder(folder), pose_regressor=None)
    monkeypatch.setattr(multiview_dataset.perception_stage, "load", lambda workdir: reader)
    with pytest.raises(MissingMasks, match=f"{12 * 3} images have no mask"):
        stages(multiview_dataset)
    for path in (folder / WANTED).iterdir():
        levels = np.zeros((16, 16), np.uint8)
        levels[4:12, 4:12] = 1
        Image.fromarray(levels).save(folder / path.name)
    stages(multiview_dataset)
    assert read_json(tmp_path / "multiview_dataset" / "summary.json")["kept"] == 12 * 3
    assert not list((tmp_path / "multiview_dataset").glob("parts-*"))


def test_the_set_comes_back_whole_and_rejects_are_counted(stages):
    stages(viewpoints)
    workdir = stages(multiview_dataset)
    summary = read_json(workdir / "multiview_dataset" / "summary.json")
    rejected = sum(summary["rejected_by_reason"].values())
    assert summary["images"] == 36 and summary["kept"] + rejected == 36 and rejected > 0
    assert sum(view["kept"] for view in summary["per_view"]) == summary["kept"]
    back = multiview_dataset.load(workdir, "tiny")
    assert len(back.multiview) == summary["kept"] == len(back.w_star)
    # every image is what the GAN gives for its codes, and its mask is the segmenter's
    views = viewpoints.load(workdir, "tiny").w[back.multiview.view_id]
    generator = multiview_dataset.MultiviewGenerator(None)
    images, w_star = generator.pairs(views, generator.codes(back.content_seed, DRAWING.truncation))
    np.testing.assert_array_equal(back.multiview.images, images)
    np.testing.assert_array_equal(back.multiview.masks, 255 * centred_disc(images).astype(np.uint8))
    np.testing.assert_array_equal(back.w_star, w_star)
    assert "tensorflow" not in sys.modules
    assert not list((workdir / "multiview_dataset").glob("parts-*"))


def test_splits_on_disk_are_the_splits_in_memory(stages):
    stages(viewpoints)
    workdir = stages(multiview_dataset)
    back = multiview_dataset.load(workdir, "tiny").multiview
    builder = tfds.builder_from_directory(str(multiview.path_of(workdir / "multiview")))
    for name in SPLITS:
        on_disk = {int(example["object_id"]) for example in builder.as_data_source(split=name)}
        assert set(back.split(name).object_id.tolist()) == on_disk


def test_a_finished_set_is_not_made_again_and_other_settings_replace_it(stages, monkeypatch):
    stages(viewpoints)
    folder = multiview_dataset.folder_of(stages(multiview_dataset))
    before = files_of(folder)
    with monkeypatch.context() as patched:
        patched.setattr(multiview_dataset, "make_part", None)
        stages(multiview_dataset)
    assert files_of(folder) == before
    stages(multiview_dataset, num_objects=14)
    assert multiview.open_set(folder).metadata["num_objects"] == 14
    assert [path.name for path in folder.rglob("*") if path.is_dir()] == ["multiview", "1.0.0"]


def test_the_card_counts_what_the_summary_counts_and_shows_pictures(stages):
    stages(viewpoints)
    workdir = stages(multiview_dataset)
    folder = multiview.path_of(multiview_dataset.folder_of(workdir))
    summary, text = read_json(workdir / "multiview_dataset" / "summary.json"), (folder / CARD).read_text()
    assert f"- {summary['kept']} images kept of 36, of 12 objects" in text and "`tiny`" in text
    for reason, count in summary["rejected_by_reason"].items():
        assert f"- rejected, {reason.replace('_', ' ')}: {count}" in text
    for view in summary["per_view"]:
        cells = [view["id"], *view["rejected_by_reason"].values()]
        assert f"| {view['kept']} | " + " | ".join(map(str, cells[1:])) + " |" in text
    assert "| `num_objects` | 12 |" in text and "row 1: no object" in text
    with Image.open(folder / "kept.png") as kept, Image.open(folder / "rejected.png") as rejected:
        assert kept.width == rejected.width == 12 * 18 - 2
        first = np.asarray(kept)[:16, :34]
    figures = read_npz(workdir / "multiview_dataset" / "figures.npz")
    np.testing.assert_array_equal(first[:, :16], figures["images"][0])
    np.testing.assert_array_equal(first[:, 18:, 0], figures["masks"][0])


def test_a_damaged_set_says_which_stage_to_do_again(stages):
    stages(viewpoints)
    workdir = stages(multiview_dataset)
    folder = multiview_dataset.folder_of(workdir)
    with pytest.raises(ValueError, match="GAN tiny, not other"):
        multiview_dataset.load(workdir, "other")
    path = next(multiview.path_of(folder).glob("*train*"))
    path.write_bytes(path.read_bytes()[:-40])
    remedy = f"delete {workdir / 'multiview_dataset'} and run launch.train .*--stages=multiview_dataset"
    with pytest.raises(ValueError, match=f"{path.name} does not have its checksum.*{remedy}"):
        multiview_dataset.load(workdir)
    shutil.rmtree(workdir / "multiview_dataset")
    stages(multiview_dataset)
    multiview_dataset.load(workdir)
    shutil.rmtree(folder)
    with pytest.raises(FileNotFoundError, match=f"no multi-view set.*{remedy}"):
        multiview_dataset.load(workdir)

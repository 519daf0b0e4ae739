"""Claims about edited photos: files, exchanges, live answers and what is refused."""

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.annotation.server import Refused
from ganverse_jax.commands.edit import command as editing
from ganverse_jax.commands.edit.editor import Editor
from ganverse_jax.commands.edit.edits import asked
from ganverse_jax.commands.edit.live import Live
from ganverse_jax.models.perception.pose_regressor import Pose
from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.stages.perception import load as perception
from tests.commands.untrained_run import SIZE, write_run


@pytest.fixture(scope="module")
def editor(workdir):
    return Editor(workdir)


@pytest.fixture(scope="module")
def subjects(editor, photos):
    one = editor.read(photos / "good.png", "good")
    other = one._replace(
        name="other", shape=one.shape + 0.2, texture=1 - one.texture, background=-one.background
    )
    return one, other


@pytest.fixture(scope="module")
def done(workdir, photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "new"
    given = {"images": photos, "workdir": workdir, "donors": {"texture": photos / "good.png"}, "steps": 2}
    return out, editing.run(out, cameras=["azimuth=0:360:3", "scale=0.5"], **given)


def test_every_photo_is_tried_and_failures_are_named(done):
    out, summary = done
    assert [one.name for one in summary.done] == ["good"]
    assert list(summary.failed) == ["broken", "opaque", "small"]
    assert summary.text().startswith("1 of 4 photos") and "opaque.jpg has no mask" in summary.text()
    record = read_json(out / "edits.json")
    assert list(record["photos"]["good"]["edits"]) == ["azimuth", "scale0.5", "texture"]
    assert set(record["failed"]) == set(summary.failed)


def test_a_photo_gives_a_sheet_moving_pictures_and_a_slider_for_each_edit(done):
    out, _ = done
    names = ["edits.json", "good.png", "good_azimuth.webp", "good_texture.webp", "index.html"]
    assert sorted(path.name for path in out.iterdir()) == names  # one frame does not move
    with Image.open(out / "good_azimuth.webp") as moving:
        assert moving.n_frames == 3 and moving.width == 2 * moving.height
    page = (out / "index.html").read_text()
    assert page.count('type="range"') == 2 and page.count('class="strip"') == 6
    assert "azimuth 0°|azimuth 120°|azimuth 240°" in page


def test_an_exchange_ends_with_the_donors_property_and_leaves_the_others(editor, subjects):
    one, other = subjects
    for name in ("shape", "texture", "background"):
        (edit,) = asked([], [name], 3)
        (drawn,) = editor.draw(one, [edit], {name: other})
        mixed = one._replace(**{name: getattr(other, name)})
        (whole,) = editor.draw(mixed, asked(["azimuth=" + str(np.degrees(one.camera[0]))], [], 1), {})
        np.testing.assert_array_equal(drawn.neural[-1], whole.neural[0])
        np.testing.assert_array_equal(drawn.dibr[-1], whole.dibr[0])
        assert (drawn.neural[0] != drawn.neural[-1]).any()
        # DIB-R shows no background: that exchange leaves it alone.
        assert (drawn.dibr[0] == drawn.dibr[-1]).all() == (name == "background")


def test_both_renderers_obey_the_camera(editor, subjects):
    edits = asked(["azimuth=0:90:2", "scale=0.5"], [], 1)
    turned, smaller = editor.draw(subjects[0], edits, {})
    assert turned.neural.shape == turned.dibr.shape == (2, SIZE, SIZE, 3)
    assert (turned.neural[0] != turned.neural[1]).any()
    own, _ = editor.draw(subjects[0], asked(["scale=1", "scale=1"], [], 1), {})
    covered = [(drawn.dibr < 250).any(-1).sum() for drawn in (own, smaller)]
    assert 0.2 < covered[1] / covered[0] < 0.3  # a quarter of the area


def test_samples_of_the_gan_are_edited_like_photos(workdir, tmp_path, monkeypatch):
    found = perception.Perception(
        lambda images: np.ones(images.shape[:-1], np.float32) * (np.arange(SIZE) % 31 > 9)[:, None],
        lambda images: Pose(np.array([1.5]), np.array([0.2]), np.array([4.0])),
    )
    (workdir / perception.NAME).mkdir()
    monkeypatch.setattr(perception, "load_folder", lambda folder: found)
    summary = editing.run(tmp_path, samples=2, workdir=workdir, cameras=["azimuth=0:90:2"])
    (workdir / perception.NAME).rmdir()
    assert [one.name for one in summary.done] == ["sample_0", "sample_1"]
    first, second = (one.picture for one in summary.done)
    assert (first != second).any()


def test_the_page_gets_what_the_command_draws(editor, subjects):
    live = Live(editor, subjects)
    assert live.open()["handles"] == ["azimuth", "elevation", "scale"]
    asks = {
        "do": "draw",
        "object": 0,
        "shape": 1,
        "texture": 0,
        "background": 1,
        "azimuth": 90,
        "elevation": 10,
    }
    first = live.act(asks)
    assert first == live.act(asks) and first["neural"].startswith("data:image/webp")
    assert first != live.act(asks | {"shape": 0})
    for wrong in ({"shape": 2}, {"shape": True}, {"azimuth": "1"}, {"azimuth": float("nan")}, {"do": "x"}):
        with pytest.raises(Refused):
            live.act(asks | wrong)
    with pytest.raises(Refused):
        live.act([])
    assert not live.finished.is_set()
    live.act({"do": "finish"})
    assert live.finished.is_set()


def test_what_is_missing_or_cannot_be_is_told_before_anything_is_drawn(workdir, photos, tmp_path):
    good = photos / "good.png"
    with pytest.raises(ValueError, match="give --images=PHOTO or --samples=COUNT, one of them"):
        editing.run(tmp_path, workdir=workdir)
    with pytest.raises(FileNotFoundError, match="no StyleGAN-R at .*run .*--stages=stylegan_r"):
        editing.run(tmp_path, images=good, workdir=write_without_renderer(tmp_path / "half"))
    with pytest.raises(ValueError, match="belongs to another GAN than the network in"):
        editing.run(tmp_path, images=good, workdir=write_run(tmp_path / "other", made_from="theirs"))
    with pytest.raises(FileNotFoundError, match="no photo at nowhere.png; correct --shape_from"):
        editing.run(tmp_path, images=good, workdir=workdir, donors={"shape": "nowhere.png"})
    with pytest.raises(ValueError, match="good.png, which edit did not make and would overwrite"):
        editing.run(photos, images=good, workdir=workdir)
    (tmp_path / "good_azimuth.webp").write_text("mine")  # of another program
    with pytest.raises(ValueError, match="good_azimuth.webp, which edit did not make"):
        editing.run(tmp_path, images=good, workdir=workdir, cameras=["azimuth=0:90:2"])
    assert (tmp_path / "good_azimuth.webp").read_text() == "mine"
    with pytest.raises(ValueError, match="can be no folder"):
        editing.run(good, images=good, workdir=workdir)


def write_without_renderer(workdir):
    written = write_run(workdir)
    for path in (written / "stylegan_r").iterdir():
        path.unlink()
    return written


def test_what_a_folder_holds_besides_is_told(workdir, photos, tmp_path):
    (tmp_path / "good.png").write_bytes((photos / "good.png").read_bytes())
    (tmp_path / "notes.txt").write_text("mine")
    assert (
        "1 .txt"
        in editing.run(tmp_path / "out", images=tmp_path, workdir=workdir, cameras=["azimuth=5"]).text()
    )


@pytest.mark.parametrize(("shipped", "doubts"), [("car", 0), ("horse", 1), ("bird", 1)])
def test_a_scale_that_a_renderer_never_saw_is_told(shipped, doubts):
    editor = Editor(shipped=shipped)
    assert editor.doubts(asked(["azimuth=0:90:2"], [], 1)) == []
    told = editor.doubts(asked(["azimuth=0:90:2", "scale=0.9"], [], 1))
    assert len(told) == doubts and all("distance_jitter = 0" in line for line in told)

"""Claims about photos projected into a GAN: files, figures, failures."""

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.commands.project import command as projection
from ganverse_jax.models.stylegan2.projection import draw
from ganverse_jax.runtime.checkpoint import read_json, read_npz
from tests.commands.untrained_run import SIZE


@pytest.fixture(scope="module")
def done(workdir, photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "new"
    return out, projection.run(photos, out, workdir=workdir, num_steps=3)


def test_every_photo_is_tried_and_failures_are_named(done):
    out, summary = done
    assert summary.done == ["good"] and set(summary.failed) == {"broken", "opaque", "small"}
    assert sorted(path.name for path in out.iterdir()) == ["good.npz", "good.png", "projections.json"]
    assert summary.text().startswith("1 of 4 photos projected")


def test_the_written_code_draws_the_picture_whose_error_is_written(done, workdir, photos):
    out, _ = done
    code = read_npz(out / "good.npz")
    source = projection.load(workdir, "w+", 1).source
    (made,) = draw(source, code["ws"][None], code["camera"][None])
    with Image.open(out / "good.png") as sheet:
        shown = np.asarray(sheet)
    assert made.shape == (SIZE, SIZE, 3) and shown.shape[1] > shown.shape[0]
    figures = read_json(out / "projections.json")["photos"]["good"]
    assert 5 < figures["psnr"] < 40 and 0 < figures["psnr_object"] < 40


def test_what_is_missing_or_in_the_way_is_told(workdir, photos, done, tmp_path):
    good = photos / "good.png"
    with pytest.raises(FileNotFoundError, match="no .*generator.safetensors; run .*--stages=gan"):
        projection.run(good, tmp_path, workdir=tmp_path)
    with pytest.raises(FileNotFoundError, match="no folder of masks at nowhere; correct --masks"):
        projection.run(good, tmp_path, workdir=workdir, masks="nowhere")
    (tmp_path / "good.npz").write_text("mine")
    with pytest.raises(ValueError, match="good.npz, which project did not make and would overwrite"):
        projection.run(good, tmp_path, workdir=workdir)
    (done[0] / "other.npz").write_text("mine")
    again = photos / "other.png"
    again.write_bytes(good.read_bytes())
    try:
        with pytest.raises(ValueError, match="other.npz, which project did not make"):
            projection.run(again, done[0], workdir=workdir)
        assert (done[0] / "other.npz").read_text() == "mine"
    finally:
        again.unlink()
        (done[0] / "other.npz").unlink()


def test_what_a_folder_holds_besides_is_told(workdir, photos, tmp_path):
    (tmp_path / "good.png").write_bytes((photos / "good.png").read_bytes())
    (tmp_path / "notes.txt").write_text("mine")
    assert "1 .txt" in projection.run(tmp_path, tmp_path / "out", workdir=workdir, num_steps=1).text()

"""Claims about the annotator's files: nothing is lost, and what belongs elsewhere is refused by name."""

import io

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.annotation import candidates as proposed
from ganverse_jax.annotation import tiles
from ganverse_jax.annotation.bins import store
from ganverse_jax.annotation.bins.session import DROP, Session
from ganverse_jax.annotation.contact_sheet import contact_sheet
from ganverse_jax.runtime.checkpoint import read_json, write_json
from tests.annotation.conftest import propose


@pytest.fixture
def folder(tmp_path):
    """A folder with four candidates in three contents; view and content tell the pictures apart."""
    shade = 16 * np.arange(4)[:, None] + 64 * np.arange(3)
    pictures = np.broadcast_to(shade[..., None, None, None], (4, 3, 20, 30, 3)).astype(np.uint8)
    propose(tmp_path, pictures)
    return tmp_path


def annotated(folder, answers, seconds=0.0):
    candidates = proposed.read_candidates(folder)
    store.write_annotation(folder / store.ANNOTATION.name, candidates, Session(4, answers, seconds))
    return candidates


def edit(path, change):
    content = read_json(path)
    change(content)
    write_json(path, content)


def test_pictures_come_back_in_order(folder):
    rows = proposed.read_pictures(folder, proposed.read_candidates(folder))
    means = [[np.asarray(Image.open(io.BytesIO(tile))).mean() for tile in row] for row in rows]
    # WebP is lossy; flat pictures keep their level to two of 255
    np.testing.assert_allclose(means, 16 * np.arange(4)[:, None] + 64 * np.arange(3), atol=2)


def test_large_pictures_are_shrunk_and_keep_their_shape():
    tile = Image.open(io.BytesIO(tiles.encode_tile(np.zeros((384, 512, 3), np.uint8))))
    assert tile.size == (256, 192)


def test_an_annotation_comes_back(folder):
    answers = [3, DROP, None, 0]
    candidates = annotated(folder, answers, seconds=12.25)
    session = store.read_annotation(folder / store.ANNOTATION.name, candidates)
    assert session.answers == tuple(answers) and session.seconds == pytest.approx(12.2, abs=0.051)


def test_a_bin_filled_in_by_hand_counts_as_kept(folder):
    candidates = annotated(folder, [None] * 4)
    path = folder / store.ANNOTATION.name
    edit(path, lambda content: content["views"][2].update(azimuth_bin=9))
    assert store.read_annotation(path, candidates).answers == (None, None, 9, None)


def test_finished_views_are_the_kept_ones_by_bin(folder):
    annotated(folder, [7, DROP, 0, 7])
    content = store.annotated_views(folder, "mine")
    told = [(view["id"], view["candidate"], view["azimuth_bin"], view["w"]) for view in content["views"]]
    assert told == [(0, 2, 0, [0.2, 1.0]), (1, 0, 7, [0.0, 1.0]), (2, 3, 7, pytest.approx([0.3, 1.0]))]
    assert (content["annotated_by"], content["dropped"], content["fingerprint"]) == ("person", 1, "mine")


def test_an_open_view_means_not_finished(folder):
    assert store.annotated_views(folder, "mine") is None
    annotated(folder, [7, DROP, None, 7])
    assert store.annotated_views(folder, "mine") is None


def test_dropping_all_but_one_view_is_no_annotation(folder):
    annotated(folder, [7, DROP, DROP, DROP])
    with pytest.raises(ValueError, match="keeps 1 views.*two or more"):
        store.annotated_views(folder, "mine")


def test_another_gans_candidates_are_refused_with_file_and_remedy(folder):
    with pytest.raises(
        ValueError, match=r"candidates\.json belong to GAN mine, but this GAN is other.*delete"
    ):
        proposed.read_candidates(folder, "other")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["views"][1].update(azimuth_bin=12), "view 1 has azimuth_bin 12, not 0..11"),
        (lambda c: c["views"][1].update(azimuth_bin=True), "view 1 has azimuth_bin True"),
        (lambda c: c["views"][1].update(keep="yes"), "view 1 has keep 'yes'"),
        (lambda c: c["views"][1].update(keep=True), "view 1 is kept but has no azimuth_bin"),
    ],
)
def test_a_wrong_annotation_is_refused_with_file_and_remedy(folder, change, message):
    candidates = annotated(folder, [None] * 4)
    path = folder / store.ANNOTATION.name
    edit(path, change)
    with pytest.raises(ValueError, match=f"(?s)annotation.json.*{message}"):
        store.read_annotation(path, candidates)


def test_pictures_of_other_views_are_refused(folder):
    edit(folder / proposed.CANDIDATES, lambda content: content["views"][0].update(w_seed=5))
    with pytest.raises(ValueError, match="shows other views"):
        proposed.read_pictures(folder, proposed.read_candidates(folder))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"candidates\.json.*launch\.annotate"):
        proposed.read_candidates(tmp_path)


def test_the_contact_sheet_has_a_row_per_view(folder):
    rows = proposed.read_pictures(folder, proposed.read_candidates(folder))
    sheets = [
        contact_sheet(rows[:count], [None] * count, kind="bird", title="birds").height for count in (1, 2, 4)
    ]
    assert sheets[2] - sheets[1] == 2 * (sheets[1] - sheets[0]) > 0

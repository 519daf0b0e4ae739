"""Claims about keypoints.json: nothing is lost, and what belongs elsewhere is refused by name."""

import io

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.annotation.bins import store
from ganverse_jax.annotation.bins.session import DROP, Session
from ganverse_jax.annotation.contact_sheet import keypoint_sheet
from ganverse_jax.annotation.keypoints import store as keypoint_store
from ganverse_jax.annotation.keypoints.session import HIDDEN
from ganverse_jax.annotation.keypoints.store import KEYPOINTS
from ganverse_jax.runtime.checkpoint import read_json, write_json
from tests.annotation.conftest import make_task


@pytest.fixture
def task(tmp_path):
    """Three birds in two contents, 30 x 20 pixels; nobody has given bins."""
    pictures = np.random.default_rng(0).integers(0, 256, (3, 2, 20, 30, 3), np.uint8)
    return make_task(tmp_path, pictures, "bird")


@pytest.fixture
def path(task, tmp_path):
    """keypoints.json with two points of object 1 in view 0, one clicked and one hidden."""
    session = task.session(content=1)
    session.put(0, {0: (12.25, 3.5), 1: HIDDEN})
    session.tick(10.0)
    session.tick(14.0)
    keypoint_store.write_keypoints(tmp_path / KEYPOINTS.name, task, session)
    return tmp_path / KEYPOINTS.name


def test_points_come_back(task, path):
    session = keypoint_store.read_keypoints(path, task)
    assert session.points[0][:3] == ((12.25, 3.5), HIDDEN, None) and session.content == 1
    assert session.seconds == 4.0 and session.num_open == 3 * 15 - 2
    entry = read_json(path)["views"][0]
    assert entry == {"id": 0, "points": {"beak tip": [12.25, 3.5], "left eye": None}}


def test_pictures_lose_nothing(task):
    with Image.open(io.BytesIO(task.pictures[2][1])) as image:
        shown = np.asarray(image.convert("RGB"))
    expected = np.random.default_rng(0).integers(0, 256, (3, 2, 20, 30, 3), np.uint8)[2, 1]
    np.testing.assert_array_equal(shown, expected)


def test_dropped_views_are_not_asked_for_and_keep_their_points(task, path, tmp_path):
    store.write_annotation(tmp_path / store.ANNOTATION.name, task.candidates, Session(3, [DROP, 4, None]))
    task = keypoint_store.read_task(tmp_path, task.candidates, "bird")
    session = keypoint_store.read_keypoints(path, task)
    assert session.kept == (1, 2) and session.num_open == 30
    assert keypoint_store.rough_bins(task, [1]) == [4] and keypoint_store.rough_bins(task, [1, 2]) is None
    keypoint_store.write_keypoints(path, task, session)
    assert read_json(path)["views"][0]["points"]["beak tip"] == [12.25, 3.5]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: c.update(format=store.ANNOTATION.form),
            "no annotation of keypoints.*--keypoints --export=FILE",
        ),
        (lambda c: c.update(object_class="horse"), "object_class is 'horse', but this run asks for 'bird'"),
        (lambda c: c["names"].pop(), "names is"),
        (lambda c: c.update(size=[30, 20]), r"size is \[30, 20\]"),
        (lambda c: c.update(content_seed=5), "content_seed is 5, none of the objects"),
        (lambda c: c.update(content_seed=[70]), r"content_seed is \[70\]"),
        (lambda c: c["views"][2].update(points=[1]), "view 2 has points"),
        (lambda c: c["views"][2]["points"].update(wheel=None), r"view 2 has points \['wheel'\]"),
        (lambda c: c["views"][1]["points"].update(crown=[31, 2]), "view 1 has 'crown' wrong.*outside"),
        (lambda c: c["views"][1]["points"].update(crown="hidden"), "view 1 has 'crown' at 'hidden'"),
        (lambda c: c["views"][1]["points"].update(crown=[True, 1]), "view 1 has 'crown' wrong"),
    ],
)
def test_wrong_keypoints_are_refused_with_file_and_remedy(task, path, change, message):
    content = read_json(path)
    change(content)
    write_json(path, content)
    with pytest.raises(ValueError, match=f"(?s)keypoints.json.*{message}"):
        keypoint_store.read_keypoints(path, task)


@pytest.mark.parametrize("kind", [None, "generic", 3, ["car"]])
def test_a_class_without_names_is_refused_with_the_remedy(kind):
    with pytest.raises(ValueError, match="no points of the class.*car, horse, bird.*ganverse_jax/classes"):
        keypoint_store.check_kind(kind)


def test_the_sheet_shows_the_points_on_every_content(task, path):
    session = keypoint_store.read_keypoints(path, task)
    clean = np.asarray(keypoint_sheet(task, task.session(content=1), title=""))
    changed = (np.asarray(keypoint_sheet(task, session, title="")) != clean).any(axis=(1, 2))
    rows = np.flatnonzero(changed)
    assert len(rows) and np.diff(rows).max() > 100  # one spot in each of two rows of pictures


def test_the_sheet_has_a_ruler_in_the_pixels_of_the_file(task):
    sheet = np.asarray(keypoint_sheet(task, task.session(), title=""))
    mark = np.array([178, 73, 31])
    columns = np.flatnonzero((sheet[66, 24 : 24 + 192] == mark).all(axis=-1))
    # Marks of two pixels every 4 of the 30 that the picture of 192 shows.
    np.testing.assert_allclose(columns[1::2], np.arange(4, 30, 4) * 192 / 30, atol=1.5)

"""Claims about files of answers, whatever is asked: what belongs elsewhere is refused by name."""

import numpy as np
import pytest

from ganverse_jax.annotation.bins import store
from ganverse_jax.annotation.bins.session import Session
from ganverse_jax.annotation.keypoints import store as keypoint_store
from ganverse_jax.runtime.checkpoint import read_json, write_json
from tests.annotation.conftest import make_task


@pytest.fixture(params=["bins", "keypoints"])
def written(request, tmp_path):
    """The path of a file without answers to three views, how it is read, and its kind."""
    task = make_task(tmp_path, np.zeros((3, 2, 20, 30, 3), np.uint8), "bird")
    if request.param == "bins":
        path = tmp_path / store.ANNOTATION.name
        store.write_annotation(path, task.candidates, Session(3))
        return path, lambda: store.read_annotation(path, task.candidates), store.ANNOTATION
    path = tmp_path / keypoint_store.KEYPOINTS.name
    keypoint_store.write_keypoints(path, task, task.session())
    return path, lambda: keypoint_store.read_keypoints(path, task), keypoint_store.KEYPOINTS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(fingerprint="other"), "belongs to GAN other, but this GAN is mine.*move it away"),
        (lambda c: c.update(candidates="0123"), "other candidate views of this GAN"),
        (lambda c: c.update(format="2"), "is no annotation of {what}.*launch.annotate{flag} --export=FILE"),
        (lambda c: c["views"].pop(), r"2 entries, but there are the views 0\.\.2"),
        (lambda c: c["views"].append(c["views"][0]), "4 entries"),
        (lambda c: c.update(views=None), "views is None, not a list.*correct that entry"),
        (lambda c: c.update(views=3), "views is 3, not a list.*correct that entry"),
        (lambda c: c.update(seconds=-1.0), "seconds is -1.0, not a time spent"),
        (lambda c: c.update(seconds="long"), "seconds is 'long'"),
    ],
)
def test_a_file_that_belongs_elsewhere_is_refused_with_file_and_remedy(written, change, message):
    path, read, kind = written
    content = read_json(path)
    change(content)
    write_json(path, content)
    message = message.replace("{what}", kind.what).replace("{flag}", kind.flag)
    with pytest.raises(ValueError, match=f"(?s){path.name}.*{message}"):
        read()


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"[]", b"3", b"NaN"])
def test_files_that_are_none_are_refused_with_file_and_remedy(written, data):
    path, read, kind = written
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"{path.name}.*launch\.annotate{kind.flag} --export=FILE"):
        read()


def test_a_missing_file_is_named(written):
    path, read, kind = written
    path.unlink()
    with pytest.raises(FileNotFoundError, match=f"{path.name}.*annotate with launch.annotate{kind.flag}"):
        read()

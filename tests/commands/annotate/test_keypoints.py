"""Claims about clicking a run's keypoints."""

import json
import urllib.request
from dataclasses import replace

import pytest

from ganverse_jax.annotation.bins import store as bins_store
from ganverse_jax.annotation.bins.session import Session
from ganverse_jax.annotation.keypoints import store
from ganverse_jax.commands.annotate.keypoints import KeypointAnnotation
from ganverse_jax.runtime.checkpoint import write_json
from tests.commands.annotate.conftest import EXPERIMENT, VIEWS, post


def test_the_served_page_saves_into_the_run(keypoints):
    server = keypoints.make_server(keypoints.prepare(), command="python -m launch.train").start()
    try:
        assert post(server, do="point", view=1, point=3, at=[2, 3])["view"] == 1
        with urllib.request.urlopen(server.url + "view/5", timeout=10) as response:
            assert json.load(response)["picture"].startswith("data:image/webp;base64,")
    finally:
        server.close()
    assert keypoints.open_session(keypoints.prepare()).points[1][3] == (2.0, 3.0)


def test_the_points_of_views_in_use_can_be_exported(keypoints):
    (keypoints.folder / "DONE.json").write_text("{}")
    views = [view | {"azimuth_bin": 3} for view in VIEWS]
    content = {"fingerprint": "mine", "annotated_by": "keypoints", "views": views}
    write_json(keypoints.folder / "viewpoints.json", content)
    assert "answers in use" in keypoints.export(keypoints.workdir / "points.json")
    write_json(keypoints.folder / "viewpoints.json", content | {"annotated_by": "person"})
    with pytest.raises(ValueError, match="in use with bins .*without --keypoints"):
        keypoints.export(keypoints.workdir / "again.json")


def test_a_class_without_named_points_is_told_before_anything_runs(workdir):
    with pytest.raises(ValueError, match="no points of the class 'generic' are named"):
        KeypointAnnotation(replace(EXPERIMENT, object_class="generic"), workdir).prepare()


def test_points_all_hidden_are_told_at_once(keypoints):
    path, task = keypoints.workdir / "points.json", keypoints.prepare()
    store.write_keypoints(path, task, task.session(points=[["hidden"] * 15] * 3))
    with pytest.raises(ValueError, match="keypoints.json : 0 views are too few.*launch.annotate --keypoints"):
        keypoints.take(path)
    bins = keypoints.folder / bins_store.ANNOTATION.name
    bins_store.write_annotation(bins, task.candidates, Session(3, ["drop"] * 3))
    with pytest.raises(ValueError, match="keypoints.json : 0 views are too few"):
        keypoints.take(path)

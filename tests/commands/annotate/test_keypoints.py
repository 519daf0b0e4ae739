"""Claims about clicking a run's keypoints: what is proposed can be exported, imported and served."""

import json
import urllib.request

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.annotation.bins import store
from ganverse_jax.annotation.keypoints import store as keypoint_store
from ganverse_jax.commands.annotate import bins as annotation
from ganverse_jax.commands.annotate import keypoints as annotation_keypoints
from ganverse_jax.runtime.checkpoint import write_json

VIEWS = [{"id": i, "w_seed": i, "w": [float(i)], "consistency": 0.9} for i in range(3)]
CONFIG = {"seed": 0, "object_class": "bird", "viewpoints": {"num_contents": 2, "content_truncation": 1.0}}


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    """A run whose views are proposed and drawn whole; the stages before stand still."""
    folder = tmp_path / "viewpoints"
    pictures = np.zeros((3, 2, 8, 8, 3), np.uint8)
    store.write_candidates(folder, "mine", VIEWS, pictures)
    candidates = store.read_candidates(folder, "mine")
    keypoint_store.write_pictures(folder, candidates, pictures, np.array([70, 71]))
    monkeypatch.setattr(annotation.pipeline, "run_held", lambda config, workdir, until: None)
    monkeypatch.setattr(annotation.viewpoints, "propose", lambda workdir, **settings: candidates)
    return tmp_path


def test_points_go_out_to_a_file_and_come_back(workdir):
    path = workdir / "out" / "points.json"
    told = annotation_keypoints.export_annotation(CONFIG, workdir, path)
    assert told.endswith("fill in the points, then --import it")
    with Image.open(workdir / "out" / "points.png") as image:
        assert image.width > 500
    content = json.loads(path.read_text())
    content["views"][1]["points"] = {"beak tip": [1.5, 2.5], "crown": None}
    path.write_text(json.dumps(content))
    session = annotation_keypoints.import_annotation(CONFIG, workdir, path)
    assert session.num_open == 3 * 15 - 2
    task = annotation_keypoints.prepare(CONFIG, workdir)
    assert annotation_keypoints.open_session(workdir, task).points == session.points
    annotation_keypoints.import_annotation(CONFIG, workdir, path)
    assert (workdir / "viewpoints" / "keypoints.before_import.json").is_file()


def test_a_wrong_file_leaves_the_points_as_they_were(workdir):
    path = workdir / "points.json"
    annotation_keypoints.export_annotation(CONFIG, workdir, path)
    annotation_keypoints.import_annotation(CONFIG, workdir, path)
    before = (workdir / "viewpoints" / keypoint_store.KEYPOINTS).read_bytes()
    path.write_text(path.read_text().replace('"mine"', '"other"'))
    with pytest.raises(ValueError, match="points.json belongs to GAN other"):
        annotation_keypoints.import_annotation(CONFIG, workdir, path)
    assert (workdir / "viewpoints" / keypoint_store.KEYPOINTS).read_bytes() == before


def test_the_served_page_saves_into_the_run(workdir):
    task = annotation_keypoints.prepare(CONFIG, workdir)
    server = annotation_keypoints.make_server(workdir, task, command="python -m launch.train").start()
    try:
        body = json.dumps({"do": "point", "view": 1, "point": 3, "at": [2, 3]}).encode()
        headers = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{server.server_port}"}
        request = urllib.request.Request(server.url + "do", body, headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            assert json.load(response)["view"] == 1
        with urllib.request.urlopen(server.url + "view/5", timeout=10) as response:
            assert json.load(response)["picture"].startswith("data:image/webp;base64,")
    finally:
        server.close()
    assert annotation_keypoints.open_session(workdir, task).points[1][3] == (2.0, 3.0)


def test_views_in_use_can_be_exported_but_not_clicked_again(workdir):
    (workdir / "viewpoints" / "DONE.json").write_text("{}")
    with pytest.raises(ValueError, match="chosen and in use"):
        annotation_keypoints.prepare(CONFIG, workdir)
    views = [view | {"azimuth_bin": 3} for view in VIEWS]
    content = {"fingerprint": "mine", "annotated_by": "keypoints", "views": views}
    write_json(workdir / "viewpoints" / "viewpoints.json", content)
    path = workdir / "points.json"
    assert "answers in use" in annotation_keypoints.export_annotation(CONFIG, workdir, path)
    write_json(workdir / "viewpoints" / "viewpoints.json", content | {"annotated_by": "person"})
    with pytest.raises(ValueError, match="in use with bins .*without --keypoints"):
        annotation_keypoints.export_annotation(CONFIG, workdir, workdir / "again.json")


def test_a_class_without_named_points_is_told_before_anything_runs(workdir):
    with pytest.raises(ValueError, match="no points of the class 'generic' are named"):
        annotation_keypoints.prepare(CONFIG | {"object_class": "generic"}, workdir)


def test_while_a_page_is_served_nobody_else_works_in_the_run(workdir, monkeypatch):
    path, refused = workdir / "answers.json", pytest.raises(ValueError, match="another run is working in")
    annotation_keypoints.export_annotation(CONFIG, workdir, path)

    def serve(server, *_, **__):
        with refused:
            annotation_keypoints.annotate(CONFIG, workdir, command="")
        with refused:
            annotation_keypoints.import_annotation(CONFIG, workdir, path)
        with refused, annotation.pipeline.only_run(workdir):
            pass
        server.annotator.finished.set()
        server.server_close()

    monkeypatch.setattr(annotation, "serve", serve)
    annotation_keypoints.annotate(CONFIG, workdir, command="")
    annotation_keypoints.import_annotation(CONFIG, workdir, path)


def test_an_export_replaces_no_file(workdir):
    path = workdir / "answers.json"
    path.write_text("filled in")
    with pytest.raises(ValueError, match="would replace .*answers.json; name another.*--import"):
        annotation_keypoints.export_annotation(CONFIG, workdir, path)
    assert path.read_text() == "filled in"


def test_points_all_hidden_are_told_at_once(workdir):
    path, config = workdir / "points.json", CONFIG | {"world": {"fov_degrees": 30.0, "distance": 4.2}}
    task = annotation_keypoints.prepare(CONFIG, workdir)
    keypoint_store.write_keypoints(path, task, task.session(points=[["hidden"] * 15] * 3))
    with pytest.raises(ValueError, match="keypoints.json : 0 views are too few.*launch.annotate --keypoints"):
        annotation_keypoints.import_annotation(config, workdir, path)
    dropped = store.Session(3, ["drop"] * 3)
    store.write_annotation(workdir / "viewpoints" / store.ANNOTATION, task.candidates, dropped)
    with pytest.raises(ValueError, match="keypoints.json : 0 views are too few"):
        annotation_keypoints.import_annotation(config, workdir, path)

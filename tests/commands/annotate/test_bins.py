"""Claims about annotating a run: what is proposed can be exported, imported and served, and nothing else."""

import json
import urllib.request

import numpy as np
import pytest
from PIL import Image

from ganverse_jax.annotation.bins import store
from ganverse_jax.commands.annotate import bins as annotation
from ganverse_jax.runtime.checkpoint import write_json

VIEWS = [{"id": i, "w_seed": i, "w": [float(i)], "consistency": 0.9} for i in range(3)]
CONFIG = {"seed": 0, "object_class": "horse", "viewpoints": {"annotated_by": "person", "num_views": 3}}


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    """A run whose views are proposed; the stages before stand still."""
    folder = tmp_path / "viewpoints"
    store.write_candidates(folder, "mine", VIEWS, np.zeros((3, 2, 8, 8, 3), np.uint8))
    monkeypatch.setattr(annotation.pipeline, "run_held", lambda config, workdir, until: None)
    monkeypatch.setattr(
        annotation.viewpoints, "propose", lambda workdir, **settings: store.read_candidates(folder, "mine")
    )
    return tmp_path


def test_answers_go_out_to_a_file_and_come_back(workdir):
    path = workdir / "out" / "views.json"
    assert annotation.export_annotation(CONFIG, workdir, path).endswith("then --import it")
    with Image.open(workdir / "out" / "views.png") as image:
        assert image.width > 500
    content = json.loads(path.read_text())
    for entry in content["views"]:
        entry["azimuth_bin"] = entry["id"]
    path.write_text(json.dumps(content))
    assert annotation.import_annotation(CONFIG, workdir, path).complete
    views = store.annotated_views(workdir / "viewpoints", "mine")["views"]
    assert [view["azimuth_bin"] for view in views] == [0, 1, 2]
    annotation.import_annotation(CONFIG, workdir, path)
    assert (workdir / "viewpoints" / "annotation.before_import.json").is_file()


def test_a_wrong_file_leaves_the_answers_as_they_were(workdir):
    path = workdir / "views.json"
    annotation.export_annotation(CONFIG, workdir, path)
    annotation.import_annotation(CONFIG, workdir, path)
    before = (workdir / "viewpoints" / store.ANNOTATION).read_bytes()
    path.write_text(path.read_text().replace('"seconds": 0.0', '"seconds": NaN'))
    with pytest.raises(ValueError, match="views.json : seconds is nan"):
        annotation.import_annotation(CONFIG, workdir, path)
    assert (workdir / "viewpoints" / store.ANNOTATION).read_bytes() == before
    with pytest.raises(ValueError, match="the contact sheet's place"):
        annotation.export_annotation(CONFIG, workdir, workdir / "views.png")


def test_the_served_page_saves_into_the_run(workdir):
    candidates = store.read_candidates(workdir / "viewpoints")
    server = annotation.make_server(CONFIG, workdir, candidates, command="python -m launch.train").start()
    try:
        body = json.dumps({"do": "answer", "view": 1, "answer": "drop"}).encode()
        headers = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{server.server_port}"}
        request = urllib.request.Request(server.url + "do", body, headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            assert json.load(response)["answers"] == [None, "drop", None]
        with pytest.raises(OSError, match="choose another with --port"):
            annotation.make_server(CONFIG, workdir, candidates, command="", port=server.server_port)
    finally:
        server.close()
    assert annotation.open_session(workdir, candidates).answers == (None, "drop", None)


def test_views_in_use_are_not_annotated_again_but_their_answers_can_be_exported(workdir):
    (workdir / "viewpoints" / "DONE.json").write_text("{}")
    chosen = [VIEWS[2] | {"id": 0, "azimuth_bin": 4}, VIEWS[0] | {"id": 1, "azimuth_bin": 7}]
    content = {"fingerprint": "mine", "annotated_by": "person", "views": chosen}
    write_json(workdir / "viewpoints" / "viewpoints.json", content)
    with pytest.raises(ValueError, match="chosen and in use.*new --workdir"):
        annotation.prepare(CONFIG, workdir)
    told = annotation.export_annotation(CONFIG, workdir, workdir / "views.json")
    assert "answers in use" in told and "fill in" not in told
    exported = store.read_annotation(workdir / "views.json", store.read_candidates(workdir / "viewpoints"))
    assert exported.answers == (7, "drop", 4)
    chosen[0]["w"] = [0.5]
    write_json(workdir / "viewpoints" / "viewpoints.json", content)
    with pytest.raises(ValueError, match="view 0 in .*viewpoints.json.*none of the proposed"):
        annotation.export_annotation(CONFIG, workdir, workdir / "again.json")


def test_an_experiment_without_views_is_told_so(workdir):
    with pytest.raises(ValueError, match="chooses no views"):
        annotation.prepare(CONFIG | {"viewpoints": None}, workdir)


def test_while_a_page_is_served_nobody_else_works_in_the_run(workdir, monkeypatch):
    path, refused = workdir / "answers.json", pytest.raises(ValueError, match="another run is working in")
    annotation.export_annotation(CONFIG, workdir, path)

    def serve(server, *_, **__):
        with refused:
            annotation.annotate(CONFIG, workdir, command="")
        with refused:
            annotation.import_annotation(CONFIG, workdir, path)
        with refused, annotation.pipeline.only_run(workdir):
            pass
        server.annotator.finished.set()
        server.server_close()

    monkeypatch.setattr(annotation, "serve", serve)
    annotation.annotate(CONFIG, workdir, command="")
    annotation.import_annotation(CONFIG, workdir, path)


def test_an_export_replaces_no_file(workdir):
    path = workdir / "answers.json"
    path.write_text("filled in")
    with pytest.raises(ValueError, match="would replace .*answers.json; name another.*--import"):
        annotation.export_annotation(CONFIG, workdir, path)
    assert path.read_text() == "filled in"


def test_too_few_kept_views_are_told_at_once(workdir, monkeypatch):
    path, candidates = workdir / "views.json", store.read_candidates(workdir / "viewpoints")
    dropped = store.Session(3, ["drop", "drop", 5])
    store.write_annotation(path, candidates, dropped)
    with pytest.raises(ValueError, match="views.json keeps 1 views; .*two or more"):
        annotation.import_annotation(CONFIG, workdir, path)
    assert not (workdir / "viewpoints" / store.ANNOTATION).exists()
    store.write_annotation(workdir / "viewpoints" / store.ANNOTATION, candidates, dropped)
    monkeypatch.setattr(annotation, "serve", lambda server, *_, **__: server.server_close())
    with pytest.raises(ValueError, match="annotation.json keeps 1 views"):
        annotation.annotate(CONFIG, workdir, command="")

"""Claims about giving a run's views their bins."""

from dataclasses import replace

import pytest

from ganverse_jax.annotation.bins import store
from ganverse_jax.annotation.candidates import read_candidates
from ganverse_jax.commands import serving
from ganverse_jax.commands.annotate.bins import BinAnnotation
from ganverse_jax.runtime.checkpoint import read_json, write_json
from tests.commands.annotate.conftest import EXPERIMENT, VIEWS, post


def test_bins_filled_in_by_hand_become_views(bins):
    path = bins.workdir / "views.json"
    bins.export(path)
    content = read_json(path)
    for entry in content["views"]:
        entry["azimuth_bin"] = entry["id"]
    write_json(path, content)
    assert bins.take(path).complete
    views = store.annotated_views(bins.folder, "mine")["views"]
    assert [view["azimuth_bin"] for view in views] == [0, 1, 2]


def test_the_served_page_saves_into_the_run(bins):
    server = bins.make_server(bins.prepare(), command="python -m launch.train").start()
    try:
        assert post(server, do="answer", view=1, answer="drop")["answers"] == [None, "drop", None]
    finally:
        server.close()
    assert bins.open_session(bins.prepare()).answers == (None, "drop", None)


def test_the_answers_of_views_in_use_can_be_exported(bins):
    (bins.folder / "DONE.json").write_text("{}")
    chosen = [VIEWS[2] | {"id": 0, "azimuth_bin": 4}, VIEWS[0] | {"id": 1, "azimuth_bin": 7}]
    content = {"fingerprint": "mine", "annotated_by": "person", "views": chosen}
    write_json(bins.folder / "viewpoints.json", content)
    told = bins.export(bins.workdir / "views.json")
    assert "answers in use" in told and "fill in" not in told
    exported = store.read_annotation(bins.workdir / "views.json", read_candidates(bins.folder))
    assert exported.answers == (7, "drop", 4)
    chosen[0]["w"] = [0.5]
    write_json(bins.folder / "viewpoints.json", content)
    with pytest.raises(ValueError, match="view 0 in .*viewpoints.json.*none of the proposed"):
        bins.export(bins.workdir / "again.json")


def test_an_experiment_without_views_is_told_so(workdir):
    with pytest.raises(ValueError, match="chooses no views"):
        BinAnnotation(replace(EXPERIMENT, stages={"viewpoints": None}), workdir).prepare()


def test_too_few_kept_views_are_told_at_once(bins, monkeypatch):
    path, candidates = bins.workdir / "views.json", bins.prepare()
    dropped = store.Session(3, ["drop", "drop", 5])
    store.write_annotation(path, candidates, dropped)
    with pytest.raises(ValueError, match="views.json keeps 1 views; .*two or more"):
        bins.take(path)
    assert not bins.path.exists()
    store.write_annotation(bins.path, candidates, dropped)
    monkeypatch.setattr(serving, "serve", lambda server, *_, **__: server.server_close())
    with pytest.raises(ValueError, match="annotation.json keeps 1 views"):
        bins.annotate(command="")

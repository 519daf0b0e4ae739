"""A study of two networks: what its page and key hold, and its tables."""

import json

import pytest

from ganverse_jax.commands.user_study import command as user_study
from ganverse_jax.commands.user_study.held_out import held_out
from ganverse_jax.pipeline.experiment import plain_experiment
from ganverse_jax.pipeline.workdir import FORMAT
from ganverse_jax.runtime.checkpoint import read_json, write_json
from tests.models.inverse_graphics.untrained import write_network, write_photos
from tests.stages.tiny_world import experiment_with


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs, one with the network in its stage's folder, one where it is named itself."""
    root = tmp_path_factory.mktemp("runs")
    write_network(root / "secret_ours" / "inverse_graphics")
    write_network(root / "secret_other", framing={"size": [32, 32], "share": 0.4, "centre": [0.5, 0.5]})
    return [root / "secret_ours", root / "secret_other"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = write_photos(tmp_path_factory.mktemp("photos"))
    for name in ("opaque.jpg", "small.png", "broken.png"):
        (folder / name).unlink()
    (folder / "copy.png").write_bytes((folder / "good.png").read_bytes())
    return folder


@pytest.fixture(scope="module")
def made(runs, photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "study"
    return out, user_study.make(runs, out, inputs=photos)


def test_the_page_is_whole_and_does_not_know_the_runs(made):
    out, key = made
    page = (out / "index.html").read_text()
    assert "secret" not in page and "good.png" not in page and "http" not in page.replace("http://www.w3", "")
    facts = json.loads(page.split("const FACTS = ")[1].split(";\n")[0])
    assert facts["study"] == key["study"] and facts.keys() == {"study", "hits"}
    assert [hit.keys() for hit in facts["hits"]] == [{"name", "input", "A", "B"}] * 2
    shown = [uri for hit in facts["hits"] for uri in (hit["input"], *hit["A"], *hit["B"])]
    assert len(shown) == 10 and all(uri.startswith("data:image/webp") for uri in shown)
    assert read_json(out / "key.json") == key
    assert [hit["input"] for hit in key["hits"].values()] == ["copy", "good"]


def test_sides_on_the_page_are_the_keys(made):
    out, key = made
    page = (out / "index.html").read_text()
    hits = json.loads(page.split("const FACTS = ")[1].split(";\n")[0])["hits"]
    # One photo twice, and two hits have the first run once on either side: the pictures change sides.
    assert {hit["A"] for hit in key["hits"].values()} == {0, 1}
    assert hits[0]["A"] == hits[1]["B"] != hits[1]["A"] == hits[0]["B"]


def test_another_study_does_not_overwrite_the_key(made, runs, photos):
    out, key = made
    assert user_study.make(runs, out, inputs=photos) == key
    with pytest.raises(ValueError, match="holds another study.*another --out"):
        user_study.make(runs, out, inputs=photos, limit=1)


def test_what_cannot_be_compared_is_refused(runs, photos, tmp_path):
    with pytest.raises(FileNotFoundError, match="no network.safetensors in any of .*photo"):
        user_study.make([runs[0], photos], tmp_path, inputs=photos)
    with pytest.raises(FileNotFoundError, match="no config.json in .*secret_ours or above it"):
        user_study.make(runs, tmp_path)
    with pytest.raises(ValueError, match="--masks=.* goes with a folder of photos"):
        user_study.make(runs, tmp_path, masks=photos)
    with pytest.raises(ValueError, match="limit 0"):
        user_study.make(runs, tmp_path, inputs=photos, limit=0)
    assert not list(tmp_path.iterdir())


def _record(workdir, **sections):
    """config.json as a run of these sections leaves it."""
    experiment = plain_experiment(experiment_with(**sections))
    write_json(workdir / "config.json", {"format": FORMAT} | experiment)


def test_the_test_split_of_a_posed_run_is_found_from_within_it(tmp_path):
    counts = {"resolution": 16, "num_objects": 20, "num_views": 4, "views_per_object": 2}
    _record(tmp_path, inverse_graphics={}, inverse_graphics_posed=counts)
    inner = tmp_path / "ablation" / "full"
    inner.mkdir(parents=True)
    test = held_out(inner)
    assert test.images.shape == (2, 16, 16, 3) and len(set(test.object_id)) == 2  # a tenth of 20 cars
    assert len(held_out(tmp_path, 1)) == 1
    _record(tmp_path, inverse_graphics={})
    with pytest.raises(ValueError, match="no multi-view set on disk.*--inputs=FOLDER"):
        held_out(tmp_path)


def test_collected_files_give_both_tables_with_the_papers_figures(made, tmp_path):
    out, key = made
    for name, of_run in {"ann": 0, "ben": 0, "cid": 1}.items():
        sides = {hit: "A" if places["A"] == of_run else "B" for hit, places in key["hits"].items()}
        answers = {hit: dict.fromkeys(("shape", "texture", "overall"), side) for hit, side in sides.items()}
        write_json(tmp_path / f"{name}.json", {"study": key["study"], "annotator": name, "answers": answers})
    content = user_study.collect(str(tmp_path / "*.json"), out / "key.json")
    lines = user_study.markdown(content).splitlines()
    assert any("secret_ours | 66.7% (61.6%) | 66.7% (56.3%) | 66.7% (57.5%) |" in line for line in lines)
    assert "| votes for the left side | 50.0% | 50.0% | 50.0% |" in lines
    assert "| two agree | 100.0% (58.6%) | 100.0% (62.1%) | 100.0% (61.1%) |" in lines
    with pytest.raises(FileNotFoundError, match="no file of answers at nowhere"):
        user_study.collect("nowhere/*.json", out / "key.json")

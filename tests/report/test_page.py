"""The report as a whole: complete, self-contained, honest about gaps, safe with hostile names."""

import html.parser
import importlib
import json
import math
import re

import numpy as np
import pytest

from ganverse_jax import stages
from ganverse_jax.pipeline.experiment import WorldSettings, plain_experiment
from ganverse_jax.pipeline.stage import Run
from ganverse_jax.report import ReportError, paper, write_report
from ganverse_jax.runtime.loop import Metrics
from ganverse_jax.stages.report import stage as report_stage
from ganverse_jax.stages.report.settings import Settings

ANCHORS = (
    "overview viewer gan views layers masks reconstructions failures cameras posed stylegan-r curves metrics "
    "deviations provenance"
).split()
STAGES = ("gan", "viewpoints", "multiview_dataset", "inverse_graphics", "stylegan_r")
VOID = {"meta", "link", "img", "source", "input", "br"}


class Reader(html.parser.HTMLParser):
    """Collects tags with attributes; a closing tag must match the open one."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag != "p" or self.open[-1] == "p":
            assert self.open.pop() == tag, f"</{tag}> closes another tag"


def page(workdir, **settings) -> str:
    return write_report(workdir, stages.declared(), **settings).read_text(encoding="utf-8")


def test_every_section_appears_and_is_linked(workdir):
    tags = Reader(page(workdir)).tags
    ids = {attributes.get("id") for _, attributes in tags}
    links = [a["href"] for tag, a in tags if tag == "a" and a.get("class") != "skip"]
    assert set(ANCHORS) <= ids
    assert links == [f"#{anchor}" for anchor in ANCHORS]


def test_nothing_is_loaded_from_outside(workdir):
    text = page(workdir)
    assert "http://" not in text and "https://" not in text
    for _, attributes in Reader(text).tags:
        for name in ("src", "href", "srcset", "data", "poster"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    assert "@import" not in text and not re.search(r"url\((?!['\"]?data:)", text)


def test_every_picture_has_a_description(workdir):
    pictures = [attributes for tag, attributes in Reader(page(workdir)).tags if tag == "img"]
    assert len(pictures) > 40
    assert all(picture["alt"].strip() for picture in pictures)


def test_an_empty_workdir_gives_placeholders(tmp_path):
    text = page(tmp_path)
    assert text.count('class="placeholder"') == 11
    assert all(f"<code>{stage}</code>" in text for stage in STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_one_missing_stage_leaves_the_rest(workdir, stage):
    for path in (workdir / stage).rglob("*"):
        if path.is_file():
            path.unlink()
    text = page(workdir)
    assert f"once the <code>{stage}</code> stage has run" in text
    assert 1 <= text.count('class="placeholder"') <= 4


def plain_config(name):
    """config.json of an experiment."""
    config = importlib.import_module(f"configs.{name}").get_config()
    return plain_experiment(stages.experiment_of(config.to_dict()))


@pytest.mark.parametrize("name", ["car", "horse", "bird"])
def test_a_real_class_is_not_told_of_the_toy_world(workdir, name):
    (workdir / "config.json").write_text(json.dumps(plain_config(name)))
    (workdir / "gan" / "summary.json").write_text(json.dumps({"fingerprint": "another"}))
    text = page(workdir)
    shown = text[: text.index('id="provenance"')]  # the settings themselves may name anything
    for toy in ("toy run", "toy world of", "made toy", "own segmenter", "AI agent", "posed"):
        assert toy not in shown
    assert "the truth, mean" not in shown  # of a stage that is no part of the experiment
    assert "silhouette of the shape that was fed in" in shown
    assert "draws what every layer holds" in shown


def test_the_toy_run_tells_all_that_it_does_otherwise(workdir):
    toys = ("made toy world", "An own segmenter", "first blocks, masked", "Fewer iterations")
    for name, its in (("toy_car", "Commanded of a generator"), ("toy_car_round1", "AI agent")):
        (workdir / "config.json").write_text(json.dumps(plain_config(name)))
        text = page(workdir)
        assert all(toy in text for toy in (*toys, its))


def test_a_gan_that_takes_cameras_is_told_of_no_layers_bins_or_annotator(workdir):
    (workdir / "config.json").write_text(json.dumps(plain_config("toy_car")))
    views = json.loads((workdir / "viewpoints" / "viewpoints.json").read_text())
    for number, view in enumerate(views["views"]):
        view["azimuth"] = math.radians(20 * number)
    (workdir / "viewpoints" / "viewpoints.json").write_text(json.dumps(views))
    text = page(workdir)
    shown = text[: text.index('id="deviations"')]
    for other in (
        "first four layers",
        "first layers",
        "What each layer holds",
        "one of twelve",
        "annotated by",
        "No camera",
    ):
        assert other not in shown
    assert "takes a camera" in shown and "asked of the GAN" in shown
    assert ">20°<" in shown  # of the second view; bins are multiples of 30 degrees


@pytest.mark.parametrize("stage", [stage.name for stage in stages.declared() if not stage.always])
def test_a_stage_that_is_no_part_of_the_experiment_is_not_spoken_of(tmp_path, stage):
    (tmp_path / "config.json").write_text(json.dumps({stage: None}))
    text = page(tmp_path)
    assert f"<code>{stage}</code> stage has run" not in text


def test_hostile_names_are_escaped(workdir):
    evil = "<script>alert(1)</script>\"'&"
    (workdir / "config.json").write_text(json.dumps({"name": evil, evil: evil}))
    (workdir / "versions.txt").write_text(evil)
    (workdir / "gan" / "summary.json").write_text(json.dumps({evil: 1.0}))
    rows = [{"stage": evil, "step": step, evil: 1.0} for step in range(3)]
    (workdir / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    cameras = json.loads((workdir / "inverse_graphics" / "cameras.json").read_text())
    cameras["views"][0]["id"] = evil
    (workdir / "inverse_graphics" / "cameras.json").write_text(json.dumps(cameras))
    (workdir / "inverse_graphics" / "meshes" / "object_01.glb").rename(
        workdir / "inverse_graphics" / "meshes" / "<script>$x.glb"
    )
    text = page(workdir, title=evil, label=evil)
    assert "alert(1)</script>" not in text and "<script>$x" not in text
    assert sum(tag == "script" for tag, _ in Reader(text).tags) == 2


def test_the_table_shows_this_run_beside_the_paper(workdir):
    text = page(workdir)
    for printed in ("0.95", "1.43°", "2.95°", "0.42°", "1.11°", "55,429", "39", "120 h", "200,000"):
        assert f">{printed}</td>" in text
    assert "<b>0.812</b>" in text and "<b>31</b>" in text
    assert "234,000" in text and "57.5 %" in text


def test_a_short_run_is_labelled_short(workdir):
    assert "Short run: 90 of the paper’s 200,000 iterations" in page(workdir)
    assert 'class="badge"' not in page(workdir, label="")
    rows = {"stage": "inverse_graphics", "step": 200_000, "loss": 1.0}
    (workdir / "metrics.jsonl").write_text(json.dumps(rows) + "\n")
    assert "Short run" not in page(workdir)


@pytest.mark.parametrize(
    "name", ["gan/figures.npz", "multiview_dataset/summary.json", "inverse_graphics/cameras.json",
             "viewpoints/viewpoints.json", "inverse_graphics/meshes/object_01.glb",
             "inverse_graphics/meshes/object_01.webp"],
)  # fmt: skip
def test_a_damaged_file_is_named_with_its_remedy(workdir, name):
    path = workdir / name
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ReportError, match=f"{path.name}.*delete it.*run.*again"):
        write_report(workdir, stages.declared())
    assert not (workdir / "report.html").exists()


def test_wrong_shapes_are_named(workdir):
    np.savez(workdir / "gan" / "figures.npz", samples=np.zeros((2, 8, 8, 3), np.float32))
    with pytest.raises(ReportError, match=r"'samples' is float32 \[2, 8, 8, 3\], expected uint8.*gan stage"):
        write_report(workdir, stages.declared())


@pytest.mark.parametrize("content", ["[]", "{}", '{"views": 3}', '{"views": [4]}'])
@pytest.mark.parametrize("name", ["viewpoints/viewpoints.json", "inverse_graphics/cameras.json"])
def test_json_of_another_form_is_named(workdir, name, content):
    (workdir / name).write_text(content)
    with pytest.raises(ReportError, match=f"{name.split('/')[1]}.*delete it"):
        write_report(workdir, stages.declared())


def test_bins_name_their_annotator(workdir):
    (workdir / "viewpoints" / "summary.json").write_text('{"annotated_by": "pose_regressor"}')
    assert "annotated by: pose regressor" in page(workdir)


def test_time_and_views_are_read_off_other_artefacts(workdir):
    (workdir / "inverse_graphics" / "DONE.json").write_text('{"digest": "ab", "minutes": 5.0}')
    text = page(workdir)
    assert "<b>5 min</b>" in text and "<b>3</b>" in text


def test_a_log_line_cut_short_by_a_kill_is_no_error(workdir):
    log = workdir / "metrics.jsonl"
    log.write_text(log.read_text() + '{"stage": "inv')
    assert "Training curves" in page(workdir)
    log.write_text('{"stage": "inv\n' + log.read_text())
    with pytest.raises(ReportError, match="metrics.jsonl:1 is not"):
        write_report(workdir, stages.declared())


def test_a_missing_workdir_is_an_error(tmp_path):
    with pytest.raises(ReportError, match="no workdir at"):
        write_report(tmp_path / "nowhere", stages.declared())


def test_pictures_shrink_until_the_page_fits(workdir):
    noise = np.random.default_rng(0).integers(0, 256, (5, 192, 192, 3), np.uint8)
    np.savez(workdir / "gan" / "figures.npz", samples=noise)
    # 5 pictures of noise take 220 kB at full size, 8 kB at the smallest; the rest takes 110 kB
    large, small = len(page(workdir)), len(page(workdir, max_megabytes=0.25))
    assert small < 250_000 < large
    with pytest.raises(ReportError, match="max_megabytes"):
        write_report(workdir, stages.declared(), max_megabytes=0.01)


def test_the_report_depends_on_the_artefacts_alone(workdir):
    assert page(workdir) == page(workdir)


def test_the_stage_writes_the_page_and_logs_its_size(workdir):
    run = Run(workdir, 0, None, Metrics(workdir), "car", WorldSettings(), stages.declared())
    path = report_stage.run(run, Settings(title="Mine"))
    assert path == workdir / "report.html" and "<h1>Mine</h1>" in path.read_text(encoding="utf-8")
    assert Metrics(workdir).read()[-1]["megabytes"] == path.stat().st_size / 1e6


def test_every_row_beside_the_papers_is_a_figure_that_its_stage_declares_and_the_other_way_round():
    declared = {(stage.name, figure) for stage in stages.declared() for figure in stage.figures}
    assert {(row.stage, row.key) for row in paper.FIGURES} == declared

"""The section on the splits: what the chart draws, and which measurement belongs to which GAN."""

import json
import xml.etree.ElementTree

import pytest

from ganverse_jax import stages
from ganverse_jax.report import ReportError, write_report
from ganverse_jax.report.artefacts import load_run
from ganverse_jax.report.sections import layers

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def content(workdir):
    return layers.measured_splits(load_run(workdir, stages.declared()))


def rewrite(workdir, **changes):
    path = workdir / "layers" / "layers.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_the_curves_run_from_nothing_fixed_to_all_fixed_within_the_axes(content):
    svg = xml.etree.ElementTree.fromstring(layers.standalone(layers.splits_chart(content)))
    curves = {path.get("class").split()[0]: path.get("d") for path in svg.findall(f"{SVG}path")}
    points = {
        name: [tuple(map(float, p.split())) for p in d.lstrip("M").split("L")] for name, d in curves.items()
    }
    assert len(points["view"]) == len(points["object"]) == 6
    # the picture's y grows downwards: the view's curve climbs, the object's falls
    assert points["view"][0][1] > points["view"][-1][1] and points["object"][0][1] < points["object"][-1][1]
    width, height = map(float, svg.get("viewBox").split()[2:])
    assert all(0 <= x <= width and 0 <= y <= height for curve in points.values() for x, y in curve)


def test_the_table_has_a_row_for_every_split_and_marks_the_papers(content):
    table = layers.splits_body(content)
    assert table.count("<tr>") == 7 and "<b>4</b>" in table


def test_a_generator_of_four_layers_has_no_split_of_the_paper(content):
    short = content | {"splits": content["splits"][:5]}
    assert "paper" not in layers.splits_chart(short).split("</style>")[1]


def test_another_gans_measurement_is_not_shown(workdir):
    rewrite(workdir, fingerprint="another")
    assert layers.measured_splits(load_run(workdir, stages.declared())) is None
    assert "launch.visualize_layers" in write_report(workdir, stages.declared()).read_text()


def test_a_measurement_shipped_with_the_gan_is_found_by_its_fingerprint(workdir, monkeypatch):
    shipped = workdir / "assets" / "toy"
    shipped.mkdir(parents=True)
    (workdir / "layers" / "layers.json").rename(shipped / "layers.json")
    monkeypatch.setattr(layers, "ASSETS", workdir / "assets")
    assert layers.measured_splits(load_run(workdir, stages.declared()))["fingerprint"] == "5eed"


@pytest.mark.parametrize(
    "changes",
    [
        {"splits": []},
        {"splits": [{"view_layers": 0}, {}]},
        {"held_out": None},
        {"splits": "<script>"},
        {"num_views": "<b>"},
    ],
)
def test_a_file_of_another_form_is_named_with_its_remedy(workdir, changes):
    rewrite(workdir, **changes)
    with pytest.raises(ReportError, match="layers.json.*launch.visualize_layers"):
        write_report(workdir, stages.declared())

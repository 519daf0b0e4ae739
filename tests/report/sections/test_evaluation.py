"""The tables beside the paper: whose figure stands where, in Markdown and in the report."""

import json

import pytest

from ganverse_jax import stages
from ganverse_jax.report import ReportError, write_report
from ganverse_jax.report.artefacts import load_run
from ganverse_jax.report.sections.evaluation import evaluation_sections, markdown


def content_of(**changes):
    truth = {"novel_view_iou": 0.8, "chamfer": 0.05, "f_score_0.05": 0.6, "volumetric_iou": 0.7,
             "normal_error_degrees": 32.25, "texture_error": 0.14, "perceptual_distance": 3.0}  # fmt: skip
    cameras = {
        f"camera_{name}_{which}_degrees": value
        for name, value in (("axis", 0.99), ("angle", 0.66), ("rotation", 1.1))
        for which, value in (("mean", value), ("max", 2 * value))
    }
    return {
        "real_test": {
            "ours": truth | {"iou_2d": 0.8612, "iou_2d_fitted_camera": 0.88},
            "baseline": truth | {"iou_2d": 0.9, "iou_2d_fitted_camera": 0.91},
        },
        "gan_test": {"ours": {"iou_2d": 0.906}, "baseline": {"iou_2d": 0.871}},
        "posed": truth | cameras,
        "perceptual": "discriminator",
        **dict(real_images=40, fitting_images=20, gan_test_images=384, gan_test_objects=32),
        **dict(train_images=3072, steps=1000, batch_size=16, seed=0, resolution=64, device="cpu, 2 cores"),
    } | changes


def test_every_figure_of_table_1b_stands_beside_the_papers():
    lines = markdown(content_of()).splitlines()
    rows = [line for line in lines if line.startswith("| single views") or line.startswith("| GAN views")]
    assert rows[0].endswith("(Pascal3D model) | 0.900 | 0.80 | 0.910 | 0.871 | 0.81 |")
    assert rows[1].endswith("(ours) | 0.861 | 0.76 | 0.880 | 0.906 | 0.95 |")
    assert "| rotation axis | 0.99° / 1.98° | 1.43° / 2.95° |" in lines
    assert "| 0.800 | 0.0500 | 0.600 | 0.700 | 32.2° | 0.1400 | 3.000 |" in rows[2]


def test_what_was_not_measured_is_a_dash():
    text = markdown(content_of(posed=None, perceptual=None))
    assert "| rotation angle | – / – | 0.42° / 1.11° |" in text
    assert "The stage has not run here." in text and "Perceptual distance: not measured" in text


def test_the_section_appears_once_the_run_is_evaluated(workdir):
    assert evaluation_sections(load_run(workdir, stages.declared())) == []
    (workdir / "evaluation").mkdir()
    path = workdir / "evaluation" / "evaluation.json"
    path.write_text(json.dumps(content_of(device="<b>", digest="this")))
    done = workdir / "inverse_graphics" / "DONE.json"
    done.write_text(json.dumps({"digest": "this"}))
    text = write_report(workdir, stages.declared()).read_text(encoding="utf-8")
    assert 'id="beside"' in text and "0.861" in text and "on &lt;b&gt;." in text
    done.write_text(json.dumps({"digest": "another training"}))
    text = write_report(workdir, stages.declared()).read_text(encoding="utf-8")
    assert "Of another training" in text and "0.861" not in text
    path.write_text("{")
    with pytest.raises(ReportError, match="not valid JSON.*; delete it and run launch.evaluate again$"):
        write_report(workdir, stages.declared())
    path.write_text('{"digest": "another training"}')
    done.write_text(path.read_text())
    with pytest.raises(ReportError, match="evaluation.json is no evaluation.*run launch.evaluate again"):
        write_report(workdir, stages.declared())

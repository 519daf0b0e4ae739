"""Claims about the sections on cameras and on failures."""

import json

import numpy as np

from ganverse_jax import stages
from ganverse_jax.pages.pictures import Pictures
from ganverse_jax.report.artefacts import load_run
from ganverse_jax.report.sections.model import cameras_section, failures_section, reconstruction_section


def test_given_cameras_are_called_given_and_of_thousands_some_are_shown(tmp_path):
    def camera(azimuth, elevation):
        return {"azimuth_degrees": azimuth, "elevation_degrees": elevation, "distance": 4.2}

    views = [{"id": i, "before": camera(i % 360, 8.0), "after": camera(i % 360, 9.0)} for i in range(450)]
    (tmp_path / "inverse_graphics").mkdir()
    (tmp_path / "inverse_graphics" / "cameras.json").write_text(json.dumps({"views": views}))
    section = cameras_section(load_run(tmp_path, stages.declared()))
    assert (
        "Cameras were given with the pictures" in section.lede and "Of 450 views 90 are shown" in section.lede
    )
    assert "These 90 cameras" in section.body
    assert section.body.count('class="before"') == 2 * 90  # on the dial and on the strip


def test_learned_offsets_stand_in_the_table_of_cameras(tmp_path):
    def camera(offset):
        return {"azimuth_degrees": 30.0, "elevation_degrees": 0.0, "distance": 4.2, "offset": offset}

    views = [{"id": 0, "before": camera([0.0, 0.0]), "after": camera([0.125, -0.05])}]
    (tmp_path / "inverse_graphics").mkdir()
    (tmp_path / "inverse_graphics" / "cameras.json").write_text(json.dumps({"views": views}))
    body = cameras_section(load_run(tmp_path, stages.declared())).body
    assert "offset x, y" in body and "+0.125, -0.050" in body


def test_failures_stand_with_the_figure_that_chose_them(workdir):
    section = failures_section(load_run(workdir, stages.declared()), Pictures())
    assert section.ran and section.body.count("<img") == 2 * (4 + 6)
    assert "2D IOU 0.610" in section.body and "colour error, another view 0.240" in section.body


def test_failures_without_other_views_leave_the_columns_out(workdir):
    figures = dict(np.load(workdir / "inverse_graphics" / "figures.npz"))
    kept = {name: array for name, array in figures.items() if "other" not in name}
    np.savez(workdir / "inverse_graphics" / "figures.npz", **kept)
    section = failures_section(load_run(workdir, stages.declared()), Pictures())
    assert section.body.count("<img") == 2 * (2 + 6) and "another view</th>" not in section.body


def test_light_appears_where_it_was_predicted_and_nowhere_else(workdir):
    path = workdir / "inverse_graphics" / "figures.npz"
    figures = dict(np.load(path))
    before = reconstruction_section(load_run(workdir, stages.declared()), Pictures()).body
    lit = dict.fromkeys(("unlit", "clay_lit", "sphere_lit"), figures["inputs"])
    np.savez(path, **figures, **lit)
    after = reconstruction_section(load_run(workdir, stages.declared()), Pictures()).body
    assert "Fig. K" in after and "Fig. K" not in before
    assert after.count("<img") - before.count("<img") == 2 * 5

"""Claims about the section on cameras."""

import json

from ganverse_jax.report.artefacts import load_run
from ganverse_jax.report.pictures import Pictures
from ganverse_jax.report.sections_model import cameras_section


def test_given_cameras_are_called_given_and_of_thousands_some_are_shown(tmp_path):
    def camera(azimuth, elevation):
        return {"azimuth_degrees": azimuth, "elevation_degrees": elevation, "distance": 4.2}

    views = [{"id": i, "before": camera(i % 360, 8.0), "after": camera(i % 360, 9.0)} for i in range(450)]
    (tmp_path / "inverse_graphics").mkdir()
    (tmp_path / "inverse_graphics" / "cameras.json").write_text(json.dumps({"views": views}))
    section = cameras_section(load_run(tmp_path), Pictures())
    assert (
        "Cameras were given with the pictures" in section.lede and "Of 450 views 90 are shown" in section.lede
    )
    assert "These 90 cameras" in section.body
    assert section.body.count('class="before"') == 2 * 90  # on the dial and on the strip

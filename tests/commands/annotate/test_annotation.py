"""Claims about annotating a run, whatever is asked: answers are exported, imported and kept, nothing else."""

import json

import pytest
from PIL import Image

from ganverse_jax.commands import serving
from ganverse_jax.commands.annotate import annotation
from ganverse_jax.pipeline.workdir import only_run


def fill_in(path):
    """Answer one view of an export by hand; how many answers that are left open by it."""
    content = json.loads(path.read_text())
    entry = content["views"][1]
    if "points" in entry:
        entry["points"] = {"beak tip": [1.5, 2.5], "crown": None}
    else:
        entry["azimuth_bin"] = 4
    path.write_text(json.dumps(content))
    return 3 * 15 - 2 if "points" in entry else 2


def test_answers_go_out_to_a_file_and_come_back(asked):
    path = asked.workdir / "out" / "answers.json"
    assert asked.export(path).endswith(f"fill in {asked.entry}, then --import it")
    with Image.open(path.with_suffix(".png")) as image:
        assert image.width > 500
    num_open = fill_in(path)
    session = asked.take(path)
    assert session.num_open == num_open
    assert asked.open_session(asked.prepare()).state() == session.state()
    asked.take(path)
    assert asked.path.with_suffix(".before_import.json").is_file()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"mine"', '"other"', "answers.json belongs to GAN other"),
        ('"seconds": 0.0', '"seconds": NaN', "answers.json : seconds is nan"),
    ],
)
def test_a_wrong_file_leaves_the_answers_as_they_were(asked, old, new, message):
    path = asked.workdir / "answers.json"
    asked.export(path)
    asked.take(path)
    before = asked.path.read_bytes()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ValueError, match=message):
        asked.take(path)
    assert asked.path.read_bytes() == before


def test_an_export_draws_no_picture_that_is_there(asked, monkeypatch):
    def drawn(*arguments):
        raise AssertionError("drawn again")

    monkeypatch.setattr(annotation.viewpoints, "source", drawn)
    asked.export(asked.workdir / "a.json")
    asked.export(asked.workdir / "b.json")


def test_an_export_replaces_no_file_and_is_no_picture(asked):
    path = asked.workdir / "answers.json"
    path.write_text("filled in")
    with pytest.raises(ValueError, match="would replace .*answers.json; name another.*--import"):
        asked.export(path)
    assert path.read_text() == "filled in"
    with pytest.raises(ValueError, match="the contact sheet's place"):
        asked.export(asked.workdir / "views.png")


def test_while_a_page_is_served_nobody_else_works_in_the_run(asked, monkeypatch):
    path, refused = asked.workdir / "answers.json", pytest.raises(ValueError, match="another run is working")
    asked.export(path)

    def serve(server, *_, **__):
        with refused:
            asked.annotate(command="")
        with refused:
            asked.take(path)
        with refused, only_run(asked.workdir):
            pass
        server.backend.finished.set()
        server.server_close()

    monkeypatch.setattr(serving, "serve", serve)
    asked.annotate(command="")
    asked.take(path)


def test_a_taken_port_is_told_with_the_remedy(asked):
    task = asked.prepare()
    server = asked.make_server(task, command="")
    try:
        with pytest.raises(OSError, match="choose another with --port"):
            asked.make_server(task, command="", port=server.server_port)
    finally:
        server.server_close()


def test_views_in_use_are_not_annotated_again(asked):
    (asked.folder / "DONE.json").write_text("{}")
    with pytest.raises(ValueError, match="chosen and in use.*new --workdir"):
        asked.prepare()

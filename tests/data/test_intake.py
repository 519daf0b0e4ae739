"""Claims about what readers leave out: counted by reason, named, and told once."""

import os

from ganverse_jax.data.intake import DANGLING, LINKED_AGAIN, NO_FILE, UNREADABLE, Intake, files_under


def test_reasons_are_counted_and_the_first_names_told():
    intake = Intake()
    intake.leave_out("hidden", *(f".{n}" for n in range(7)))
    intake.leave_out(".tif", "a.tif", "b.tif")
    intake.leave_out("too small", count=3)
    intake.leave_out("never", count=0)
    intake.note("with several frames", "a.webp")
    assert intake.lines() == [
        "left out: 7 hidden (.0, .1, .2, .3, .4, ...), 2 .tif, 3 too small",
        "1 with several frames (a.webp)",
    ]
    assert intake.summary() == {
        "left_out": {"hidden": 7, ".tif": 2, "too small": 3},
        "notes": {"with several frames": 1},
    }
    assert Intake().lines() == []


def test_what_is_no_file_is_named_with_its_aim(tmp_path):
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "link.png").symlink_to("a.png")
    (tmp_path / "dangling.png").symlink_to("nowhere.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    os.mkfifo(tmp_path / "pipe.png")
    intake = Intake()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name for name in names if not intake.left_out_by(tmp_path / name, name)] == ["a.png", "link.png"]
    assert intake.left_out == {DANGLING: 2, NO_FILE: 1}
    assert "2 dangling (dangling.png -> nowhere.png, loop.png -> loop.png)" in intake.told()


def test_folders_within_are_entered_once_and_unreadable_ones_named(tmp_path, monkeypatch):
    for name in ("a", "locked"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").write_bytes(b"x")
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    scandir = os.scandir

    def refuse(folder):  # as the system does for those without the right, whom a test need not be
        if os.path.basename(folder) == "locked":
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    intake = Intake()
    assert list(files_under(tmp_path, intake)) == [tmp_path / "a" / "x.png"]
    assert intake.left_out == {LINKED_AGAIN: 1, UNREADABLE: 1}
    assert "1 unreadable (locked/)" in intake.told()


def test_a_name_that_is_no_utf8_is_told_by_its_bytes():
    intake = Intake()
    intake.leave_out(DANGLING, os.fsdecode(b"voit\xf9re.png"))
    assert intake.lines() == [r"left out: 1 dangling (voit\xf9re.png)"]

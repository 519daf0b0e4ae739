"""Claims about what launch.verify says, on verdicts of no run; the run itself is verified in tests/faults."""

import pytest

from ganverse_jax.commands.verify import command
from ganverse_jax.pipeline.verification import Finding, Verdict
from ganverse_jax.runtime.checkpoint import write_json

HELD = Verdict("gan", files=3, figures=5, largest=2e-7)
OTHER = [Finding(stage, "jax", "0.10.2", "0.12.0", wrong=False) for stage in ("gan", "perception")]
WRONG = Finding("perception", "summary.json iou", 0.9, 0.85, 0.05)


def said(monkeypatch, capsys, tmp_path, *verdicts) -> tuple[bool, str]:
    write_json(tmp_path / "config.json", {"format": 2})
    monkeypatch.setattr(command.stages, "experiment_of", lambda config: None)
    monkeypatch.setattr(command.verification, "verify", lambda pipeline, factor: iter(verdicts))
    return command.run(tmp_path), capsys.readouterr().out


def test_a_run_that_holds_is_told_in_a_line_a_stage_with_the_tolerance(monkeypatch, capsys, tmp_path):
    held, text = said(monkeypatch, capsys, tmp_path, HELD)
    assert held and "gan                           3        5  as recorded, largest difference 2e-07" in text
    assert "all as recorded (tolerance: 0.001 + 0.01 of a figure" in text


def test_what_differs_is_a_table_and_what_is_merely_other_here_does_not_count(monkeypatch, capsys, tmp_path):
    held, text = said(monkeypatch, capsys, tmp_path, Verdict("gan", findings=(OTHER[0],)))
    assert held and "What differs" not in text and "| gan | jax | 0.10.2 | 0.12.0 |  |" in text
    held, text = said(
        monkeypatch, capsys, tmp_path, HELD, Verdict("perception", 1, 1, 0.0, (OTHER[1], WRONG))
    )
    assert not held and "perception                    1        1  1 differ" in text
    assert "| perception | summary.json iou | 0.9 | 0.85 | 0.05 |" in text


def test_what_is_other_for_many_stages_is_told_once():
    (one,) = command.merged(OTHER)
    assert one.stage == "gan, perception"


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no run at .*no config.json.; correct --workdir"):
        command.run(tmp_path)

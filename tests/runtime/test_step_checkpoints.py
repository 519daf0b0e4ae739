"""Claims about step checkpoints: damage is told from other settings, and costs no more than one step."""

import json
import shutil

import numpy as np
import pytest

from ganverse_jax.runtime.step_checkpoints import Checkpoints, DamagedCheckpoint

STATE = {"w": np.linspace(0, 1, 4000, dtype=np.float32), "n": np.array(3, np.int32)}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The steps 3 and 6 of a training."""
    folder = tmp_path_factory.mktemp("saved")
    checkpoints = Checkpoints(folder)
    for step in (3, 6):
        checkpoints.save(step, STATE | {"n": np.array(step, np.int32)}, {"loss": step / 3})
    checkpoints.close()
    return folder


@pytest.fixture
def training(saved, tmp_path):
    """A copy of the saved steps, to be damaged."""
    return shutil.copytree(saved, tmp_path / "toy")


def largest(folder):
    return max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "every file cut": lambda step: [cut(path) for path in step.rglob("*") if path.is_file()],
    "every file of data cut": lambda step: [cut(path) for path in step.rglob("d/*")],
    "every file empty": lambda step: [p.write_bytes(b"") for p in step.rglob("*") if p.is_file()],
    "one bit": lambda step: flip(largest(step)),
    "a file of data lost": lambda step: largest(step).unlink(),
    "names of the arrays cut": lambda step: cut(step / "default" / "_METADATA"),
    "nothing left": lambda step: [shutil.rmtree(step), step.mkdir()],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_newest_checkpoint_is_named_and_set_aside_for_the_one_before(training, damage, capsys):
    DAMAGES[damage](training / "6")
    checkpoints = Checkpoints(training)
    step, state, notes = checkpoints.resume(STATE)
    assert (step, state["n"], notes) == (3, 3, {"loss": 1.0})
    np.testing.assert_array_equal(state["w"], STATE["w"])
    told = capsys.readouterr().out
    assert f"checkpoint {training}/6 is damaged (" in told
    assert f"set aside as {training}/damaged_6, the training goes on from step 3" in told
    checkpoints.save(6, STATE)
    checkpoints.wait()
    assert checkpoints.latest_step() == 6
    checkpoints.close()


@pytest.mark.parametrize("text", ["[1]", '"a"', '{"init_timestamp_nsecs": "x"}', '{"custom_metadata": 3}'])
@pytest.mark.parametrize("step, before", [(6, 3), (3, 6)])
def test_metadata_that_are_no_such_object_cost_their_own_step_alone(training, text, step, before, capsys):
    (training / str(step) / "_CHECKPOINT_METADATA").write_text(text)
    checkpoints = Checkpoints(training)
    assert checkpoints.resume(STATE)[0] == before
    told = capsys.readouterr().out
    assert f"checkpoint {training}/{step} is damaged (" in told
    assert f"; set aside as {training}/damaged_{step}\n" in told
    checkpoints.close()


def test_without_a_good_checkpoint_the_training_begins_anew_and_says_so(training, capsys):
    for step in (3, 6):
        cut(largest(training / str(step)))
    (training / "damaged_3").mkdir()  # of an earlier damage
    checkpoints = Checkpoints(training)
    assert checkpoints.resume(STATE) == (0, STATE, {})
    told = capsys.readouterr().out
    assert f"as {training}/damaged_3_2, the training goes on from the beginning, as it was the only" in told
    checkpoints.close()


def test_files_of_others_among_the_steps_change_nothing(training):
    for stray in ("notes.txt", "9", ".DS_Store"):
        (training / stray).write_text("x")
    for stray in ("12.bak", "6.orbax-checkpoint-tmp", "old"):
        (training / stray).mkdir()
    checkpoints = Checkpoints(training)
    assert checkpoints.resume(STATE)[0] == 6
    checkpoints.close()


def test_a_checkpoint_of_an_earlier_version_without_a_fingerprint_is_read(training):
    path = training / "6" / "_CHECKPOINT_METADATA"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"custom_metadata": {}}))
    checkpoints = Checkpoints(training)
    step, state, notes = checkpoints.resume(STATE)
    assert (step, state["n"], notes) == (6, 6, {})
    checkpoints.close()


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (STATE | {"w": STATE["w"][:5]}, r"w is float32 \(4000,\), expected float32 \(5,\)"),
        (STATE | {"w": STATE["w"].astype(np.float64)}, r"w is float32 \(4000,\), expected float64"),
        ({"w": STATE["w"]}, r"n is int32 \(\), expected no such array"),
        (STATE | {"v": {"x": STATE["w"]}}, r"v/x is absent, expected float32"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused_by_array_and_stays(training, wanted, told):
    checkpoints = Checkpoints(training)
    with pytest.raises(ValueError, match=f"toy/6 does not fit these settings \\({told}") as caught:
        checkpoints.resume(wanted)
    assert not isinstance(caught.value, DamagedCheckpoint) and checkpoints.latest_step() == 6
    checkpoints.close()


def test_a_checkpoint_that_may_not_be_read_is_not_called_damaged(training, monkeypatch):
    checkpoints = Checkpoints(training)

    def refuse(*arguments, **options):
        raise ValueError("PERMISSION_DENIED: Error opening local file")

    monkeypatch.setattr(checkpoints._manager, "restore", refuse)
    with pytest.raises(OSError, match=r"toy/6 cannot be read \(PERMISSION_DENIED"):
        checkpoints.resume(STATE)
    assert checkpoints.latest_step() == 6
    checkpoints.close()

"""Claims about what --camera and the donors ask for."""

import numpy as np
import pytest

from ganverse_jax.commands.edit.edits import asked, camera_edit, donor_edit

OWN = np.array([0.5, 0.1, 4.0, 0.02, -0.03])


def test_a_whole_turn_goes_round_for_ever_and_other_sweeps_end_where_they_say():
    turn = camera_edit("azimuth=0:360:24")
    np.testing.assert_allclose(np.diff(turn.cameras["azimuth"]), 15.0)
    assert turn.cameras["azimuth"][-1] == 345 and turn.name == "azimuth"
    assert camera_edit("azimuth=30:-330:4").cameras["azimuth"].tolist() == [30, -60, -150, -240]
    assert camera_edit("elevation=5:25:3").cameras["elevation"].tolist() == [5, 15, 25]
    assert len(camera_edit("azimuth=10:20")) == 12


def test_handles_of_one_edit_move_together_and_the_others_stay():
    frames = camera_edit("elevation=0:30:3,azimuth=90,scale=2").cameras_from(OWN)
    np.testing.assert_allclose(frames[:, 0], np.pi / 2)
    np.testing.assert_allclose(np.degrees(frames[:, 1]), [0, 15, 30])
    np.testing.assert_allclose(frames[:, 2], 2.0)  # twice as large is half as far
    np.testing.assert_array_equal(frames[:, 3:], np.tile(OWN[3:], (3, 1)))
    assert camera_edit("elevation=7").cameras_from(OWN)[0, 0] == OWN[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("roll=3", "not understood; write e.g. azimuth=0:360:24"),
        ("azimuth=", "not understood"),
        ("azimuth=1e3", "not understood"),
        ("azimuth=0:90:4,azimuth=5", "names a handle twice"),
        ("azimuth=0:90:4,elevation=0:9:5", r"sweeps of \[4, 5\] frames; give them one count"),
        ("azimuth=0:90:0", "has 0 frames"),
        ("azimuth=0:90:999", "has 999 frames"),
        ("elevation=91", "between -90 and 90 degrees"),
        ("scale=0", "0.1 to 10"),
    ],
)
def test_what_cannot_be_drawn_is_told_with_the_remedy(text, told):
    with pytest.raises(ValueError, match=told):
        camera_edit(text)


def test_an_exchange_begins_with_the_photo_and_ends_with_the_donor():
    assert donor_edit("shape", 3).shares.tolist() == [0, 0.5, 1]
    assert donor_edit("shape", 1).shares.tolist() == [1]
    assert donor_edit("shape", 2).labels()[-1] == "100 % of the donor's shape"


def test_a_call_that_asks_for_nothing_turns_and_lifts_and_names_never_collide():
    assert [edit.name for edit in asked([], [], 6)] == ["azimuth", "elevation"]
    assert [edit.name for edit in asked([], ["texture"], 6)] == ["texture"]
    twice = asked(["azimuth=0:90", "azimuth=90:180"], ["shape"], 6)
    assert [edit.name for edit in twice] == ["azimuth", "azimuth_2", "shape"]

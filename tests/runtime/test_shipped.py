"""Claims about which shipped networks serve."""

import pytest

from ganverse_jax.commands.reconstruct.networks import networks_of
from ganverse_jax.runtime import shipped


@pytest.fixture
def assets(tmp_path, monkeypatch):
    """A default world of two rounds, of which the second has no segmenter, and another world."""
    for name in ("toy_boat", "toy_boat_round2", "toy_kite"):
        (tmp_path / name / "network").mkdir(parents=True)
        (tmp_path / name / "CARD.md").touch()
    for name in ("toy_boat", "toy_kite"):
        (tmp_path / name / "segmenter").touch()
    (tmp_path / "toy_boat_round2" / "renderer").touch()
    (tmp_path / "default.txt").write_text("toy_boat\n")
    monkeypatch.setattr(shipped, "ASSETS", tmp_path)
    return tmp_path


def test_a_worlds_latest_round_that_has_the_part_serves(assets):
    assert shipped.shipped_with("network") == assets / "toy_boat_round2"
    assert shipped.shipped_with("segmenter") == assets / "toy_boat"
    assert shipped.shipped_with("network", "kite") == assets / "toy_kite"
    assert shipped.shipped_with("network", "toy_kite") == assets / "toy_kite"


def test_a_world_is_not_served_by_one_whose_name_goes_on(assets):
    (assets / "toy_boathouse" / "renderer").mkdir(parents=True)
    (assets / "toy_boathouse" / "CARD.md").touch()
    assert shipped.shipped_with("renderer") == assets / "toy_boat_round2"


@pytest.mark.parametrize(
    "part, world, have",
    [("network", "train", "boat, kite"), ("renderer", "kite", "boat"), ("network", "", "boat, kite")],
)
def test_what_is_not_shipped_is_told_with_what_is(assets, part, world, have):
    with pytest.raises(FileNotFoundError, match=f"shipped = {world!r}.*choose one of {have}$"):
        shipped.shipped_with(part, world)


@pytest.mark.parametrize("other", ["workdir", "network"])
def test_a_run_and_a_shipped_world_do_not_serve_together(tmp_path, other):
    with pytest.raises(ValueError, match=f"--{other}=.* or --shipped=boat"):
        networks_of(**{other: tmp_path}, shipped="boat")

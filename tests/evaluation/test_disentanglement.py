"""Circular statistics at the wrap-around, and the figures of perfect and absent disentanglement."""

import numpy as np
import pytest

from ganverse_jax.evaluation import disentanglement as d
from ganverse_jax.scene.bins import nearest_azimuth_bin


@pytest.mark.parametrize(
    ("degrees", "expected"), [(0, 0), (14.9, 0), (15.1, 1), (345.1, 0), (-20, 11), (359, 0)]
)
def test_bins_are_centred_on_multiples_of_30_degrees(degrees, expected):
    assert nearest_azimuth_bin(np.radians(degrees)) == expected


def test_view_codes_that_fix_the_pose_have_no_spread():
    azimuths = np.repeat(np.linspace(0, 2 * np.pi, 8, endpoint=False)[:, None], 5, axis=1)
    figures = d.view_disentanglement(azimuths)
    assert figures["within_view"] < 1e-9 and figures["within_15"] == 1.0
    # uniform angles lie 90 degrees from any of them on average, at 8 samples exactly
    assert np.isclose(figures["across_views"], 90.0)


def test_view_codes_that_fix_nothing_spread_as_the_whole():
    azimuths = np.random.default_rng(0).uniform(0, 2 * np.pi, (10, 100))
    figures = d.view_disentanglement(azimuths)
    # 90 in the limit; the median of 100 samples fits its own sample, a few degrees less
    assert 75 < figures["within_view"] <= 90.5


def test_a_flat_list_of_angles_is_refused():
    with pytest.raises(ValueError, match="views contents"):
        d.view_disentanglement(np.zeros(4))


def units(shape, seed=0):
    vectors = np.random.default_rng(seed).standard_normal(shape)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_contents_that_keep_their_object_agree_fully():
    embeddings = np.repeat(units((1, 6, 16)), 4, axis=0)
    assert np.isclose(d.identity_agreement(embeddings), 1)


def test_contents_that_decide_nothing_agree_no_more_than_random_pairs():
    embeddings = np.repeat(units((5, 1, 16)), 6, axis=1)
    assert np.isclose(d.identity_agreement(embeddings), 0)


def test_half_kept_objects_agree_in_part():
    mixed = np.repeat(units((1, 8, 256)), 6, axis=0) + units((6, 8, 256), 1)
    mixed /= np.linalg.norm(mixed, axis=-1, keepdims=True)
    # cosine of x + y and x + z for orthogonal unit vectors: one half; 0.1 is chance at 256 dimensions
    assert abs(d.identity_agreement(mixed) - 0.5) < 0.1


@pytest.mark.parametrize("shape", [(1, 4, 3), (4, 1, 3), (4, 4)])
def test_agreement_needs_two_views_and_two_contents(shape):
    with pytest.raises(ValueError, match="two of each"):
        d.identity_agreement(np.ones(shape))


def test_every_split_has_its_row():
    azimuths = np.stack([np.tile([0.0, 1.0, 2.0], (4, 1)), np.tile(np.arange(4.0)[:, None], (1, 3))])
    embeddings = np.stack([np.repeat(units((1, 3, 8)), 4, axis=0), np.repeat(units((4, 1, 8)), 3, axis=1)])
    first, last = d.split_disentanglement(azimuths, embeddings)
    assert (first["view_layers"], last["view_layers"]) == (0, 1)
    assert first["azimuth_spread"] > 30 and last["azimuth_spread"] < 1e-9
    assert first["identity_agreement"] > 0.99 and abs(last["identity_agreement"]) < 1e-9


RANDOM = np.random.default_rng(0)
VIEWS, CONTENTS = RANDOM.standard_normal((5, 1, 3)), RANDOM.standard_normal((1, 7, 3))


def test_a_property_of_the_content_alone_is_the_contents():
    shares = d.two_way_shares(np.broadcast_to(CONTENTS, (5, 7, 3)))
    assert shares["content"] == pytest.approx(1) and shares["view"] == pytest.approx(0)


def test_a_property_of_the_view_alone_is_the_views():
    shares = d.two_way_shares(np.broadcast_to(VIEWS, (5, 7, 3)))
    assert shares["view"] == pytest.approx(1) and shares["content"] == pytest.approx(0)


def test_a_sum_is_shared_by_the_variances_of_its_parts():
    shares = d.two_way_shares(VIEWS + 2 * CONTENTS)
    content, view = 4 * CONTENTS.var(axis=1).sum(), VIEWS.var(axis=0).sum()
    assert shares["content"] == pytest.approx(content / (content + view))
    assert shares["rest"] == pytest.approx(0, abs=1e-12)


def test_what_neither_explains_alone_is_the_rest():
    signs = np.where(np.indices((4, 4)).sum(axis=0) % 2, 1.0, -1.0)  # a chessboard
    assert d.two_way_shares(signs)["rest"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("values", "message"), [(np.zeros((1, 5)), "two views"), (np.ones((3, 3)), "do not vary")]
)
def test_what_cannot_be_shared_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        d.two_way_shares(values)

"""Claims about two-way shares of variance: what one code carries alone is its own, a sum is shared."""

import numpy as np
import pytest

from ganverse_jax.evaluation.variance_shares import two_way_shares

RANDOM = np.random.default_rng(0)
VIEWS, CONTENTS = RANDOM.standard_normal((5, 1, 3)), RANDOM.standard_normal((1, 7, 3))


def test_a_property_of_the_content_alone_is_the_contents():
    shares = two_way_shares(np.broadcast_to(CONTENTS, (5, 7, 3)))
    assert shares["content"] == pytest.approx(1) and shares["view"] == pytest.approx(0)


def test_a_property_of_the_view_alone_is_the_views():
    shares = two_way_shares(np.broadcast_to(VIEWS, (5, 7, 3)))
    assert shares["view"] == pytest.approx(1) and shares["content"] == pytest.approx(0)


def test_a_sum_is_shared_by_the_variances_of_its_parts():
    shares = two_way_shares(VIEWS + 2 * CONTENTS)
    content, view = 4 * CONTENTS.var(axis=1).sum(), VIEWS.var(axis=0).sum()
    assert shares["content"] == pytest.approx(content / (content + view))
    assert shares["rest"] == pytest.approx(0, abs=1e-12)


def test_what_neither_explains_alone_is_the_rest():
    signs = np.where(np.indices((4, 4)).sum(axis=0) % 2, 1.0, -1.0)  # a chessboard
    assert two_way_shares(signs)["rest"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("values", "message"), [(np.zeros((1, 5)), "two views"), (np.ones((3, 3)), "do not vary")]
)
def test_what_cannot_be_shared_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        two_way_shares(values)

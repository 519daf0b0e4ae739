"""Claims about view dimensions in place of view layers: what they drive, and that their files come back."""

import jax
import numpy as np
import pytest

from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.stored import load_generator, save_generator
from ganverse_jax.models.stylegan2.style_space import style_layout
from tests.models.stylegan2.test_camera_input import MODULE, SIZES, generator  # noqa: F401

FULL = style_layout(MODULE, include_torgb=True)


@pytest.fixture(scope="module")
def plain(generator):  # noqa: F811
    return generator._replace(camera=None)


def _pictures(gan, view, content):
    return MultiviewGenerator(gan, batch_size=2).pairs(view, content)


@pytest.fixture(scope="module")
def codes():
    return np.random.default_rng(0).standard_normal((2, 2, 8)).astype(np.float32)


def test_all_view_dimensions_are_the_papers_split(plain, codes):
    masked = plain._replace(view_mask=np.arange(FULL.size) < FULL.view_size)
    for one, other in zip(_pictures(plain, *codes), _pictures(masked, *codes), strict=True):
        # Two programs round differently: a grey level of 255, and float32 styles.
        np.testing.assert_allclose(one.astype(float), other.astype(float), atol=1.0 + 1e-4)


def test_without_a_view_dimension_the_content_draws_alone(plain, codes):
    masked = plain._replace(view_mask=np.zeros(FULL.size, bool))
    one, other = (_pictures(masked, view, codes[1]) for view in codes)
    np.testing.assert_array_equal(one[0], other[0])


def test_the_view_drives_its_dimensions_and_no_other(plain, codes):
    mask = np.zeros(FULL.size, bool)
    mask[[1, 3]] = True
    masked = plain._replace(view_mask=mask)
    layout = style_layout(MODULE)
    dims = masked.view_dims(layout)
    one, other = (_pictures(masked, view, codes[1])[1] for view in codes)
    assert np.flatnonzero((one != other).any(axis=0)).tolist() == dims.tolist() == [1, 3]


def test_the_mask_comes_back_from_its_file_and_is_part_of_the_fingerprint(plain, codes, tmp_path):
    mask = np.random.default_rng(1).random(FULL.size) < 0.5
    for name, views in (("plain", {}), ("masked", {"view_mask": mask})):
        path = tmp_path / f"{name}.safetensors"
        save_generator(path, SIZES, jax.device_get(plain.variables), plain.w_avg, {}, **views)
    first, second = (load_generator(tmp_path / f"{name}.safetensors") for name in ("plain", "masked"))
    assert first.view_mask is None and first.fingerprint != second.fingerprint
    np.testing.assert_array_equal(second.view_mask, mask)

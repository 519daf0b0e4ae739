"""Texture flow: colours come from the object's pixels, halves mirror, and the map has no seam."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.inverse_graphics.texture_heads import (
    FlowHead,
    mask_moments,
    sample_object,
    texel_points,
)

RNG = np.random.default_rng(0)
IMAGE = RNG.random((2, 12, 16, 3)).astype(np.float32)
MASK = np.zeros((2, 12, 16, 1), np.float32)
MASK[0, 2:9, 3:12] = MASK[1, 5:11, 1:15] = 1.0
COLOUR = (MASK * IMAGE).sum(axis=(1, 2)) / MASK.sum(axis=(1, 2))
SMALL = dict(
    icosphere_level=1, encoder_width=8, encoder_blocks=(1,), code_size=16, shape_hidden=16, texture_size=16,
    texture_channels=(8, 8), template_scale=(0.4, 0.3, 0.9),
)  # fmt: skip


def centre(row, column):
    """The NDC of a pixel's centre."""
    return np.array([(2 * column + 1 - 16) / 16, (12 - 2 * row - 1) / 12], np.float32)


def at(place):
    """What a map that points at one place of both pictures holds."""
    flow = np.broadcast_to(place, (2, 1, 1, 2)).astype(np.float32)
    return np.asarray(sample_object(IMAGE, MASK, COLOUR, flow))[:, 0, 0]


def head(symmetric, with_colour=False, spread=0.0):
    """Map and flow of a head as a function of its parameters, and these, moved by noise of this spread."""
    module = FlowHead(16, (8, 8), symmetric, with_colour=with_colour)
    inputs = (jnp.ones((2, 4)), COLOUR, IMAGE, MASK)
    params = jax.jit(module.init)(jax.random.key(0), *inputs)["params"]
    generator = np.random.default_rng(1)
    params = jax.tree.map(lambda x: x + generator.normal(0, spread, x.shape).astype(np.float32), params)
    return jax.jit(lambda params: module.apply({"params": params}, *inputs)), params


def test_a_flow_that_points_at_a_pixel_of_the_object_gives_its_colour():
    # Bilinear weights of a centre are 1 and 0 but for float32 rounding.
    np.testing.assert_allclose(at(centre(6, 7)), IMAGE[:, 6, 7], atol=1e-5)
    between = 0.5 * (centre(6, 7) + centre(7, 7))
    np.testing.assert_allclose(at(between), IMAGE[:, 6:8, 7].mean(axis=1), atol=1e-5)


@pytest.mark.parametrize(
    "place", [centre(0, 0), centre(11, 15), np.array([1.0, 1.0]), np.array([-1.0, 0.99])]
)
def test_off_the_object_and_at_the_border_the_mean_colour_serves(place):
    np.testing.assert_allclose(at(place), COLOUR, atol=1e-6)


def test_pictures_do_not_wrap():
    full = np.ones_like(MASK)
    flow = np.broadcast_to(np.array([-1.0, centre(6, 0)[1]], np.float32), (2, 1, 1, 2))
    found = sample_object(IMAGE, full, COLOUR, flow)[:, 0, 0]
    np.testing.assert_allclose(found, IMAGE[:, 6, 0], atol=1e-5)


def test_a_flow_starts_inside_the_object():
    apply, params = head(symmetric=False)
    texture, flow = apply(params)
    inside = sample_object(MASK.repeat(3, axis=-1), np.ones_like(MASK), 0 * COLOUR, flow)
    np.testing.assert_allclose(inside, 1.0, atol=1e-5)
    # and covers a good part of it: the side view of a sphere of radius one standard deviation, which tanh
    # squeezes by the square of its distance from the middle, here up to 0.5
    _, extent = mask_moments(MASK)
    size = np.ptp(flow, axis=(1, 2)) / (2 * np.asarray(extent))
    assert (size > 0.75).all() and (size <= 1).all()


def test_moments_of_a_box_are_its_own():
    middle, extent = mask_moments(MASK)
    np.testing.assert_allclose(middle[0], 0.5 * (centre(2, 3) + centre(8, 11)), atol=1e-6)
    # Of n equal pixels: sqrt((n^2 - 1) / 12) pixels.
    np.testing.assert_allclose(extent[0], np.sqrt((np.array([9, 7]) ** 2 - 1) / 12) * 2 / [16, 12], rtol=1e-5)
    nothing = mask_moments(np.zeros_like(MASK))
    np.testing.assert_allclose(nothing, np.broadcast_to([[[0, 0]], [[2 / 16, 2 / 12]]], (2, 2, 2)), rtol=1e-6)


def test_every_colour_lies_in_the_hull_of_the_objects_pixels():
    apply, params = head(symmetric=False, spread=0.5)
    texture, flow = apply(params)
    assert np.abs(flow).max() <= 1 and np.std(flow) > 0.2
    for colours, image, mask in zip(texture, IMAGE, MASK[..., 0], strict=True):
        pixels = image[mask > 0]
        # Along any direction no texel goes further than the furthest pixel; float32 rounding of the weights.
        directions = RNG.normal(size=(3, 50))
        reach = (pixels @ directions).max(axis=0)
        assert (np.asarray(colours).reshape(-1, 3) @ directions <= reach + 1e-5).all()


@pytest.mark.parametrize("with_colour", [False, True])
def test_symmetric_halves_read_the_same_pixels(with_colour):
    apply, params = head(symmetric=True, with_colour=with_colour, spread=0.3)
    texture, flow = apply(params)
    assert texture.shape == (2, 16, 32, 3)
    np.testing.assert_array_equal(texture[:, :, ::-1], texture)
    np.testing.assert_array_equal(flow[:, :, ::-1], flow)


def test_the_flow_has_no_seam():
    """Where u wraps round the flow steps no more than between any other two columns."""
    apply, params = head(symmetric=False)
    params["pose"]["bias"] = np.random.default_rng(2).normal(size=8).astype(np.float32)
    _, flow = apply(params)
    step = np.abs(np.diff(np.asarray(flow), axis=2)).max()
    assert 0 < np.abs(flow[:, :, 0] - flow[:, :, -1]).max() <= 1.01 * step


def test_texel_points_are_where_the_icosphere_has_its_uv():
    points = texel_points(64)
    np.testing.assert_allclose(np.linalg.norm(points, axis=-1), 1, atol=1e-6)
    # Of the equator's rows: front (+z) in the middle, +x three quarters round; half a texel is 0.025.
    np.testing.assert_allclose(points[31, 64], [0, 0, 1], atol=0.05)
    np.testing.assert_allclose(points[31, 96], [1, 0, 0], atol=0.05)
    np.testing.assert_allclose(points[0, 5], [0, 1, 0], atol=0.05)


@pytest.mark.parametrize(("texture", "outputs"), [("decoded", 16), ("flow", 8), ("flow_and_colour", 28)])
def test_parameters_keep_their_names(texture, outputs):
    network = InverseGraphics(**SMALL, texture=texture)
    shapes = jax.eval_shape(network.init, jax.random.key(0), IMAGE[:, :8, :8], MASK[:, :8, :8])["params"]
    pose = set() if texture == "decoded" else {"pose"}
    assert set(shapes["texture"]) == {"start", "block0", "out"} | pose
    assert shapes["texture"]["out"]["kernel"].shape[-1] == outputs
    prediction = jax.eval_shape(network.apply, {"params": shapes}, IMAGE[:, :8, :8], MASK[:, :8, :8])
    assert prediction.texture.shape == (2, 16, 32, 3)
    assert (prediction.flow is None) == (texture == "decoded")


def test_an_unknown_texture_is_named():
    network = InverseGraphics(**SMALL, texture="flows")
    with pytest.raises(ValueError, match="'flows'; choose decoded, flow, flow_and_colour"):
        jax.eval_shape(network.init, jax.random.key(0), IMAGE[:, :8, :8], MASK[:, :8, :8])

"""The inverse graphics network: what it predicts before training, and the symmetry it never loses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rasterizer
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.inverse_graphics.prediction import render_prediction
from ganverse_jax.models.inverse_graphics.template import mesh_template, mirror_map, smooth_modes

SMALL = dict(
    icosphere_level=1, encoder_width=8, encoder_blocks=(1, 1), code_size=16, shape_hidden=16, texture_size=16,
    texture_channels=(8, 8), template_scale=(0.4, 0.3, 0.9),
)  # fmt: skip
IMAGE = np.random.default_rng(0).random((2, 32, 32, 3)).astype(np.float32)
MASK = np.random.default_rng(1).random((2, 32, 32, 1)).astype(np.float32)


def build(randomise=False, **changes):
    """A small network and its prediction; with `randomise` all parameters, also those that start at zero,
    are noise."""
    network = InverseGraphics(**(SMALL | changes))
    params = jax.jit(network.init)(jax.random.key(0), IMAGE, MASK)["params"]
    if randomise:
        generator = np.random.default_rng(2)
        params = jax.tree.map(lambda x: jnp.asarray(generator.normal(0, 0.2, x.shape), x.dtype), params)
    return network, jax.jit(network.apply)({"params": params}, IMAGE, MASK)


def test_an_untrained_network_predicts_the_template_in_the_mean_colour():
    network, prediction = build(shape_degree=3)
    np.testing.assert_array_equal(prediction.displacements, 0)
    np.testing.assert_array_equal(prediction.vertices, np.broadcast_to(network.template.vertices, (2, 42, 3)))
    mean = (MASK * IMAGE).sum(axis=(1, 2)) / MASK.sum(axis=(1, 2))
    # Through the logit and back in float32.
    np.testing.assert_allclose(
        prediction.texture, np.broadcast_to(mean[:, None, None], (2, 16, 32, 3)), atol=1e-5
    )
    assert prediction.texture.shape == (2, 16, 32, 3)


@pytest.mark.parametrize("shape_degree", [None, 3])
def test_a_symmetric_network_predicts_mirror_images(shape_degree):
    network, prediction = build(randomise=True, shape_degree=shape_degree)
    mirrored = prediction.vertices[:, network.template.mirror] * jnp.array([-1.0, 1.0, 1.0])
    assert np.abs(prediction.displacements).max() > 0.1
    # The template itself is symmetric to float32 rounding of the icosphere.
    np.testing.assert_allclose(mirrored, prediction.vertices, atol=1e-6)
    np.testing.assert_array_equal(prediction.texture[:, :, ::-1], prediction.texture)


def test_without_symmetry_left_and_right_differ():
    _, prediction = build(randomise=True, symmetric=False)
    assert np.abs(prediction.texture[:, :, ::-1] - prediction.texture).max() > 1e-3


def test_the_texture_wraps_round_without_a_seam():
    """Turning the decoder's input round by one start column turns the map: there is no privileged column."""
    from ganverse_jax.models.inverse_graphics.network import TextureHead

    head = TextureHead(16, (8, 8), symmetric=False)
    code, colour = jnp.ones((1, 4)), jnp.full((1, 3), 0.4)
    params = jax.jit(head.init)(jax.random.key(0), jnp.zeros((1, 4)), colour)["params"]
    generator = np.random.default_rng(0)
    params = jax.tree.map(lambda x: generator.normal(0, 0.5, x.shape).astype(np.float32), params)
    start = params["start"]
    turned = {
        "kernel": np.roll(start["kernel"].reshape(4, 4, 8, 8), 1, axis=2).reshape(4, -1),
        "bias": np.roll(start["bias"].reshape(4, 8, 8), 1, axis=1).reshape(-1),
    }
    apply = jax.jit(lambda params: head.apply({"params": params}, code, colour))
    whole, other = apply(params), apply(params | {"start": turned})
    # One start column is 4 columns of the map; the same sums in another order differ by rounding.
    np.testing.assert_allclose(other, np.roll(whole, 4, axis=2), atol=1e-5)


def test_the_background_cannot_leak():
    network = InverseGraphics(**SMALL)
    params = jax.jit(network.init)(jax.random.key(0), IMAGE, MASK)["params"]
    apply = jax.jit(lambda image: network.apply({"params": params}, image, jnp.zeros_like(MASK)).texture)
    np.testing.assert_array_equal(apply(IMAGE), apply(1 - IMAGE))


def test_smooth_modes_are_orthonormal_but_for_their_weights():
    vertices = mesh_template(4).vertices
    modes = smooth_modes(vertices, 4)
    degree = np.floor(np.sqrt(np.arange(25)))
    gram = (modes.T @ modes) / len(vertices) * np.outer(1 + degree, 1 + degree)
    # An icosphere's vertices are not exactly uniform on the sphere: a few per cent.
    np.testing.assert_allclose(gram, np.eye(25), atol=0.06)


def test_first_modes_move_and_stretch():
    vertices = mesh_template(2).vertices
    modes = smooth_modes(vertices, 1)
    np.testing.assert_allclose(modes[:, 0], 1, atol=1e-6)
    # Degree 1: sqrt(3) times a coordinate, halved by the weight.
    coordinates = np.linalg.lstsq(modes[:, 1:], vertices * np.sqrt(3) / 2, rcond=None)[1]
    np.testing.assert_allclose(coordinates, 0, atol=1e-8)


def test_mirror_map_is_an_involution():
    mirror = mesh_template(2).mirror
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(mirror)))


def test_a_lopsided_template_is_refused():
    with pytest.raises(ValueError, match="must be symmetric in x"):
        mirror_map(np.array([[1.0, 0, 0], [0, 1.0, 0]]))


def test_a_shape_that_cannot_move_is_refused():
    with pytest.raises(ValueError, match="nothing can move"):
        build(shape_degree=None, free_scale=0.0)


def test_texture_size_must_fit_the_channels():
    with pytest.raises(ValueError, match="a map of 16 rows; texture_size is 32"):
        build(texture_size=32)


def test_a_lit_network_begins_in_ambient_light_that_changes_nothing():
    network, lit = build(lighting=True)
    light = np.zeros((2, 9), np.float32)
    light[:, 0] = 1 / 0.28209479177387814
    # The constant harmonic's value, rounded to float32.
    np.testing.assert_allclose(lit.light, light, rtol=1e-6)
    camera = rasterizer.Camera(*(np.full(2, x, np.float32) for x in (0.4, 0.2, 4.2, 0.5)))
    draw = jax.jit(lambda prediction: render_prediction(network, prediction, camera, (32, 32)).rgb)
    # The strength is 1 but for float32 rounding of two factors.
    np.testing.assert_allclose(draw(lit), draw(lit._replace(light=None)), atol=1e-6)


@pytest.fixture(scope="module")
def noisy_params():
    """Parameters such that no head is silent, small enough that float32 and bfloat16 stay comparable."""
    network, generator = InverseGraphics(**SMALL), np.random.default_rng(2)
    params = jax.jit(network.init)(jax.random.key(0), IMAGE, MASK)["params"]
    return jax.tree.map(lambda x: x + generator.normal(0, 0.05, x.shape).astype(np.float32), params)


def test_half_precision_moves_the_prediction_a_little(noisy_params):
    def predict(dtype):
        network = InverseGraphics(**SMALL, compute_dtype=dtype)
        return jax.jit(network.apply)({"params": noisy_params}, IMAGE, MASK)

    full, half = predict("float32"), predict("bfloat16")
    for whole, rounded in zip(full[:3], half[:3], strict=True):
        assert rounded.dtype == np.float32
        # bfloat16 rounds to 2^-9 = 0.002 of a value, in six convolutions and the sums over them.
        bound = 0.02 * np.abs(whole).max()
        assert 0 < np.abs(whole - rounded).max() < bound


def test_half_precision_has_finite_gradients_near_float32s(noisy_params):
    def gradient(dtype):
        network = InverseGraphics(**SMALL, compute_dtype=dtype)

        def loss(params):
            found = network.apply({"params": params}, IMAGE, MASK)
            return (found.displacements**2).mean() + (found.texture**2).mean()

        return jax.tree.leaves(jax.jit(jax.grad(loss))(noisy_params))

    full, half = (np.concatenate([np.ravel(leaf) for leaf in gradient(d)]) for d in ("float32", "bfloat16"))
    assert half.dtype == np.float32 and np.isfinite(half).all()
    # As above, once forward and once backward.
    assert np.linalg.norm(half - full) < 0.05 * np.linalg.norm(full)


def test_a_resnet_sees_no_mask_and_no_background_at_its_start():
    network = InverseGraphics(**SMALL, encoder_architecture="resnet18")
    image, mask = np.ones((1, 128, 128, 3), np.float32), np.zeros((1, 128, 128, 1), np.float32)
    params = jax.jit(network.init)(jax.random.key(0), image, mask)["params"]
    assert set(params["encoder"]) == {"conv1", "mask_stem"} | {
        f"layer{i}_{j}" for i in range(1, 5) for j in range(2)
    }
    np.testing.assert_array_equal(params["encoder"]["mask_stem"]["kernel"], 0)
    apply = jax.jit(lambda image: network.apply({"params": params}, image, mask).texture)
    np.testing.assert_array_equal(apply(image), apply(0 * image))


def test_pictures_too_small_for_a_resnet_are_refused():
    with pytest.raises(ValueError, match="use images of a multiple of 128 pixels"):
        build(encoder_architecture="resnet18")


@pytest.mark.parametrize("change", [{"encoder_architecture": "resnet34"}, {"compute_dtype": "float16"}])
def test_a_mistyped_choice_is_named(change):
    with pytest.raises(ValueError, match=f"{next(iter(change.values()))}'; choose"):
        build(**change)

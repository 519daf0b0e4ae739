"""Claims about the mapping network (Sec. 3.3): gates, view dimensions, units of the codes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.models.stylegan_r import latent_mapper
from ganverse_jax.models.stylegan_r.latent_mapper import LatentMapper


@pytest.fixture(scope="module")
def mapper():
    return LatentMapper(view_size=6, content_size=9, view_dims=2, num_vertices=12, hidden=(8,), channels=4)


def _inputs(batch=3):
    rng = np.random.default_rng(0)
    camera = (rng.uniform(0, 6, batch), rng.uniform(0, 0.3, batch), rng.uniform(4, 5, batch))
    camera = tuple(jnp.asarray(x, jnp.float32) for x in camera)
    shapes = ((12, 3), (8, 16, 3), (12, 16, 3))
    pictures = [jnp.asarray(rng.random((batch, *shape)), jnp.float32) for shape in shapes]
    return camera, *pictures, jnp.ones((batch, 12, 16, 1)) * (rng.random((batch, 12, 16, 1)) > 0.5)


@pytest.fixture(scope="module")
def variables(mapper):
    return jax.jit(mapper.init)(jax.random.key(0), *_inputs())


def test_gates_sum_to_one_over_the_three_properties(mapper, variables):
    logits = jax.random.normal(jax.random.key(1), (3, 9)) * 5
    shifted = variables | {"params": variables["params"] | {"gate_logits": logits}}
    gates = mapper.apply(shifted, method=LatentMapper.gates)
    assert gates.shape == (3, 9)
    np.testing.assert_allclose(gates.sum(0), 1.0, rtol=1e-6)  # float32 softmax


def test_fresh_mapper_gives_the_mean_code(mapper, variables):
    statistics = variables["statistics"] | {
        "view_mean": jnp.arange(6.0),
        "content_mean": jnp.arange(9.0),
        "content_std": jnp.full(9, 3.0),
    }
    view, content, _ = mapper.apply(variables | {"statistics": statistics}, *_inputs())
    np.testing.assert_array_equal(view, np.tile(np.arange(6.0), (3, 1)))
    np.testing.assert_array_equal(content, np.tile(np.arange(9.0), (3, 1)))


def test_only_the_chosen_view_dimensions_follow_the_camera(mapper, variables):
    params = jax.tree.map(lambda x: x + 0.1, variables["params"])
    statistics = variables["statistics"] | {"view_index": jnp.array([1, 4])}
    camera, *_ = _inputs()
    view = mapper.apply({"params": params, "statistics": statistics}, *camera, method=LatentMapper.view_code)
    moves = np.ptp(view, axis=0) > 0
    assert moves.tolist() == [False, True, False, False, True, False]


def test_where_the_generator_takes_a_camera_the_view_code_is_that_camera():
    mapper = LatentMapper(view_size=2, content_size=9, view_dims=0, num_vertices=12, hidden=(8,), channels=4)
    learned = np.array([0.1, 2.0, 6.2]), np.array([0.0, 0.1, 0.2]), np.full(3, 4.2)
    given = np.stack([(learned[0] + 0.3) % (2 * np.pi), learned[1] - 0.05], axis=1)
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(20, 9)), rng.normal(size=(20, 12, 3))
    statistics = latent_mapper.measured_statistics(given, *codes, learned, view_dims=0)
    variables = jax.jit(mapper.init)(jax.random.key(0), *_inputs())
    assert jax.tree.map(np.shape, statistics) == jax.tree.map(np.shape, dict(variables["statistics"]))
    assert not any("view" in name for name in variables["params"])
    turned = {"params": variables["params"], "statistics": statistics}
    view = mapper.apply(turned, *learned, method=LatentMapper.view_code)
    difference = np.exp(1j * np.asarray(view[:, 0])) - np.exp(1j * given[:, 0])
    np.testing.assert_allclose(np.abs(difference), 0, atol=1e-5)  # float32 angles of up to 6.5
    np.testing.assert_allclose(view[:, 1], given[:, 1], atol=1e-6)


def test_where_that_camera_has_no_distance_the_content_follows_it():
    mapper = LatentMapper(
        view_size=2, content_size=9, view_dims=0, num_vertices=12, hidden=(8,), channels=4, distance=True
    )
    learned = np.array([0.1, 2.0, 6.2]), np.array([0.0, 0.1, 0.2]), np.array([4.0, 4.2, 4.4])
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(20, 9)), rng.normal(size=(20, 12, 3))
    given = np.stack(learned[:2], axis=1)
    statistics = latent_mapper.measured_statistics(given, *codes, learned, view_dims=0, with_distance=True)
    variables = jax.jit(mapper.init)(jax.random.key(0), *_inputs())
    assert jax.tree.map(np.shape, statistics) == jax.tree.map(np.shape, dict(variables["statistics"]))
    params = jax.tree.map(lambda x: x + 0.1, variables["params"])
    turned = {"params": params, "statistics": statistics}
    camera, *others = _inputs()

    def content(distance):
        return mapper.apply(turned, (*camera[:2], 0 * camera[2] + distance), *others)[1]

    assert mapper.takes_distance and np.abs(content(4.0) - content(4.4)).max() > 1e-3
    np.testing.assert_array_equal(content(4.0), content(4.0))


def test_background_code_does_not_see_the_object(mapper, variables):
    params = jax.tree.map(lambda x: x + 0.1, variables["params"])
    _, _, _, image, mask = _inputs()
    other = jnp.where(mask > 0, 1.0 - image, image)
    code = [
        mapper.apply(variables | {"params": params}, picture, mask, method=LatentMapper.background_code)
        for picture in (image, other)
    ]
    np.testing.assert_array_equal(code[0], code[1])


def test_gate_shut_for_a_property_hides_it(mapper, variables):
    logits = jnp.full((3, 9), -200.0).at[0].set(200.0)
    params = jax.tree.map(lambda x: x + 0.1, variables["params"]) | {"gate_logits": logits}
    camera, shape, texture, image, mask = _inputs()
    one = mapper.apply(variables | {"params": params}, camera, shape, texture, image, mask)[1]
    two = mapper.apply(variables | {"params": params}, camera, shape, 1 - texture, 1 - image, mask)[1]
    np.testing.assert_array_equal(one, two)


def test_dimension_driven_by_the_azimuth_has_correlation_one():
    azimuth = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    features = np.stack([np.sin(azimuth), np.cos(azimuth), np.zeros(12), np.zeros(12)], axis=-1)
    rng = np.random.default_rng(0)
    styles = np.stack([3 * np.sin(azimuth + 0.7) + 5, rng.normal(size=12), np.full(12, 2.0)], axis=-1)
    correlation = latent_mapper.view_correlation(styles, features)
    assert correlation[0] == pytest.approx(1.0, abs=1e-6)  # float64 projection
    assert 0.0 < correlation[1] < 0.9
    assert correlation[2] == 0.0
    assert latent_mapper.choose_view_dims(styles, features, 1).tolist() == [0]


def test_too_many_view_dims_name_the_setting():
    with pytest.raises(ValueError, match="view_dims 144 is not in 1..3"):
        latent_mapper.choose_view_dims(np.zeros((12, 3)), np.zeros((12, 4)), 144)


def test_views_that_hardly_differ_do_not_blow_up_the_camera_features():
    reference = latent_mapper.camera_reference(np.full(12, 0.2), np.full(12, 4.2))
    features = latent_mapper.camera_features(
        jnp.zeros(1), jnp.full(1, 0.2 + np.deg2rad(5)), jnp.full(1, 4.2 * np.exp(0.1)), reference
    )
    # One smallest spread away from the centre is one unit; float32.
    np.testing.assert_allclose(features, [[0.0, 1.0, 1.0, 1.0]], atol=1e-4)


def test_measured_statistics_fit_the_module(mapper, variables):
    rng = np.random.default_rng(0)
    cameras = (np.linspace(0, 6, 10), np.zeros(10), np.full(10, 4.0))
    measured = latent_mapper.measured_statistics(
        rng.normal(size=(10, 6)), rng.normal(size=(20, 9)), rng.normal(size=(20, 12, 3)), cameras, view_dims=2
    )
    assert jax.tree.map(np.shape, measured) == jax.tree.map(np.shape, dict(variables["statistics"]))

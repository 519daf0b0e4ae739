"""Claims about the warm-up and fine-tuning steps of StyleGAN-R, on networks of a few hundred weights."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.models.stylegan_r.latent_mapper import LatentMapper
from ganverse_jax.runtime import parallel
from ganverse_jax.runtime.loop import Loop, Metrics
from ganverse_jax.stages.stylegan_r import step as steps
from ganverse_jax.stages.stylegan_r.settings import FinetuneWeights

SIZE, VERTICES, TEXTURE, BATCH = 8, 5, (4, 8), 8
MAPPER = LatentMapper(
    view_size=6, content_size=10, view_dims=4, num_vertices=VERTICES, hidden=(16,), channels=4, channels_max=4
)


def _synthesise(generator, constants, view, content):
    codes = jnp.concatenate([view, content], axis=-1)
    return jax.nn.sigmoid(codes @ generator["weight"]).reshape(-1, SIZE, SIZE, 3)


def _segment(constants, images, displacements, camera):
    return jax.nn.sigmoid(20 * (images.mean(-1, keepdims=True) - 0.5))


def _predict(constants, images, masks):
    seen = (images * masks).reshape(len(images), -1)
    shape = (seen @ constants["shape"]).reshape(-1, VERTICES, 3)
    return shape, jax.nn.sigmoid(seen @ constants["texture"]).reshape(-1, *TEXTURE, 3)


def _silhouette(constants, images, displacements, camera):
    columns = jnp.arange(SIZE)[None, None, :, None]
    edge = 0.5 * SIZE * (1 + jnp.tanh(displacements[:, 0, 0])) + camera[0]
    return jnp.broadcast_to(columns < edge[:, None, None, None], (len(images), SIZE, SIZE, 1)) * 1.0


def _score(discriminator, images):
    return jnp.tanh(images.reshape(len(images), -1) @ discriminator["weight"]).sum(-1)


NETWORKS = steps.CycleNetworks(_synthesise, _segment, _predict, _silhouette)
TERMS = ("anchor", "background", "background_pair", "behind", "outline", "shape", "texture")


def _batch_at(index):
    rng = np.random.default_rng(index)
    return {
        "image": rng.integers(0, 256, (BATCH, SIZE, SIZE, 3), dtype=np.uint8),
        "mask": rng.integers(0, 2, (BATCH, SIZE, SIZE), dtype=np.uint8) * 255,
        "camera": rng.uniform(1, 3, (BATCH, 2, 3)).astype(np.float32),
        "shape": _normal(rng, (BATCH, 2, VERTICES, 3)),
        "texture": rng.random((BATCH, 2, *TEXTURE, 3)).astype(np.float16),
    }


def _warmup_batch_at(index):
    batch = _batch_at(index)
    rng = np.random.default_rng(index + 1000)
    codes = {"view_style": (BATCH, 6), "content_style": (BATCH, 10)}
    single = {name: batch[name][:, 0] for name in ("shape", "texture", "camera")}
    return batch | single | {name: _normal(rng, shape) for name, shape in codes.items()}


def _normal(rng, shape):
    return rng.normal(size=shape).astype(np.float32)


@functools.cache
def _fresh():
    batch = steps.unpack(_warmup_batch_at(0))
    inputs = (batch["camera"], batch["shape"], batch["texture"], batch["image"], batch["mask"])
    # Drawn by NumPy, as compiling an init takes longer; away from the zero start, where codes ignore inputs.
    shapes = jax.eval_shape(MAPPER.init, jax.random.key(0), *inputs)
    rng = np.random.default_rng(0)
    mapper = jax.tree.map(lambda leaf: np.float32(0.3) * _normal(rng, leaf.shape), shapes["params"])
    generator = {"weight": 0.3 * _normal(rng, (16, SIZE * SIZE * 3))}
    constants = {
        "statistics": MAPPER.neutral_statistics(),
        "shape": 0.1 * _normal(rng, (SIZE * SIZE * 3, VERTICES * 3)),
        "texture": 0.1 * _normal(rng, (SIZE * SIZE * 3, TEXTURE[0] * TEXTURE[1] * 3)),
    }
    return mapper, generator, constants


@functools.cache
def _phase(name, num_devices=1, rate=1e-2, micro_batches=1):
    """(state on the host, compiled step, batch_at) of a phase; cached, since compiling takes the time."""
    mapper, generator, constants = _fresh()
    if name == "warmup":
        params, batch_at = {"mapper": mapper}, _warmup_batch_at
        optimizer = steps.make_optimizer({"mapper": rate}, 50)
        step = steps.make_warmup_step(MAPPER, optimizer, entropy_weight=0.1)
    else:
        params, batch_at = {"mapper": mapper, "generator": generator}, _batch_at
        networks, weights = NETWORKS, FinetuneWeights(anchor=0.5)
        if name == "adversarial":
            weight = 0.1 * _normal(np.random.default_rng(1), (SIZE * SIZE * 3, 4))
            params, networks = params | {"discriminator": {"weight": weight}}, NETWORKS._replace(score=_score)
            weights = FinetuneWeights(0, 0, 0, 0, adversarial=1.0)
        optimizer = steps.make_optimizer(dict.fromkeys(params, rate), 50)
        step = steps.make_finetune_step(MAPPER, networks, optimizer, weights, micro_batches)
    state = jax.device_get(jax.jit(lambda: steps.new_state(params, optimizer))())
    return state, steps.with_constants(step, parallel.data_mesh(num_devices), constants), batch_at


def _run(name, num_devices, num_steps=3, micro_batches=1):
    state, run, batch_at = _phase(name, num_devices, micro_batches=micro_batches)
    state = parallel.replicate(state, parallel.data_mesh(num_devices))
    for index in range(num_steps):
        state, metrics = run(state, batch_at(index), key=jax.random.key(index))
        jax.block_until_ready(state)
    return jax.device_get((state["params"], metrics))


@pytest.mark.parametrize("phase", ["warmup", "finetune", "adversarial"])
def test_one_and_four_devices_take_the_same_steps(phase):
    # Adam divides by the root of tiny squared gradients, which magnifies the order of summation: 1e-2 x 1e-2.
    close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-4)
    jax.tree.map(close, _run(phase, 1), _run(phase, 4))


@pytest.mark.parametrize("phase", ["finetune", "adversarial"])
def test_micro_batches_take_the_steps_of_the_whole_batch(phase):
    close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-4)  # as on four devices
    jax.tree.map(close, _run(phase, 1), _run(phase, 2, micro_batches=2))


def _fit(name, workdir, num_steps):
    state, run, batch_at = _phase(name)
    loop = Loop(
        num_steps=num_steps, key=jax.random.key(0), mesh=parallel.data_mesh(1), stage=name,
        checkpoints=workdir / "checkpoints", metrics=Metrics(workdir), log_every=2, save_every=2,
    )  # fmt: skip
    state = loop.fit(state, lambda index: run, batch_at)
    return jax.device_get(state)


@pytest.mark.parametrize("phase", ["warmup", "finetune", "adversarial"])
def test_interrupted_run_repeats_the_undisturbed_one_to_the_bit(phase, tmp_path):
    _fit(phase, tmp_path / "resumed", 2)
    resumed, whole = _fit(phase, tmp_path / "resumed", 4), _fit(phase, tmp_path / "whole", 4)
    jax.tree.map(np.testing.assert_array_equal, resumed, whole)


def test_warmup_on_fixed_data_reduces_the_code_error():
    state, run, batch_at = _phase("warmup")
    state, history = parallel.replicate(state, parallel.data_mesh(1)), []
    for _ in range(60):
        state, metrics = run(state, batch_at(0), key=jax.random.key(0))
        history.append(float(metrics["code"]))
    # Eight fixed examples of independent codes: the mean code alone would leave the error near its start.
    assert history[-1] < 0.5 * history[0]


def _gradients(terms, networks=NETWORKS):
    """Gradient of each named term of `finetune_losses`, by one compiled program."""
    mapper, generator, constants = _fresh()
    batch = steps.unpack(_batch_at(0))

    def losses(params):
        found, _ = steps.finetune_losses(MAPPER, networks, params, constants, batch)
        return jnp.stack([found[name] for name in terms])

    stacked = jax.device_get(jax.jit(jax.jacrev(losses))({"mapper": mapper, "generator": generator}))
    return {name: jax.tree.map(lambda x, i=i: x[i], stacked) for i, name in enumerate(terms)}


def test_finetuning_reaches_the_generator_and_the_mapper_through_every_term():
    for gradient in _gradients(TERMS).values():
        assert np.abs(gradient["generator"]["weight"]).max() > 0
        assert max(np.abs(x).max() for x in jax.tree.leaves(gradient["mapper"])) > 0


def test_discriminator_learns_what_is_made_and_makes_pictures_more_like_the_examples():
    state, run, batch_at = _phase("adversarial")
    before = state["params"]["discriminator"]["weight"]
    state, history = parallel.replicate(state, parallel.data_mesh(1)), []
    for index in range(40):
        state, metrics = run(state, batch_at(index), key=jax.random.key(0))
        history.append(jax.device_get(metrics))
    assert np.abs(np.asarray(state["params"]["discriminator"]["weight"]) - before).max() > 1e-2
    # At equal strength neither wins: the critic's loss stays near that of one who cannot tell, 2 log 2.
    assert history[0]["critic"] != history[-1]["critic"]
    assert abs(history[-1]["critic"] - 2 * np.log(2)) < abs(history[0]["critic"] - 2 * np.log(2))


def test_warmup_has_no_generator_to_change():
    state, *_ = _phase("warmup")
    assert set(state["params"]) == {"mapper"}


def test_background_reader_cannot_close_the_cycle_by_itself():
    # Images that ignore the codes: the only way left to lower the term would be g_b's reading of them.
    deaf = NETWORKS._replace(
        synthesise=lambda generator, constants, view, content: jnp.broadcast_to(
            jax.nn.sigmoid(generator["weight"].mean(0)).reshape(1, SIZE, SIZE, 3), (len(view), SIZE, SIZE, 3)
        )
    )
    gradient = _gradients(["background"], deaf)["background"]
    assert all(np.all(x == 0) for x in jax.tree.leaves(gradient["mapper"]))
    assert np.abs(gradient["generator"]["weight"]).max() > 0


def test_mask_of_a_synthesised_image_counts_as_constant():
    def from_mask(constants, images, masks):
        shape = (masks.reshape(len(masks), -1) @ constants["shape"][: SIZE * SIZE]).reshape(-1, VERTICES, 3)
        return shape, jnp.zeros((len(masks), *TEXTURE, 3))

    gradient = _gradients(["shape"], NETWORKS._replace(predict=from_mask))["shape"]
    assert all(np.all(x == 0) for x in jax.tree.leaves(gradient))


def test_outlines_of_both_pictures_are_those_of_the_shapes_from_their_own_cameras():
    mapper, generator, constants = _fresh()
    batch, params = _batch_at(0), {"mapper": mapper, "generator": generator}

    @jax.jit
    def outline(batch):
        asked = []

        def silhouette(constants, images, displacements, camera):
            asked.append((displacements, camera))
            return _silhouette(constants, images, displacements, camera)

        drawn = NETWORKS._replace(silhouette=silhouette, segment=_silhouette)
        terms, _ = steps.finetune_losses(MAPPER, drawn, params, constants, steps.unpack(batch))
        return terms["outline"], *asked[0]

    value, shapes, camera = outline(batch)
    assert float(value) == 0
    np.testing.assert_array_equal(shapes, np.concatenate(list(batch["shape"].swapaxes(0, 1))))
    columns = np.concatenate(list(batch["camera"].swapaxes(0, 1)))
    np.testing.assert_array_equal(np.stack(camera, axis=1), columns)


def test_inverse_graphics_sees_pictures_as_from_the_distance_it_knows():
    near = np.zeros((1, 16, 16, 1), np.float32)
    near[:, 2:14, 4:12] = 1  # of 12 x 8 pixels
    asked = steps.zoomed(jnp.asarray(near), jnp.array([0.5]))
    np.testing.assert_allclose(asked[0, 5:11, 6:10, 0], 1)
    assert float(asked.sum()) == pytest.approx(6 * 4, abs=1e-3)
    np.testing.assert_allclose(steps.zoomed(jnp.asarray(near), jnp.array([1.0])), near, atol=1e-6)


def test_decay_ends_at_rate_zero():
    optimizer = steps.make_optimizer({"mapper": 1e-2}, num_steps=4, decay=0.5)
    params, sizes = {"mapper": jnp.ones(3)}, []
    state = optimizer.init(params)
    for _ in range(5):
        updates, state = optimizer.update({"mapper": jnp.ones(3)}, state, params)
        sizes.append(float(jnp.abs(updates["mapper"]).max()))
    # Adam on a constant gradient moves by the rate itself, to its epsilon.
    np.testing.assert_allclose(sizes, [1e-2, 1e-2, 1e-2, 5e-3, 0.0], rtol=1e-4)

"""Claims about the adaptive probability of augmentation: it steers to its target; training resumes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.models.stylegan2.networks import Discriminator, Generator
from ganverse_jax.models.stylegan2.stored import save_discriminator, save_generator
from ganverse_jax.pipeline.settings import build, plain
from ganverse_jax.runtime.checkpoint import fingerprint, load_weights
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.gan.adaptive import adapt, initial_adaptive
from ganverse_jax.stages.gan.data import RealImages
from ganverse_jax.stages.gan.settings import Augment, DiscriminatorSize, GeneratorSize, Settings
from ganverse_jax.stages.gan.step import initial_state
from tests.stages.tiny_world import run_in

SETTINGS = Augment(adaptive=True, probability=0.5, interval=4, ramp=1600)


def after(signs, settings=SETTINGS, batch_size=16):
    """The two entries of the state after steps of these mean signs."""
    state = initial_adaptive(settings)
    for step, sign in enumerate(signs):
        state = adapt(
            state | {"images_seen": jnp.int32(step * batch_size)}, jnp.float32(sign), settings, batch_size
        )
    return {name: float(value) for name, value in state.items()}


def test_an_overconfident_discriminator_gets_more_augmentation_and_a_doubtful_one_less():
    stride = 4 * 16 / 1600
    assert after([1, 1, 1, 0])["augment_p"] == pytest.approx(0.5 + stride)  # mean 0.75 against 0.6
    assert after([1, 1, 0, 0])["augment_p"] == pytest.approx(0.5 - stride)
    assert after([1, 1, 1]) == {"augment_p": 0.5, "augment_signs": 3.0}
    assert after([1, 1, 1, 1, 0.5])["augment_signs"] == 0.5


def test_the_probability_goes_from_nothing_to_everything_in_the_ramp_and_stays_there():
    settings = dataclasses.replace(SETTINGS, probability=0.0)
    assert after([1] * 96, settings)["augment_p"] == pytest.approx(0.96)
    assert after([1] * 120, settings)["augment_p"] == 1.0
    assert after([-1] * 8, settings)["augment_p"] == 0.0


def test_a_fixed_probability_adds_nothing_to_the_state():
    assert initial_adaptive(Augment(probability=0.4)) == {}


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ({"augment": {"probability": 1.5}}, "gan.augment.probability = 1.5; set it to a number from 0 to 1"),
        ({"augment": {"target": 1.0}}, "gan.augment.target = 1.0"),
        ({"augment": {"interval": 0}}, "gan.augment.interval = 0"),
        ({"augment": {"ramp": 0}}, "gan.augment.ramp = 0"),
        ({"compute_dtype": "float16"}, "gan.compute_dtype = 'float16'; choose one of float32, bfloat16"),
        ({"generator": {"resolution": 48}}, "gan.generator.resolution = 48 is no power of two of 8"),
        ({"discriminator": {"resolution": 4}}, "gan.discriminator.resolution = 4 is no power of two of 8"),
        (
            {"generator": {}, "discriminator": {"resolution": 32}},
            "gan.discriminator.resolution = 32, but the generator's pictures have 64 pixels",
        ),
    ],
)
def test_a_setting_out_of_range_is_named(changed, shown):
    with pytest.raises(ValueError, match=shown):
        build(Settings, changed, "gan")


TINY = Settings(
    generator=GeneratorSize(
        resolution=8, z_dim=8, w_dim=8, mapping_layers=1, channel_base=32, channel_max=4
    ),
    discriminator=DiscriminatorSize(resolution=8, channel_base=32, channel_max=4, mbstd_group=2),
    num_images=16, batch_size=4, num_steps=6, log_every=1, save_every=3, learning_rate=2e-3,
    r1_gamma=0.3, r1_interval=16, path_length_weight=2.0, path_length_interval=8, style_mixing=0.9,
    ema_half_life=100.0, ema_rampup=0.05, compute_dtype="bfloat16",
    augment=Augment(adaptive=True, probability=0.5, interval=2, ramp=80),
)  # fmt: skip
SIZES, CRITIC_SIZES = plain(TINY.generator), plain(TINY.discriminator)


def _train(workdir, start_from):
    """Train in a workdir; fingerprints of the networks it leaves and the probability at each step."""
    run = run_in(workdir)
    gan.train(run, dataclasses.replace(TINY, start_from=str(start_from)))
    files = (gan.generator_path(workdir), gan.discriminator_path(workdir))
    networks = [fingerprint(load_weights(path)[0]) for path in files]
    return networks, [row["augment_p"] for row in run.metrics.read()]


def test_no_folder_to_start_from_may_be_an_empty_name(tmp_path, monkeypatch):
    class Begun(Exception):
        """Stands for a training that begins."""

    def begins(*arguments, **options):
        raise Begun

    monkeypatch.setattr(gan, "initial_state", lambda *networks, key: ({}, {}))
    monkeypatch.setattr(gan, "Prefetch", begins)
    monkeypatch.setattr(
        gan, "real_images", lambda *asked, **world: RealImages(np.zeros((4, 8, 8, 3), np.uint8), {})
    )
    with pytest.raises(Begun):
        _train(tmp_path, "")


@pytest.mark.slow
def test_networks_trained_without_augmentation_train_on_with_it_and_resume_to_the_bit(tmp_path, monkeypatch):
    state, noise = initial_state(Generator(**SIZES), Discriminator(**CRITIC_SIZES), key=jax.random.key(1))
    variables = {"params": state["g"], "noise": noise}
    save_generator(gan.generator_path(tmp_path), SIZES, variables, state["w_avg"], {})
    d_variables = {"params": state["d"]}
    save_discriminator(gan.discriminator_path(tmp_path), CRITIC_SIZES, d_variables, {})
    undisturbed = _train(tmp_path / "one", tmp_path / "gan")
    batches = gan.batches

    def failing(*arguments, **settings):
        batch_at = batches(*arguments, **settings)
        return lambda step: batch_at(step) if step < 4 else 1 / 0

    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setattr(gan, "batches", failing)
        _train(tmp_path / "two", tmp_path / "gan")
    assert _train(tmp_path / "two", tmp_path / "gan") == undisturbed
    assert len(set(undisturbed[1])) > 1  # the probability did move

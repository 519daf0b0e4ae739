"""One StyleGAN2 training step as four data-parallel phases on lazy schedules (arXiv:1912.04958).

The state is a plain dict: parameters "g" and "d", their averages "ema", "w_avg", "path_length_mean",
both optimizer states, the count of images seen, and what an adaptive augmentation adds (adaptive.py).
Every random number is drawn per global example.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ganverse_jax.data.images.gan_augment import augment
from ganverse_jax.losses import adversarial
from ganverse_jax.losses.adversarial import GanFunctions
from ganverse_jax.models.stylegan2.networks import Discriminator, Generator, update_w_avg
from ganverse_jax.runtime import parallel
from ganverse_jax.stages.gan.adaptive import adapt
from ganverse_jax.stages.gan.optimizer import average_decay, falling_rate, lazy_adam, moving_average
from ganverse_jax.stages.gan.settings import Settings


def strided_order(batch_size: int, num_devices: int, group: int) -> np.ndarray:
    """Global example index of each row [b], such that every device holds whole stddev groups.

    Group m is made of the examples m, m + b/group, m + 2 b/group, ...; device d keeps groups
    d k .. d k + k - 1, each in the strided layout that the minibatch-stddev layer reads. The
    statistics are then the same on any number of devices. Raises ValueError if groups do not split.
    """
    group = min(group, batch_size // num_devices)
    if batch_size % (group * num_devices):
        raise ValueError(
            f"gan.batch_size = {batch_size} does not split into stddev groups of {group} on {num_devices} "
            f"devices; set it to a multiple of {group * num_devices}"
        )
    grid = np.arange(batch_size).reshape(group, num_devices, batch_size // (group * num_devices))
    return grid.transpose(1, 0, 2).reshape(-1)


def initial_state(
    generator: Generator, discriminator: Discriminator, *, key: jax.Array
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fresh ``(state, noise buffers)``; the buffers are constants of the generator."""
    g_key, d_key = jax.random.split(key)
    g_variables = jax.jit(generator.init)(g_key, jnp.zeros((1, generator.z_dim)))
    size = discriminator.resolution
    d_params = jax.jit(discriminator.init)(d_key, jnp.zeros((1, size, size, 3)))["params"]
    optimizer = optax.adam(1.0)  # only the structure of its state is needed here
    g_params = g_variables["params"]
    state = {
        "g": g_params,
        "d": d_params,
        "ema": g_params,
        "w_avg": jnp.zeros(generator.w_dim),
        "path_length_mean": jnp.zeros(()),
        "g_optimizer": optimizer.init(g_params),
        "d_optimizer": optimizer.init(d_params),
        "images_seen": jnp.zeros((), jnp.int32),
    }
    return state, g_variables["noise"]


def _batch_mean(x: jax.Array, axis=None) -> jax.Array:
    return parallel.mean(jnp.mean(x, axis=axis))


class Phases:
    """The four phases and the averaging, each ``(state, batch, *, key) -> (state, metrics)``.

    first_cut: the first row of ws that style mixing may take from the second content.
    """

    first_cut = 1

    def __init__(self, generator, discriminator, noise, settings: Settings):
        self.generator = generator.clone(compute_dtype=settings.compute_dtype)
        self.discriminator = discriminator.clone(compute_dtype=settings.compute_dtype)
        self.noise, self.settings = noise, settings
        self.g_optimizer = lazy_adam(settings.learning_rate, interval=settings.path_length_interval)
        self.d_optimizer = lazy_adam(settings.learning_rate, interval=settings.r1_interval)

    def _latents(self, key, batch):
        keys = parallel.example_keys(key, batch["index"])
        draw = jax.vmap(lambda one: jax.random.normal(one, (self.generator.z_dim,)))
        return draw(keys), jax.vmap(lambda one: jax.random.fold_in(one, 1))(keys)

    def _functions(self, key, batch, state) -> GanFunctions:
        """Networks with style mixing (one cutoff per batch), random noise and augmentation per example."""
        generator = self.generator
        _, noise_key, other_key = jax.random.split(key, 3)
        other_z, _ = self._latents(other_key, batch)
        noise_keys = parallel.example_keys(noise_key, batch["index"])

        def mapping(params, z):
            w = generator.apply({"params": params}, z, method=Generator.map)
            # Only as many second latents as there are first ones: path length uses half a batch.
            second = generator.apply({"params": params}, other_z[: z.shape[0]], method=Generator.map)
            return self._ws(params, w, second, key, batch, state), w

        def synthesis(params, ws):
            variables = {"params": params, "noise": self.noise}
            keys = noise_keys[: ws.shape[0]]
            return generator.apply(variables, ws, noise="random", key=keys, method=Generator.synthesis)

        def score(params, images):
            return self.discriminator.apply({"params": params}, self._augmented(images, key, batch, state))

        return GanFunctions(mapping, synthesis, score)

    def _ws(self, params, first_w, second_w, key, batch, state):
        """ws [b num_ws w] of two contents [b w], mixed where `key` says so."""
        cut_key, choice_key = jax.random.split(jax.random.split(key, 3)[0])
        cutoff = jax.random.randint(cut_key, (), self.first_cut, self.generator.num_ws)
        mixed = jax.random.uniform(choice_key) < self.settings.style_mixing
        cutoff = jnp.where(mixed, cutoff, self.generator.num_ws)
        first_rows = jnp.arange(self.generator.num_ws)[None, :, None] < cutoff
        return jnp.where(first_rows, first_w[:, None], second_w[:, None])

    def _augmented(self, images, key, batch, state):
        """What the discriminator sees; one draw serves the real and the generated image of an example."""
        settings = self.settings.augment
        if not (settings.adaptive or settings.probability):
            return images
        keys = parallel.example_keys(jax.random.fold_in(key, 11), batch["index"])
        return augment(images, state.get("augment_p", settings.probability), keys=keys)

    def _update(self, state, name, gradients):
        optimizer = self.g_optimizer if name == "g" else self.d_optimizer
        gradients = parallel.mean(gradients)
        updates, moments = optimizer.update(gradients, state[f"{name}_optimizer"], state[name])
        if decay := self.settings.decay:
            total = self.settings.num_steps * self.settings.batch_size
            rate = falling_rate(state["images_seen"], total_images=total, decay=decay)
            updates = jax.tree.map(lambda update: rate * update, updates)
        return state | {name: optax.apply_updates(state[name], updates), f"{name}_optimizer": moments}

    def _track_w(self, state, w):
        return state | {"w_avg": update_w_avg(state["w_avg"], jax.lax.stop_gradient(w), mean=_batch_mean)}

    def g_main(self, state, batch, *, key):
        """Non-saturating loss of the generator."""
        z, _ = self._latents(key, batch)
        functions = self._functions(jax.random.fold_in(key, 7), batch, state)
        (loss, aux), gradients = jax.value_and_grad(adversarial.g_main, has_aux=True)(
            state["g"], state["d"], functions, z
        )
        state = self._track_w(self._update(state, "g", gradients), aux["w"])
        return state, parallel.mean({"loss_g": loss, "logits_fake": jnp.mean(aux["logits"])})

    def g_reg(self, state, batch, *, key):
        """Path-length regularisation on the first half of the batch, weighted for its interval."""
        settings = self.settings
        half = max(batch["index"].shape[0] // 2, 1)
        z, pixel_keys = self._latents(key, batch)
        size = self.generator.resolution
        pixels = jax.vmap(lambda one: jax.random.normal(one, (size, size, 3)))(pixel_keys[:half])
        functions = self._functions(jax.random.fold_in(key, 7), batch, state)

        def loss(params):
            penalty, aux = adversarial.g_reg(
                params, functions, z[:half], pixels, state["path_length_mean"], mean=_batch_mean
            )
            return penalty * settings.path_length_weight * settings.path_length_interval, (penalty, aux)

        gradients, (penalty, aux) = jax.grad(loss, has_aux=True)(state["g"])
        state = self._track_w(self._update(state, "g", gradients), aux["w"])
        state |= {"path_length_mean": aux["running_mean"]}
        return state, {"path_length_penalty": penalty, "path_length": aux["running_mean"]}

    def d_main(self, state, batch, *, key):
        """Logistic loss of the discriminator; its signs of real images steer an adaptive augmentation."""
        z, _ = self._latents(key, batch)
        functions = self._functions(jax.random.fold_in(key, 7), batch, state)
        (loss, aux), gradients = jax.value_and_grad(adversarial.d_main, has_aux=True)(
            state["d"], state["g"], functions, z, _reals(batch)
        )
        state = self._track_w(self._update(state, "d", gradients), aux["w"])
        metrics = parallel.mean({"loss_d": loss, "logits_real": jnp.mean(aux["real_logits"])})
        if self.settings.augment.adaptive:
            sign = _batch_mean(jnp.sign(aux["real_logits"]))
            state |= adapt(state, sign, self.settings.augment, self.settings.batch_size)
            metrics |= {"sign_real": sign, "augment_p": state["augment_p"]}
        return state, metrics

    def d_reg(self, state, batch, *, key):
        """R1 on real images, weighted for its interval."""
        settings = self.settings
        functions = self._functions(key, batch, state)

        def loss(params):
            penalty = adversarial.r1_penalty(partial(functions.score, params), _reals(batch))
            return penalty * 0.5 * settings.r1_gamma * settings.r1_interval, penalty

        gradients, penalty = jax.grad(loss, has_aux=True)(state["d"])
        return self._update(state, "d", gradients), parallel.mean({"r1": penalty})

    def average(self, state, batch, *, key):
        """Move the averaged generator and count the images."""
        settings = self.settings
        decay = average_decay(
            settings.batch_size,
            state["images_seen"],
            half_life=settings.ema_half_life,
            rampup=settings.ema_rampup,
        )
        seen = state["images_seen"] + settings.batch_size
        return state | {"ema": moving_average(state["ema"], state["g"], decay), "images_seen": seen}, {}


def _reals(batch) -> jax.Array:
    return batch["real"].astype(jnp.float32) / 127.5 - 1.0


def make_step_at(phases: Phases, settings: Settings, mesh) -> Callable[[int], Callable]:
    """``step_at(i)`` for :class:`~ganverse_jax.runtime.loop.Loop`: the phases that are due at step ``i``."""
    names = ("g_main", "g_reg", "d_main", "d_reg", "average")
    compiled = {name: parallel.data_parallel(getattr(phases, name), mesh) for name in names}
    intervals = {"g_reg": settings.path_length_interval, "d_reg": settings.r1_interval}

    def step_at(index: int) -> Callable:
        due = [name for name in names if index % intervals.get(name, 1) == 0]
        if not settings.path_length_weight:
            due = [name for name in due if name != "g_reg"]

        def step(state, batch, *, key):
            metrics = {}
            for number, name in enumerate(due):
                state, values = compiled[name](state, batch, key=jax.random.fold_in(key, number))
                metrics |= values
            return state, metrics

        return step

    return step_at

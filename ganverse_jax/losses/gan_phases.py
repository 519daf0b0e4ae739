"""The four phases of a StyleGAN2 step as pure losses of the parameters, shared by training and tests.

Each phase takes `GanFunctions`, three callables, so style mixing, noise and truncation stay the
caller's business. Every loss is unweighted: multiply by the path-length weight, by gamma / 2 and by
the lazy interval outside.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ganverse_jax.losses.adversarial import (
    d_logistic,
    g_nonsaturating,
    path_length_penalty,
    path_lengths,
    r1_penalty,
)


class GanFunctions(NamedTuple):
    """What the phases call.

    map(g_params, z) -> (ws [b num_ws w], w [b w]); synthesis(g_params, ws) -> images [b h w 3];
    score(d_params, images) -> logits [b].
    """

    map: Callable
    synthesis: Callable
    score: Callable


def plain_functions(generator, discriminator, noise_buffers, *, noise="const", key=None):
    """`GanFunctions` of the two modules without style mixing; `noise_buffers` is the "noise" collection."""

    def map_(params, z):
        w = generator.apply({"params": params}, z, method="map")
        return generator.broadcast(w), w

    def synthesis(params, ws):
        variables = {"params": params, "noise": noise_buffers}
        return generator.apply(variables, ws, noise=noise, key=key, method="synthesis")

    def score(params, images):
        return discriminator.apply({"params": params}, images)

    return GanFunctions(map_, synthesis, score)


def g_main(g_params, d_params, functions, z, *, mean=jnp.mean):
    """Non-saturating loss of z [b z]; gives (loss, {"logits": [b], "w": [b w]})."""
    ws, w = functions.map(g_params, z)
    logits = functions.score(d_params, functions.synthesis(g_params, ws))
    return g_nonsaturating(logits, mean=mean), {"logits": logits, "w": w}


def g_reg(g_params, functions, z, pixel_noise, running_mean, *, decay=0.01, mean=jnp.mean):
    """Path-length penalty of z [b z], noise [b h w c]; gives (penalty, {"running_mean", "lengths", "w"})."""
    ws, w = functions.map(g_params, z)
    lengths = path_lengths(lambda rows: functions.synthesis(g_params, rows), ws, pixel_noise)
    penalty, updated = path_length_penalty(lengths, running_mean, decay=decay, mean=mean)
    return penalty, {"running_mean": updated, "lengths": lengths, "w": w}


def d_main(d_params, g_params, functions, z, reals, *, mean=jnp.mean):
    """Logistic loss of generated and real images, each its own minibatch for the stddev layer.

    Gives (loss, {"fake_logits", "real_logits", "w"}).
    """
    ws, w = functions.map(g_params, z)
    fakes = jax.lax.stop_gradient(functions.synthesis(g_params, ws))
    fake_logits, real_logits = functions.score(d_params, fakes), functions.score(d_params, reals)
    return d_logistic(real_logits, fake_logits, mean=mean), {
        "fake_logits": fake_logits,
        "real_logits": real_logits,
        "w": w,
    }


def d_reg(d_params, functions, reals, *, mean=jnp.mean):
    """R1 penalty on real images [b h w c]; the training loss is gamma / 2 times it."""
    return r1_penalty(lambda images: functions.score(d_params, images), reals, mean=mean)

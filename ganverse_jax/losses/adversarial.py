"""Losses of a StyleGAN2 training (arXiv:1912.04958), and the phases of its step made of them: pure functions
giving unweighted scalars.

The phases take `GanFunctions`, so style mixing, noise and augmentation stay the caller's business. The
path-length weight, gamma / 2 of R1 and the lazy intervals are multiplied outside.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp


class GanFunctions(NamedTuple):
    """What the phases call.

    map(g_params, z) -> (ws [b num_ws w], w [b w]); synthesis(g_params, ws) -> images [b h w 3];
    score(d_params, images) -> logits [b].
    """

    map: Callable
    synthesis: Callable
    score: Callable


def g_nonsaturating(fake_logits):
    """mean softplus(-D(G(z))) over logits [b] (Goodfellow et al., arXiv:1406.2661)."""
    return jnp.mean(jax.nn.softplus(-fake_logits))


def d_logistic(real_logits, fake_logits):
    """mean softplus(D(G(z))) + mean softplus(-D(x)) over logits [b]."""
    return jnp.mean(jax.nn.softplus(fake_logits)) + jnp.mean(jax.nn.softplus(-real_logits))


def r1_penalty(score, images):
    """mean over the batch of |d sum(score) / d image|^2, images [b h w c] (R1, arXiv:1801.04406).

    `score(images)` gives logits [b]. The training loss is gamma / 2 times this.
    """
    gradients = jax.grad(lambda x: jnp.sum(score(x)))(images)
    return jnp.mean(jnp.sum(gradients**2, axis=(1, 2, 3)))


def path_lengths(render, ws, pixel_noise):
    """sqrt(mean over rows of |d <image, y> / d ws|^2) for ws [b num_ws w]: [b].

    y is `pixel_noise` [b h w c], standard normal, over sqrt(h w); `render(ws)` gives images
    (section 3.2, arXiv:1912.04958, as in the official code).
    """
    _, height, width, _ = pixel_noise.shape
    y = pixel_noise / jnp.sqrt(float(height * width))
    gradients = jax.grad(lambda rows: jnp.sum(render(rows) * y))(ws)
    return jnp.sqrt(jnp.mean(jnp.sum(gradients**2, axis=2), axis=1))


def path_length_penalty(lengths, running_mean, *, decay=0.01, mean=jnp.mean):
    """mean (length - a)^2 over lengths [b], with a the updated running mean; gives (penalty, a).

    a = running_mean + decay (mean(lengths) - running_mean). The gradient flows through a, as in the
    official code; the returned a is detached. `mean` must average over devices when there are several.
    """
    updated = running_mean + decay * (mean(lengths) - running_mean)
    return mean((lengths - updated) ** 2), jax.lax.stop_gradient(updated)


def g_main(g_params, d_params, functions, z):
    """Non-saturating loss of z [b z]; gives (loss, {"logits": [b], "w": [b w]})."""
    ws, w = functions.map(g_params, z)
    logits = functions.score(d_params, functions.synthesis(g_params, ws))
    return g_nonsaturating(logits), {"logits": logits, "w": w}


def g_reg(g_params, functions, z, pixel_noise, running_mean, *, mean=jnp.mean):
    """Path-length penalty of z [b z], noise [b h w c]; gives (penalty, {"running_mean", "lengths", "w"})."""
    ws, w = functions.map(g_params, z)
    lengths = path_lengths(lambda rows: functions.synthesis(g_params, rows), ws, pixel_noise)
    penalty, updated = path_length_penalty(lengths, running_mean, mean=mean)
    return penalty, {"running_mean": updated, "lengths": lengths, "w": w}


def d_main(d_params, g_params, functions, z, reals):
    """Logistic loss of generated and real images, each its own minibatch for the stddev layer.

    Gives (loss, {"real_logits": [b], "w": [b w]}).
    """
    ws, w = functions.map(g_params, z)
    fakes = jax.lax.stop_gradient(functions.synthesis(g_params, ws))
    fake_logits, real_logits = functions.score(d_params, fakes), functions.score(d_params, reals)
    return d_logistic(real_logits, fake_logits), {"real_logits": real_logits, "w": w}

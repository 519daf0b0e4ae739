"""Losses of a StyleGAN2 training (arXiv:1912.04958): pure functions giving unweighted scalars.

`mean` averages over the batch; a data-parallel step may pass one that also averages over devices.
"""

import jax
import jax.numpy as jnp


def g_nonsaturating(fake_logits, *, mean=jnp.mean):
    """mean softplus(-D(G(z))) over logits [b] (Goodfellow et al., arXiv:1406.2661)."""
    return mean(jax.nn.softplus(-fake_logits))


def d_logistic(real_logits, fake_logits, *, mean=jnp.mean):
    """mean softplus(D(G(z))) + mean softplus(-D(x)) over logits [b]."""
    return mean(jax.nn.softplus(fake_logits)) + mean(jax.nn.softplus(-real_logits))


def r1_penalty(score, images, *, mean=jnp.mean):
    """mean over the batch of |d sum(score) / d image|^2, images [b h w c] (R1, arXiv:1801.04406).

    `score(images)` gives logits [b]. The training loss is gamma / 2 times this.
    """
    gradients = jax.grad(lambda x: jnp.sum(score(x)))(images)
    return mean(jnp.sum(gradients**2, axis=(1, 2, 3)))


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

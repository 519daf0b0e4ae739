"""Adam with lazy regularisation, and the moving average of the generator."""

import jax
import jax.numpy as jnp
import optax


def lazy_adam(learning_rate, betas=(0.0, 0.99), interval=None):
    """Adam whose settings allow for one extra regularisation step every `interval` steps.

    With c = interval / (interval + 1): learning rate * c and betas ** c (appendix B,
    arXiv:1912.04958). Main and regularisation phases are steps of the one state. `interval` None
    is plain Adam. epsilon 1e-8 is added outside the root, after bias correction.
    """
    c = 1.0 if interval is None else interval / (interval + 1)
    return optax.adam(learning_rate * c, b1=betas[0] ** c, b2=betas[1] ** c, eps=1e-8)


def falling_rate(images_seen, *, total_images, decay):
    """Factor of the learning rate: 1, falling linearly to 0 over the last fraction `decay` of all images.

    Not in the original, whose rate is constant. A short run wants a high rate, and this settles it.
    """
    left = 1.0 - images_seen / total_images
    return jnp.clip(left / decay, 0.0, 1.0)


def average_decay(batch_size, images_seen, *, half_life, rampup=None):
    """Decay of one averaging step: 0.5 ** (batch / half-life), all counted in images.

    With `rampup` the half-life is at most rampup * images_seen, counted before this batch, so the
    average follows closely at the start (stylegan2-ada).
    """
    if rampup is not None:
        half_life = jnp.minimum(half_life, images_seen * rampup)
    return 0.5 ** (batch_size / jnp.maximum(half_life, 1e-8))


def moving_average(average, current, decay):
    """current + decay * (average - current), for whole parameter trees."""
    return jax.tree.map(lambda a, c: c + decay * (a - c), average, current)

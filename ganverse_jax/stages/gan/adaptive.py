"""How strongly the GAN stage augments what its discriminator sees: a fixed or an adaptive probability."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class AugmentSettings(NamedTuple):
    """Settings `gan.augment`: the probability p of :func:`ganverse_jax.data.images.gan_augment.augment`.

    probability: p, or where an adaptive p begins; with 0 and not adaptive nothing is augmented. Every
    `interval` steps an adaptive p takes one step up if the mean sign of the discriminator's logits of real
    images since the last one exceeds `target`, else down, so large that p needs `ramp` images from 0 to 1
    (Sec. 3, arXiv:2006.06676; its values are the defaults).
    """

    adaptive: bool = False
    probability: float = 0.0
    target: float = 0.6
    interval: int = 4
    ramp: int = 500_000


def check_augment(settings: AugmentSettings) -> None:
    """Raise ValueError that names a setting out of its range."""
    ranges = {
        "probability": (0 <= settings.probability <= 1, "a number from 0 to 1"),
        "target": (-1 < settings.target < 1, "a mean sign between -1 and 1; the paper's is 0.6"),
        "interval": (settings.interval >= 1, "1 step or more"),
        "ramp": (settings.ramp >= 1, "1 image or more; the paper's is 500000"),
    }
    for name, (valid, remedy) in ranges.items():
        if not valid:
            raise ValueError(f"gan.augment.{name} = {getattr(settings, name)}; set it to {remedy}")


def initial_adaptive(settings: AugmentSettings) -> dict[str, Any]:
    """What an adaptive p adds to the training state: itself, and the sum of signs since its last step."""
    if not settings.adaptive:
        return {}
    return {"augment_p": jnp.float32(settings.probability), "augment_signs": jnp.zeros(())}


def adapt(
    state: dict[str, Any], sign: jax.Array, settings: AugmentSettings, batch_size: int
) -> dict[str, Any]:
    """The two entries of `state` after one more training step, whose mean sign was `sign`."""
    signs = state["augment_signs"] + sign
    due = (state["images_seen"] // batch_size + 1) % settings.interval == 0
    stride = settings.interval * batch_size / settings.ramp
    p = state["augment_p"] + stride * jnp.sign(signs / settings.interval - settings.target)
    return {
        "augment_p": jnp.where(due, jnp.clip(p, 0.0, 1.0), state["augment_p"]),
        "augment_signs": jnp.where(due, 0.0, signs),
    }

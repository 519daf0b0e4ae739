"""How strongly the GAN stage augments what its discriminator sees: a fixed or an adaptive probability."""

from typing import Any

import jax
import jax.numpy as jnp

from ganverse_jax.stages.gan.settings import Augment


def initial_adaptive(settings: Augment) -> dict[str, Any]:
    """What an adaptive p adds to the training state: itself, and the sum of signs since its last step."""
    if not settings.adaptive:
        return {}
    return {"augment_p": jnp.float32(settings.probability), "augment_signs": jnp.zeros(())}


def adapt(state: dict[str, Any], sign: jax.Array, settings: Augment, batch_size: int) -> dict[str, Any]:
    """The two entries of `state` after one more training step, whose mean sign was `sign`."""
    signs = state["augment_signs"] + sign
    due = (state["images_seen"] // batch_size + 1) % settings.interval == 0
    stride = settings.interval * batch_size / settings.ramp
    p = state["augment_p"] + stride * jnp.sign(signs / settings.interval - settings.target)
    return {
        "augment_p": jnp.where(due, jnp.clip(p, 0.0, 1.0), state["augment_p"]),
        "augment_signs": jnp.where(due, 0.0, signs),
    }

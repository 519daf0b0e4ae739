"""The phases of a GAN step whose generator takes a camera (round two of the loop).

Each content is drawn from a camera of its own, and half of them from another one besides. To the adversarial
loss come a pose term, the camera against what a frozen network reads off the picture, and the first two terms
of Eq. 6 (arXiv:2010.09125) across cameras: shape and texture that a frozen inverse graphics network reads off
the two pictures of one content must agree.
"""

import jax
import jax.numpy as jnp

from ganverse_jax.losses.adversarial import g_nonsaturating
from ganverse_jax.losses.cycle import squared_distance
from ganverse_jax.models.stylegan2.camera_input import CameraInput
from ganverse_jax.runtime import parallel
from ganverse_jax.stages.gan.settings import Settings
from ganverse_jax.stages.gan.step import Phases
from ganverse_jax.stages.gan.teacher import Teacher


class CameraPhases(Phases):
    """`Phases` with cameras; teacher: what reads pictures, frozen."""

    def __init__(
        self, generator, discriminator, noise, settings: Settings, camera: CameraInput, teacher: Teacher
    ):
        super().__init__(generator, discriminator, noise, settings)
        self.camera, self.teacher = camera, teacher
        self.first_cut = camera.layers + 1

    def _cameras(self, key, batch) -> jax.Array:
        """A camera [b 2] for every example: one of a real picture's, jittered."""
        table, spread = jnp.asarray(self.camera.cameras), jnp.radians(self.settings.camera.jitter_degrees)

        def draw(one):
            row_key, jitter_key = jax.random.split(one)
            row = jax.random.randint(row_key, (), 0, len(table))
            return table[row] + spread * jax.random.normal(jitter_key, (2,))

        return jax.vmap(draw)(parallel.example_keys(jax.random.fold_in(key, 21), batch["index"]))

    def _ws(self, params, first_w, second_w, key, batch, state):
        content = super()._ws(params, first_w, second_w, key, batch, state)
        view = self.camera.codes(params, self._cameras(key, batch)[: len(first_w)])
        return self.camera.ws(view, content, state["w_avg"])

    def g_main(self, state, batch, *, key):
        """Non-saturating loss, pose term, and agreement of half the contents' two pictures."""
        z, _ = self._latents(key, batch)
        function_key, other_key = jax.random.fold_in(key, 7), jax.random.fold_in(key, 22)
        functions = self._functions(function_key, batch, state)
        half = max(len(z) // 2, 1)
        cameras = self._cameras(function_key, batch)
        others = self._cameras(other_key, batch)[:half]
        weights = self.settings.camera

        def loss(params):
            ws, w = functions.map(params, z)
            turned = self._turned(params, ws[:half], cameras[:half], others)
            images = functions.synthesis(params, ws)
            # Apart from the others: the discriminator's minibatch statistics would ask twins to differ.
            twins = functions.synthesis(params, turned)
            logits = functions.score(state["d"], images)
            everything = jnp.concatenate([images, twins])
            pose = self.teacher.pose_error(everything, jnp.concatenate([cameras, others]))
            read = self.teacher.read(jnp.concatenate([images[:half], twins]))
            terms = {"pose": pose}
            for name, value in read.items():
                terms[name] = squared_distance(value[:half], value[half:]) / self.teacher.scales[name]
            total = g_nonsaturating(logits) + sum(
                getattr(weights, f"{name}_weight") * value for name, value in terms.items()
            )
            return total, ({"loss_g": g_nonsaturating(logits), "logits_fake": logits.mean()} | terms, w)

        gradients, (metrics, w) = jax.grad(loss, has_aux=True)(state["g"])
        return self._track_w(self._update(state, "g", gradients), w), parallel.mean(metrics)

    def _turned(self, params, ws, before, after):
        """ws [b num_ws w] seen from cameras `before` [b 2] as they are seen from `after`."""
        difference = self.camera.codes(params, after) - self.camera.codes(params, before)
        return self.camera.ws(difference, ws, 0.0)

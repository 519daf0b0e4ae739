"""The training step of inverse graphics of configs/car.py, on random weights, pictures and the masks of an
ellipsoid: what inverse_graphics.py times and communication.py counts.

`Scale` says at which size: the paper's, 512 x 384 and the config's network; or a small one, to try things.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

import rasterizer
from configs import car
from ganverse_jax import stages
from ganverse_jax.models.features.lpips import LPIPS, SMALLEST
from ganverse_jax.models.features.perceptual import lpips_perceptual
from ganverse_jax.models.inverse_graphics.network import Encoder, InverseGraphics, TextureHead
from ganverse_jax.pipeline.settings import plain
from ganverse_jax.runtime import parallel
from ganverse_jax.scene.cameras import initial_cameras, select_cameras
from ganverse_jax.stages.inverse_graphics import step as ig_step
from ganverse_jax.stages.inverse_graphics.settings import Settings
from ganverse_jax.stages.inverse_graphics.stage import init_network

EXPERIMENT = stages.experiment_of(car.get_config().to_dict())
FOV_Y = float(np.radians(EXPERIMENT.world.fov_degrees))
VIEWS = EXPERIMENT.stages["viewpoints"].num_views
TOP, BOTTOM = EXPERIMENT.stages["gan"].crop
VERTICES_LEVEL = {42: 1, 642: 3, 2562: 4}
SMALL_NETWORK = dict(
    encoder_width=8, encoder_blocks=(1, 1), code_size=16, shape_hidden=16, texture_size=8,
    texture_channels=(4,),
)  # fmt: skip


class Scale(NamedTuple):
    """size: height and width of pictures; changes: of the config's network; settings: of the stage."""

    size: tuple[int, int]
    changes: dict
    settings: Settings

    def network(self, vertices, dtype="float32"):
        """The config's network on another mesh and in another precision."""
        own = self.changes | {"icosphere_level": VERTICES_LEVEL[vertices], "compute_dtype": dtype}
        return InverseGraphics(**plain(self.settings.network) | own)


def scale_of(small=False, **changes):
    """The paper's or a small one; changes: of the stage's settings."""
    settings = dataclasses.replace(EXPERIMENT.stages["inverse_graphics"], **changes)
    return Scale((32, 32), SMALL_NETWORK, settings) if small else Scale((BOTTOM - TOP, 512), {}, settings)


def starting_state(scale, network):
    """Random weights, and cameras in the 12 bins by turns."""
    cameras = initial_cameras(np.arange(VIEWS) % 12, EXPERIMENT.world.distance)
    params = {"network": init_network(network, scale.size, 0), "cameras": cameras}
    return ig_step.initial_state(params, ig_step.make_optimizer(scale.settings))


def random_perceptual(settings):
    """The config's perceptual distance on random weights."""
    if settings.perceptual.source != "lpips":
        raise ValueError(f"configs/car.py has another perceptual term, {settings.perceptual}; time that")
    picture = np.zeros((1, SMALLEST, SMALLEST, 3), np.float32)
    params = jax.jit(LPIPS().init)(jax.random.key(0), picture, picture)["params"]
    return lpips_perceptual(params, settings.perceptual_at_once)


def batch_shapes(scale, batch):
    """Shapes and types of a batch, as the stage's step takes it."""
    shapes = {"images": (batch, 2, *scale.size, 3), "masks": (batch, 2, *scale.size), "views": (batch, 2)}
    return {
        name: jax.ShapeDtypeStruct(shape, np.int32 if name == "views" else np.uint8)
        for name, shape in shapes.items()
    }


def random_batch(scale, batch):
    """Random pictures, and the masks of an ellipsoid as long as a car seen from each view."""
    rng, template = np.random.default_rng(0), InverseGraphics(template_scale=(0.45, 0.4, 0.95)).template
    views = np.arange(2 * batch, dtype=np.int32) % VIEWS
    cameras = initial_cameras(np.arange(VIEWS) % 12, EXPERIMENT.world.distance)
    vertices = np.broadcast_to(template.vertices, (2 * batch, *template.vertices.shape))
    texture = np.ones((2 * batch, 1, 1, 3), np.float32)
    mesh = vertices, template.faces, template.uv, template.uv_faces, texture
    rendered = rasterizer.render(*mesh, select_cameras(cameras, views, FOV_Y), *scale.size)
    masks = np.asarray(255 * rendered.mask[..., 0], np.uint8)
    images = rng.integers(0, 256, (batch, 2, *scale.size, 3), np.uint8)
    return {"images": images, "masks": masks.reshape(batch, 2, *scale.size), "views": views.reshape(batch, 2)}


def make_step(scale, network, is_late, num_devices=1):
    """The stage's step, jitted, by position: (state, batch, key)."""
    # The perceptual term from the first step on, or not at all.
    settings = dataclasses.replace(scale.settings, perceptual_start=0)
    made = ig_step.make_step_at(
        network, ig_step.make_optimizer(settings), parallel.data_mesh(num_devices), settings, fov_y=FOV_Y,
        perceptual=random_perceptual(settings) if is_late else None,
    )  # fmt: skip
    return jax.jit(lambda state, batch, key: made(0)(state, batch, key=key), donate_argnums=0)


def lowered_step(scale, vertices, is_late, batch, dtype="float32", num_devices=1):
    """The step for shapes alone: nothing is allocated."""
    network = scale.network(vertices, dtype)
    state = jax.eval_shape(lambda: starting_state(scale, network))
    step = make_step(scale, network, is_late, num_devices)
    return step.lower(state, batch_shapes(scale, batch), jax.eval_shape(lambda: jax.random.key(0)))


def parts(scale, network, batch):
    """name: (function, operands) of the step's parts; gradients are with respect to the first operand."""
    state, data = starting_state(scale, network), random_batch(scale, batch)
    params, optimizer, perceptual = (
        state["params"]["network"],
        ig_step.make_optimizer(scale.settings),
        random_perceptual(scale.settings),
    )
    dtype = jnp.bfloat16 if network.compute_dtype == "bfloat16" else None
    images = data["images"].reshape(-1, *scale.size, 3).astype(np.float32) / 255
    masks = data["masks"].reshape(-1, *scale.size, 1).astype(np.float32) / 255
    camera = select_cameras(state["params"]["cameras"], data["views"].reshape(-1), FOV_Y)
    encoder = Encoder(network.encoder_width, network.encoder_blocks, dtype)
    texture = TextureHead(network.texture_size, network.texture_channels, network.symmetric, dtype)
    code, colour = np.ones((batch, network.code_size), np.float32), np.full((batch, 3), 0.5, np.float32)
    prediction = jax.jit(network.apply)({"params": params}, images[::2], masks[::2])

    def draw(made):
        rendered = ig_step.render_prediction(network, prediction._replace(**made), camera, scale.size)
        return rendered.rgb, rendered.mask

    def update(gradient, state):
        updates, moments = optimizer.update(gradient, state["optimizer"], state["params"])
        return optax.apply_updates(state["params"], updates), moments

    seen = np.concatenate([images[::2], masks[::2]], axis=-1)
    made = {"vertices": prediction.vertices, "texture": prediction.texture}
    yield "encoder", lambda p, x: encoder.apply({"params": p}, x), (params["encoder"], seen)
    yield (
        "texture head",
        lambda p, *x: texture.apply({"params": p}, *x),
        (params["texture"], code, colour),
    )
    yield "render of both views", draw, (made,)
    yield "perceptual", lambda fake, *x: perceptual(x[0], fake, x[1]), (masks * images, images, masks)
    yield "optimizer", update, (state["params"], state)

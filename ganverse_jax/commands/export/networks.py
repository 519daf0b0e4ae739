"""Trained networks as pure functions of named arrays, with what each input and output means."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from ganverse_jax.commands.reconstruct.networks import load_framed
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.stylegan2.networks import Generator
from ganverse_jax.models.stylegan2.stored import LoadedGenerator, arguments_of
from ganverse_jax.models.stylegan_r.neural_renderer import NeuralRenderer, make_synthesise, render_codes
from ganverse_jax.scene.cameras import as_cameras, camera_records

_PICTURE, _MASK = "colours in [0, 1], row 0 on top", "the object's mask in [0, 1]"
_TEXTURE = "UV map in [0, 1], row 0 is v = 1"


class Signal(NamedTuple):
    """One input or output, float32: its shape behind the batch, and what it means."""

    shape: tuple[int, ...]
    meaning: str


class Network(NamedTuple):
    """apply(params, *inputs [b ...]) -> {name: [b ...]}; params: a nested dict of arrays; inputs: in order.

    settings: what rebuilds the network, for config.json. meanings: of the outputs.
    """

    name: str
    title: str
    apply: Callable[..., dict[str, Any]]
    params: dict[str, Any]
    inputs: dict[str, Signal]
    meanings: dict[str, str]
    settings: dict[str, Any]


class TrainedInverseGraphics(NamedTuple):
    """An inverse graphics network to predict with, its parameters, and the cameras it learned."""

    module: InverseGraphics
    params: Mapping[str, Any]
    metadata: dict[str, Any]
    cameras: dict[str, np.ndarray]
    camera_records: list[dict[str, Any]]
    size: tuple[int, int]

    @property
    def fov_y(self) -> float:
        """Vertical field of view in radians."""
        return float(np.radians(self.metadata["fov_degrees"]))


def load_inverse_graphics(folder: Path) -> TrainedInverseGraphics:
    """Of the stage's folder. Raises as `load_framed`."""
    module, params, metadata = load_framed(folder)
    # A texture flow samples the picture: in plain JAX, as our kernels are not part of an artefact.
    module = module.clone(sampler="xla")
    size = tuple(metadata["framing"]["size"])
    cameras = as_cameras(params["cameras"]), camera_records(params["cameras"])
    return TrainedInverseGraphics(module, params["network"], metadata, *cameras, size)


def inverse_graphics(trained: TrainedInverseGraphics) -> Network:
    """Picture and mask to mesh and texture: no rasterizer in its forward pass."""
    module = trained.module

    def apply(params, image, mask):
        found = module.apply({"params": params}, image, mask)
        named = {"vertices": found.vertices, "texture": found.texture}
        more = {"light": found.light, "flow": found.flow}
        return named | {name: value for name, value in more.items() if value is not None}

    meanings = {
        "vertices": "positions in the object's frame (right-handed, +y up, front +z); faces: template.npz",
        "texture": _TEXTURE,
        "light": "spherical-harmonics coefficients in the object's frame, grey",
        "flow": "where in the picture each texel was read (x right, y up, [-1, 1])",
    }
    given = {"image": Signal((*trained.size, 3), _PICTURE), "mask": Signal((*trained.size, 1), _MASK)}
    settings = {
        "network": {name: value for name, value in arguments_of(module).items() if name != "sampler"},
        "framing": trained.metadata["framing"],
        "fov_degrees": trained.metadata["fov_degrees"],
        "cameras": trained.camera_records,
        "made_of_gan": trained.metadata.get("fingerprint"),
    }
    title = "Picture to textured mesh (inverse graphics network)"
    return Network("inverse_graphics", title, apply, dict(trained.params), given, meanings, settings)


def generator(gan: LoadedGenerator, crop: tuple[int, int] | None) -> Network:
    """Content and view to picture, of codes z or, where the generator takes one, a camera.

    crop: rows (top, bottom) that hold the picture.
    """
    module, rows = gan.module, slice(*(crop or (0, gan.module.resolution)))

    def apply(params, content, view, truncation):
        variables, w_avg = {"params": params["params"], "noise": params["noise"]}, params["w_avg"]

        def w_of(z):
            w = module.apply(variables, z, method=Generator.map)
            return w_avg + truncation * (w - w_avg)

        turned = gan.camera and gan.camera.codes(params["params"], view)
        styles = gan._replace(w_avg=w_avg).mixed_styles(
            variables, w_of(view) if turned is None else turned, w_of(content)
        )
        image = module.apply(variables, styles, method=Generator.from_styles)
        return {"image": jnp.clip(0.5 * (image[:, rows] + 1.0), 0.0, 1.0)}

    view = Signal((module.z_dim,), "standard normal code z of the view (equal to content: a plain sample)")
    if gan.camera is not None:
        view = Signal((2,), "azimuth and elevation in radians")
    given = {
        "content": Signal((module.z_dim,), "standard normal code z of the content"),
        "view": view,
        "truncation": Signal((1,), "psi in [0, 1]: 1 is as trained, less is more typical"),
    }
    params = {**gan.variables, "w_avg": gan.w_avg}
    settings = {"generator": arguments_of(module), "crop": crop, "fingerprint": gan.fingerprint}
    if gan.camera is not None:
        settings["camera"] = {"layers": gan.camera.layers, "mapping_layers": gan.camera.mapping_layers}
    title = "Codes to picture (StyleGAN2 generator)"
    return Network("generator", title, apply, params, given, {"image": _PICTURE}, settings)


def stylegan_r(renderer: NeuralRenderer, trained: TrainedInverseGraphics) -> Network:
    """Camera, shape, texture and background to picture. trained: whose shapes and textures it reads."""
    synthesise = make_synthesise(renderer.generator, renderer.layout, renderer.height)

    def apply(params, camera, displacements, texture, background_image, background_mask):
        weights = {"mapper": params["mapper"], "generator": params["generator"]}
        columns = tuple(camera[:, i] for i in range(3))
        background = background_image, background_mask
        drawn, _ = render_codes(
            renderer.mapper, synthesise, weights, params, columns, displacements, texture, *background
        )
        return {"image": jnp.clip(drawn, 0.0, 1.0)}

    rows = trained.module.texture_size
    heeded = "" if renderer.mapper.takes_distance else ", which this generator does not heed"
    given = {
        "camera": Signal((3,), f"azimuth and elevation in radians, distance in the object's units{heeded}"),
        "displacements": Signal(
            (len(trained.module.template.vertices), 3), "vertices minus the template's (inverse graphics)"
        ),
        "texture": Signal((rows, 2 * rows, 3), _TEXTURE),
        "background_image": Signal((*trained.size, 3), f"picture whose background is taken: {_PICTURE}"),
        "background_mask": Signal((*trained.size, 1), "that picture's object, in [0, 1]"),
    }
    settings = {
        "mapper": arguments_of(renderer.mapper),
        "generator": arguments_of(renderer.generator.module),
        "code": {"names": renderer.layout.names, "height": renderer.height},
    }
    title = "Camera, shape, texture and background to picture (StyleGAN-R)"
    params = {**renderer.params, **renderer.constants}
    return Network("stylegan_r", title, apply, params, given, {"image": _PICTURE}, settings)

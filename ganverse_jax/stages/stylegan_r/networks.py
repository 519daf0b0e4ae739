"""The frozen networks that StyleGAN-R is trained and measured with.

The mask of a synthesised image, needed to read its background and to run inverse graphics on it, comes from
the segmenter ("segment"), or is the DIB-R silhouette of the shape that was fed in, from the same camera
("render"). "segment" follows what was really drawn. "render" is right only as far as the image obeys its
handles, and shows inverse graphics the outline it should find.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

import rasterizer
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.perception.segmenter import LearnedSegmenter, Segmenter
from ganverse_jax.models.stylegan2.networks import Discriminator
from ganverse_jax.models.stylegan2.stored import LoadedGenerator
from ganverse_jax.models.stylegan2.style_space import StyleLayout
from ganverse_jax.models.stylegan_r.neural_renderer import make_synthesise
from ganverse_jax.scene.cameras import unstack_cameras, unstacked_camera
from ganverse_jax.scene.meshes import PredictedMeshes, render_meshes
from ganverse_jax.stages.stylegan_r.step import CycleNetworks


@dataclasses.dataclass(frozen=True)
class TrainedInverseGraphics:
    """The network, its parameters, and the vertical field of view (radians) of its cameras."""

    module: InverseGraphics
    params: Mapping[str, Any]
    fov_y: float


def make_networks(
    generator: LoadedGenerator,
    layout: StyleLayout,
    inverse: TrainedInverseGraphics,
    segmenter: Segmenter,
    cycle_mask: str,
    height: int | None = None,
    discriminator: Discriminator | None = None,
) -> CycleNetworks:
    """The functions of `CycleNetworks`; constants: "noise", "w_avg", "inverse_graphics", "segmenter".

    cycle_mask: "segment" (of a `LearnedSegmenter`, as no other can be compiled into the step) or "render";
    height: see `make_synthesise`; discriminator: that takes part in fine-tuning.
    """
    silhouette = _silhouette(inverse)
    mask = _segmented(segmenter) if cycle_mask == "segment" else silhouette

    def predict(constants, images, masks):
        variables = {"params": constants["inverse_graphics"]}
        # Generated images leave [0, 1] by a little; the network was trained on clipped ones.
        found = inverse.module.apply(variables, jnp.clip(images, 0.0, 1.0), masks)
        return found.displacements, found.texture

    score = discriminator and _score(discriminator)
    return CycleNetworks(make_synthesise(generator, layout, height), mask, predict, silhouette, score)


def _score(discriminator: Discriminator) -> Callable:
    def score(params, images):
        bars = (discriminator.resolution - images.shape[1]) // 2  # black, as of the square it was trained on
        square = jnp.pad(images, ((0, 0), (bars, bars), (0, 0), (0, 0)))
        return discriminator.apply({"params": params}, 2.0 * square - 1.0)

    return score


def _segmented(segmenter: LearnedSegmenter) -> Callable:
    def segment(constants, images, displacements, camera):
        return segmenter.apply(constants["segmenter"], 2.0 * images - 1.0)[..., None]

    return segment


def _silhouette(inverse: TrainedInverseGraphics) -> Callable:
    template = inverse.module.template

    def silhouette(constants, images, displacements, camera):
        height, width = images.shape[1:3]
        whole = unstacked_camera(camera, jnp.full(len(images), inverse.fov_y))
        vertices = rasterizer.transform(template.vertices + displacements, whole, height, width)
        fragments = rasterizer.rasterize(vertices, template.faces, height, width)
        return (fragments.face_id >= 0).astype(images.dtype)[..., None]

    return silhouette


def make_dibr(inverse: TrainedInverseGraphics, size: tuple[int, int]) -> Callable:
    """dibr(cameras [n 3 | 5], displacements, textures) -> (colours [n h w 3], hard masks [n h w])."""
    template = inverse.module.template

    def dibr(cameras, shapes, textures):
        vertices = template.vertices + shapes
        meshes = PredictedMeshes(
            vertices, np.asarray(textures, np.float32), template.faces, template.uv, template.uv_faces
        )
        rows = np.arange(len(cameras))
        return render_meshes(meshes, rows, unstack_cameras(cameras), size, inverse.fov_y)

    return dibr

"""What StyleGAN-R takes from earlier stages: generator, examples, frozen inverse graphics, segmenter, pose
regressor.

The mask of a synthesised image, needed to read its background and to run inverse graphics on it, comes from
the segmenter ("segment"), or is the DIB-R silhouette of the shape that was fed in, from the same camera
("render"). "segment" follows what was really drawn. "render" is right only as far as the image obeys its
handles, and shows inverse graphics the outline it should find.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import rasterizer
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.evaluation.inverse_graphics import PredictedMeshes, render_meshes
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.perception.learned import resize
from ganverse_jax.models.perception.segmenter import LearnedSegmenter
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.networks import Generator
from ganverse_jax.models.stylegan2.stored import LoadedGenerator
from ganverse_jax.models.stylegan2.style_space import (
    StyleLayout,
    flatten_styles,
    split_view_content,
    style_layout,
    styles_of,
)
from ganverse_jax.models.stylegan_r.neural_renderer import make_synthesise
from ganverse_jax.pipeline.remedies import make_again
from ganverse_jax.pipeline.stage import Run
from ganverse_jax.scene.cameras import offset_vertices, stack_cameras, unstack_cameras
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics.step import predict_in_batches
from ganverse_jax.stages.multiview_dataset import stage as multiview_dataset
from ganverse_jax.stages.perception import stage as perception
from ganverse_jax.stages.stylegan_r.properties import Properties
from ganverse_jax.stages.stylegan_r.samples import draw_samples
from ganverse_jax.stages.stylegan_r.settings import Settings
from ganverse_jax.stages.stylegan_r.step import CycleNetworks
from ganverse_jax.stages.viewpoints import stage as viewpoints


@dataclasses.dataclass(frozen=True)
class Inputs:
    """generator and its keyword arguments; layout of W*; train and test examples (no
    object in both); networks and the constants they read; segment, dibr, regress for `stylegan_r_measures`
    (regress may be None: no pose regressor)."""

    generator: LoadedGenerator
    generator_settings: dict[str, Any]
    layout: StyleLayout
    train: Properties
    test: Properties
    networks: CycleNetworks
    constants: dict[str, Any]
    segment: Callable
    dibr: Callable
    regress: Callable | None


def make_networks(
    generator: LoadedGenerator,
    layout: StyleLayout,
    network: InverseGraphics,
    segmenter: LearnedSegmenter,
    fov_y: float,
    cycle_mask: str,
    height: int | None = None,
) -> CycleNetworks:
    """The functions of `CycleNetworks`; constants: "noise", "w_avg", "inverse_graphics", "segmenter".

    fov_y: vertical, radians; height: see `make_synthesise`. Raises ValueError for an unknown `cycle_mask`, or
    "segment" with a segmenter that is not a network of this code and cannot be compiled into the step.
    """
    if cycle_mask not in ("segment", "render"):
        raise ValueError(f"stylegan_r.cycle_mask is {cycle_mask!r}; set it to 'segment' or 'render'")
    if cycle_mask == "segment" and not isinstance(segmenter, LearnedSegmenter):
        raise ValueError(
            f"stylegan_r.cycle_mask is 'segment', but {type(segmenter).__name__} cannot run inside a "
            "training step; set it to 'render'"
        )
    template = network.template

    def segment(constants, images, displacements, camera):
        small = resize(2.0 * images - 1.0, segmenter.resolution, segmenter.resolution)
        masks = jax.nn.sigmoid(segmenter.module.apply({"params": constants["segmenter"]}, small))[..., None]
        return resize(masks, *images.shape[1:3])

    def silhouette(constants, images, displacements, camera):
        height, width = images.shape[1:3]
        whole = rasterizer.Camera(*camera[:3], jnp.full(len(images), fov_y))
        offset = jnp.stack(camera[3:], axis=-1) if camera[3:] else None
        vertices = offset_vertices(template.vertices + displacements, whole, offset, width / height)
        vertices = rasterizer.transform(vertices, whole, height, width)
        fragments = rasterizer.rasterize(vertices, template.faces, height, width)
        return (fragments.face_id >= 0).astype(images.dtype)[..., None]

    def predict(constants, images, masks):
        # Generated images leave [0, 1] by a little; the network was trained on clipped ones.
        found = network.apply({"params": constants["inverse_graphics"]}, jnp.clip(images, 0.0, 1.0), masks)
        return found.displacements, found.texture

    synthesise = make_synthesise(generator.module, layout, height)
    return CycleNetworks(synthesise, segment if cycle_mask == "segment" else silhouette, predict)


def make_dibr(network: InverseGraphics, size: tuple[int, int], fov_y: float) -> Callable:
    """dibr(cameras [n 3 | 5], displacements, textures) -> (colours [n h w 3], hard masks [n h w])."""
    template = network.template

    def dibr(cameras, shapes, textures):
        vertices = template.vertices + shapes
        meshes = PredictedMeshes(
            vertices, np.asarray(textures, np.float32), template.faces, template.uv, template.uv_faces
        )
        return render_meshes(meshes, np.arange(len(cameras)), unstack_cameras(cameras), size, fov_y)

    return dibr


def generator_settings(module: Generator) -> dict[str, Any]:
    """Keyword arguments that rebuild a generator."""
    names = (field.name for field in dataclasses.fields(module) if field.name not in ("parent", "name"))
    return {name: getattr(module, name) for name in names}


def style_codes(generator: LoadedGenerator, layout: StyleLayout, w: np.ndarray) -> np.ndarray:
    """Flat codes W* [n s] of w [n w_dim], each driving every layer."""
    draw = jax.jit(lambda variables, w: flatten_styles(styles_of(generator.module, variables, w), layout))
    return np.asarray(draw(generator.variables, np.asarray(w, np.float32)))


def assemble(
    generator: LoadedGenerator,
    network: InverseGraphics,
    params: Mapping[str, Any],
    splits: Mapping[str, tuple[MultiviewSet, np.ndarray]],
    view_w: np.ndarray,
    cameras: Mapping[str, np.ndarray],
    *,
    segmenter: LearnedSegmenter,
    regress: Callable | None,
    fov_y: float,
    cycle_mask: str,
    include_torgb: bool = False,
) -> Inputs:
    """Inputs from their pieces: predicts {S, T} of every example and takes W* apart.

    params: of inverse graphics; splits: "train" and "test", images with their contents' w [n w_dim]; view_w
    [k w_dim] and cameras (azimuth, elevation in radians, distance [k], perhaps offset [k 2]) of the views;
    regress: pose regressor or None.
    """
    layout = style_layout(generator.module, include_torgb=include_torgb)
    view_styles, _ = split_view_content(style_codes(generator, layout, view_w), layout)
    views = {"view_styles": view_styles, "cameras": stack_cameras(cameras)}
    parts = {}
    for name, (images, content_w) in splits.items():
        _, content_styles = split_view_content(style_codes(generator, layout, content_w), layout)
        parts[name] = predict_properties(network, params, images, content_styles=content_styles, **views)
    constants = {"noise": generator.variables["noise"], "w_avg": generator.w_avg}
    constants |= {"inverse_graphics": params, "segmenter": getattr(segmenter, "params", {})}
    size = parts["test"].images.shape[1:3]
    return Inputs(
        generator=generator,
        generator_settings=generator_settings(generator.module),
        layout=layout,
        **parts,
        networks=make_networks(generator, layout, network, segmenter, fov_y, cycle_mask, size[0]),
        constants=constants,
        segment=segmenter,
        dibr=make_dibr(network, size, fov_y),
        regress=regress,
    )


def predict_properties(
    network: InverseGraphics, params: Mapping[str, Any], images: MultiviewSet, **codes: np.ndarray
) -> Properties:
    """Examples with {S, T} predicted from their pictures; codes: content_styles, view_styles, cameras."""
    found = predict_in_batches(network, params, images.images, images.masks, batch_size=32)
    return Properties(
        images=images.images,
        masks=images.masks,
        view_id=images.view_id,
        object_id=images.object_id,
        shapes=found.displacements,
        textures=found.texture.astype(np.float16),
        **codes,
    )


def load_inputs(run: Run, settings: Settings) -> Inputs:
    """Inputs from what earlier stages left in the run's workdir.

    Raises FileNotFoundError naming what has not run, and ValueError when the pieces belong to different GANs.
    """
    workdir = run.workdir
    generator, _ = gan.load(workdir)
    stored = multiview_dataset.open_set(workdir, generator.fingerprint)
    views = viewpoints.load(workdir, generator.fingerprint, generator.module.w_dim)
    network, params, metadata = inverse_graphics.load(workdir)
    if metadata.get("fingerprint") not in (None, generator.fingerprint):
        raise ValueError(
            f"inverse graphics in {workdir} was trained on images of GAN {metadata['fingerprint']}, not "
            f"{generator.fingerprint}; {make_again(workdir, inverse_graphics.NAME)}"
        )
    segmenter, pose = perception.load(workdir)
    drawn, splits = gan.load_drawing(workdir), {}
    source = MultiviewGenerator(generator, crop=drawn.crop)
    for name, limit in {"train": settings.num_examples, "test": settings.num_test}.items():
        examples = stored.read(choose_rows(stored.rows_of(name), limit))
        splits[name] = (examples.multiview, source.codes(examples.content_seed, drawn.truncation))
    if settings.num_samples:
        count = settings.num_samples
        fresh = draw_samples(source, segmenter, views, count, seed=run.seed, psi=drawn.truncation)
        splits["train"] = _joined(splits["train"], fresh)
    return assemble(
        generator,
        network,
        params["network"],
        splits,
        views.w,
        inverse_graphics.as_cameras(params["cameras"]),
        segmenter=segmenter,
        regress=None if pose is None else lambda images: pose(images).azimuth,
        fov_y=float(np.radians(metadata["fov_degrees"])),
        cycle_mask=settings.cycle_mask,
        include_torgb=settings.include_torgb,
    )


def _joined(first: tuple[MultiviewSet, np.ndarray], second: tuple[MultiviewSet, np.ndarray]):
    """Two sets of examples of the same views, with their codes, as one."""
    names = ("images", "masks", "view_id", "object_id")
    both = {name: np.concatenate([getattr(part, name) for part, _ in (first, second)]) for name in names}
    return MultiviewSet(**both, views=first[0].views), np.concatenate([first[1], second[1]])


def choose_rows(rows: np.ndarray, limit: int) -> np.ndarray:
    """Up to `limit` of `rows`, in a fixed random order."""
    return np.random.default_rng(0).permutation(rows)[:limit]

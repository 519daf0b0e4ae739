"""What StyleGAN-R takes from earlier stages: generator, examples, frozen inverse graphics, segmenter, pose
regressor.
"""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.models.inverse_graphics.prediction import predict_in_batches
from ganverse_jax.models.perception.segmenter import Segmenter
from ganverse_jax.models.stylegan2 import style_space
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.stored import LoadedDiscriminator, LoadedGenerator
from ganverse_jax.models.stylegan2.style_space import StyleLayout, split_view_content
from ganverse_jax.pipeline.remedies import make_again
from ganverse_jax.pipeline.stage import Run
from ganverse_jax.scene.cameras import given_cameras, stack_cameras
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.multiview_dataset import stage as multiview_dataset
from ganverse_jax.stages.perception import stage as perception
from ganverse_jax.stages.perception.load import Perception
from ganverse_jax.stages.stylegan_r.networks import TrainedInverseGraphics, make_dibr, make_networks
from ganverse_jax.stages.stylegan_r.properties import Properties
from ganverse_jax.stages.stylegan_r.samples import FIRST_SAMPLE, Examples, draw_samples
from ganverse_jax.stages.stylegan_r.settings import Settings
from ganverse_jax.stages.stylegan_r.step import CycleNetworks
from ganverse_jax.stages.viewpoints import stage as viewpoints
from ganverse_jax.stages.viewpoints.stage import Viewpoints

_AT_ONCE = 64  # examples


@dataclasses.dataclass(frozen=True)
class Inputs:
    """generator; layout of W*; train and test examples (no object in both); networks and the constants they
    read; segment, dibr, regress for `measures` (regress may be None: no pose regressor); the discriminator's
    parameters, where it takes part."""

    generator: LoadedGenerator
    layout: StyleLayout
    train: Properties
    test: Properties
    networks: CycleNetworks
    constants: dict[str, Any]
    segment: Callable
    dibr: Callable
    regress: Callable | None
    discriminator: dict[str, Any] | None = None


def style_codes(generator: LoadedGenerator, layout: StyleLayout, w: np.ndarray) -> np.ndarray:
    """Flat codes W* [n s] of w [n w_dim], each driving every layer."""

    @jax.jit
    def draw(variables, w):
        return style_space.flatten_styles(style_space.styles_of(generator.module, variables, w), layout)

    return np.asarray(draw(generator.variables, np.asarray(w, np.float32)))


def codes_of(
    generator: LoadedGenerator, layout: StyleLayout, view_w: np.ndarray, content_w: np.ndarray, views
) -> tuple[np.ndarray, np.ndarray]:
    """W*_V of views [k w_dim] and W*_STB of contents [n w_dim].

    Where the generator has view dimensions, these of the views, where it takes a camera, the cameras [k 2]
    that it was given for `views`; and all of the contents' W*.
    """
    contents = style_codes(generator, layout, content_w)
    if generator.camera is not None:
        given = given_cameras(views)
        return np.stack([given["azimuth"], given["elevation"]], axis=1), contents
    view_styles = style_codes(generator, layout, view_w)
    if generator.view_mask is not None:
        return view_styles[:, generator.view_dims(layout)], contents
    return split_view_content(view_styles, layout)[0], split_view_content(contents, layout)[1]


def assemble(
    generator: LoadedGenerator,
    inverse: TrainedInverseGraphics,
    splits: Mapping[str, Examples],
    view_w: np.ndarray,
    cameras: Mapping[str, np.ndarray],
    *,
    segmenter: Segmenter,
    regress: Callable | None,
    settings: Settings,
    discriminator: LoadedDiscriminator | None = None,
) -> Inputs:
    """Inputs from their pieces: predicts {S, T} of every example and takes W* apart.

    splits: "train" and "test"; view_w [k w_dim] and cameras (azimuth, elevation in radians, distance [k],
    perhaps offset [k 2]) of the views; regress: pose regressor or None; discriminator: for its weight.
    """
    layout = style_space.style_layout(generator.module, include_torgb=settings.include_torgb)
    parts = {}
    for name, (images, content_w) in splits.items():
        view_styles, content_styles = codes_of(generator, layout, view_w, content_w, images.views)
        codes = {"view_styles": view_styles, "content_styles": content_styles}
        parts[name] = predict_properties(inverse, images, cameras=stack_cameras(cameras), **codes)
    constants = {"noise": generator.variables["noise"], "w_avg": generator.w_avg}
    constants |= {"inverse_graphics": inverse.params, "segmenter": getattr(segmenter, "params", {})}
    size = parts["test"].images.shape[1:3]
    critic = discriminator if settings.finetune.weights.adversarial else None
    made_of = generator, layout, inverse, segmenter, settings.cycle_mask, size[0], critic and critic.module
    return Inputs(
        generator=generator,
        layout=layout,
        **parts,
        networks=make_networks(*made_of),
        constants=constants,
        segment=segmenter,
        dibr=make_dibr(inverse, size),
        regress=regress,
        discriminator=critic and critic.variables["params"],
    )


def predict_properties(
    inverse: TrainedInverseGraphics, images: MultiviewSet, **codes: np.ndarray
) -> Properties:
    """Examples with {S, T} predicted from their pictures; codes: content_styles, view_styles, cameras."""
    parts = []
    for start in range(0, len(images), _AT_ONCE):  # textures of thousands fit into memory as halves alone
        part = images.images[start : start + _AT_ONCE], images.masks[start : start + _AT_ONCE]
        found = predict_in_batches(inverse.module, inverse.params, *part)
        parts.append((found.displacements, found.texture.astype(np.float16)))
    shapes, textures = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Properties(
        images=images.images,
        masks=images.masks,
        view_id=images.view_id,
        object_id=images.object_id,
        shapes=shapes,
        textures=textures,
        **codes,
    )


class Pieces(NamedTuple):
    """What earlier stages left: the GAN, with its contents' truncation psi; views and their cameras [k];
    inverse graphics; masks and poses."""

    source: MultiviewGenerator
    discriminator: LoadedDiscriminator
    psi: float
    views: Viewpoints
    cameras: dict[str, np.ndarray]
    inverse: TrainedInverseGraphics
    perception: Perception

    def samples(self, count: int, seed: int, first: int = FIRST_SAMPLE) -> Examples:
        """`draw_samples` of these."""
        content = {"seed": seed, "psi": self.psi, "first": first}
        return draw_samples(self.source, self.perception.segmenter, self.views, count, **content)


def load_pieces(workdir: Path) -> Pieces:
    """The pieces in a run's workdir; raises as `load_inputs`."""
    generator, discriminator = gan.load(workdir)
    views = viewpoints.load(workdir, generator.fingerprint, generator.module.w_dim)
    inverse, cameras = _inverse_graphics(workdir, generator.fingerprint)
    drawing = gan.load_drawing(workdir)
    source = MultiviewGenerator(generator, crop=drawing.crop)
    return Pieces(
        source, discriminator, drawing.truncation, views, cameras, inverse, perception.load(workdir)
    )


def load_inputs(run: Run, settings: Settings) -> Inputs:
    """Inputs from what earlier stages left in the run's workdir.

    Raises FileNotFoundError naming what has not run, and ValueError when the pieces belong to different GANs.
    """
    pieces = load_pieces(run.workdir)
    source, (segmenter, pose) = pieces.source, pieces.perception
    stored, splits = multiview_dataset.open_set(run.workdir, source.gan.fingerprint), {}
    for name, limit in {"train": settings.num_examples, "test": settings.num_test}.items():
        chosen = np.random.default_rng(0).permutation(stored.rows_of(name))[:limit]
        read = stored.read(chosen)
        splits[name] = Examples(read.multiview, source.codes(read.content_seed, pieces.psi))
    if settings.num_samples:
        splits["train"] = splits["train"].joined(pieces.samples(settings.num_samples, run.seed))
    regress = None if pose is None else lambda images: pose(images).azimuth
    reading = {"segmenter": segmenter, "regress": regress, "settings": settings}
    reading["discriminator"] = pieces.discriminator
    return assemble(source.gan, pieces.inverse, splits, pieces.views.w, pieces.cameras, **reading)


def _inverse_graphics(workdir: Path, fingerprint: str) -> tuple[TrainedInverseGraphics, dict]:
    """The network and the cameras of its views, which must come from the GAN's images."""
    module, params, metadata = inverse_graphics.load(workdir)
    if metadata.get("fingerprint") not in (None, fingerprint):
        raise ValueError(
            f"inverse graphics in {workdir} was trained on images of GAN {metadata['fingerprint']}, not "
            f"{fingerprint}; {make_again(workdir, inverse_graphics.NAME)}"
        )
    fov_y = float(np.radians(metadata["fov_degrees"]))
    cameras = inverse_graphics.as_cameras(params["cameras"])
    return TrainedInverseGraphics(module, params["network"], fov_y), cameras

"""Where a run departs from the paper (arXiv:2010.09125), by its settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ganverse_jax.report.artefacts import Run
from ganverse_jax.report.paper import ITERATIONS
from ganverse_jax.runtime.shipped import ASSETS


def _always(run: Run) -> bool:
    return True


def _makes_stylegan_r(run: Run) -> bool:
    return "stylegan_r" in run.stages


def _set_to(path: str, *values: object) -> Callable[[Run], bool]:
    return lambda run: run.setting(path) in values


def _toy_gan(run: Run) -> bool:
    """Whether the GAN draws the toy world: a shipped one, or one trained on its renders."""
    pretrained = run.setting("gan.pretrained")
    if pretrained is None:
        return run.setting("gan.data.kind") == "world"
    return (ASSETS / pretrained).is_dir()


def _own_segmenter(toy: bool) -> Callable[[Run], bool]:
    return lambda run: run.setting("perception.segmenter.source") == "network" and _toy_gan(run) == toy


def _unequal_views(run: Run) -> bool:
    return run.setting("inverse_graphics.multiview_weight") not in (None, 1.0)


def _shorter(run: Run) -> bool:
    steps = run.setting("inverse_graphics.num_steps")
    return steps is not None and steps < ITERATIONS


@dataclasses.dataclass(frozen=True)
class Deviation:
    """A row of the table: what, in the paper, here, and why; holds(run) tells whether it is this run's."""

    what: str
    paper: str
    here: str
    why: str
    holds: Callable[[Run], bool] = _always


DEVIATIONS = (
    Deviation(
        "Images",
        "NVIDIA's StyleGAN2 of photographs, for cars LSUN Car's of 512 × 384, config-e",
        "A small StyleGAN2 trained by this code on a made toy world",
        "Nothing shipped or needed by the toy run may come from outside",
        _toy_gan,
    ),
    Deviation(
        "Masks",
        "Mask R-CNN",
        "An own segmenter, trained on the toy world",
        "Same reason; a Mask R-CNN as ONNX can be pointed at for real classes",
        _own_segmenter(toy=True),
    ),
    Deviation(
        "Masks",
        "Mask R-CNN",
        "A segmenter of this code",
        "Weights of one's own; a Mask R-CNN as ONNX can be pointed at",
        _own_segmenter(toy=False),
    ),
    Deviation(
        "Masks",
        "Mask R-CNN",
        "A folder of masks, made with other tools",
        "Any segmenter may make them; what it was is not known here",
        _set_to("perception.segmenter.source", "masks"),
    ),
    Deviation(
        "Perceptual loss",
        "A network trained on photographs",
        "The GAN discriminator's first blocks, masked",
        "Needs nothing from outside; VGG/LPIPS weights can be imported",
        _set_to("inverse_graphics.perceptual.source", "discriminator"),
    ),
    Deviation(
        "Perceptual loss",
        "A network trained on photographs",
        "None",
        "inverse_graphics.perceptual.source is none",
        _set_to("inverse_graphics.perceptual.source", "none"),
    ),
    Deviation(
        "Annotated views",
        "Picked and binned by a person in a minute",
        "Proposed by mask agreement over contents; the shipped ones binned in the annotator's page by an AI "
        "agent",
        "A run without a person; a pose regressor of the toy world judges the cameras, but is no loss",
        _set_to("viewpoints.annotated_by", "shipped"),
    ),
    Deviation(
        "Annotated views",
        "Picked and binned by a person in a minute",
        "Proposed by mask agreement over contents, binned by the toy world's pose regressor",
        "A run without a person",
        _set_to("viewpoints.annotated_by", "pose_regressor"),
    ),
    Deviation(
        "Annotated views",
        "Picked and binned by a person in a minute",
        "Commanded of a generator that takes a camera, evenly round the object",
        "Round two of the loop: the frame is round one’s, which a person annotated",
        lambda run: run.takes_cameras,
    ),
    Deviation(
        "View code",
        "The first four layers of a finished StyleGAN, trained on pictures alone",
        "A mapping of the camera, added to the content in the coarse layers; trained with a pose term, and "
        "with shape and texture that agree across cameras",
        "In a small GAN the first layers carry the body too (gan.camera, docs/loop.md)",
        lambda run: run.takes_cameras,
    ),
    Deviation(
        "Multi-view loss",
        "Both views of a pair count alike (Eq. 2)",
        "The view that the network does not see counts otherwise (multiview_weight)",
        "A small GAN's views of one object agree on its paint and less on its body",
        _unequal_views,
    ),
    Deviation(
        "Run length",
        "200,000 iterations, 120 h on four V100",
        "Fewer iterations",
        "Runs below a tenth of it are labelled short, and their figures are not the method's limit",
        _shorter,
    ),
    Deviation(
        "StyleGAN-R's examples",
        "Drawn anew at every step",
        "Those of the multi-view set, with the shape and texture read off each once",
        "A step then costs no more than the mapper; num_samples adds fresh ones",
        _makes_stylegan_r,
    ),
    Deviation(
        "Pairs in StyleGAN-R's fine-tuning",
        "Shape and texture of one other object, seen by the same camera",
        "Shape, texture and camera each of another, their outlines asked for",
        "Else nothing ever asks for one object's shape with another's texture",
        _set_to("stylegan_r.finetune.swap", True),
    ),
    Deviation(
        "Discriminator in StyleGAN-R's fine-tuning",
        "None",
        "The GAN's own, trained on",
        "Pictures stay sharp",
        lambda run: bool(run.setting("stylegan_r.finetune.weights.adversarial")),
    ),
    Deviation(
        "Masks in StyleGAN-R's cycle",
        "Not told",
        "DIB-R's silhouette of the shape that was fed in",
        "No gradient passes a Mask R-CNN or a folder of masks",
        _set_to("stylegan_r.cycle_mask", "render"),
    ),
    Deviation(
        "Rasterizer",
        "DIB-R: affine colours, soft mask capped at 30 faces by index",
        "Perspective-correct by default, soft mask over all faces",
        "The cap is an artefact; parity flags exist for both",
    ),
    Deviation(
        "View code",
        "144 of 2048 dimensions of W*, chosen by correlation",
        "The same rule on the widths of the generator at hand",
        "Widths follow from the generator, not from a constant",
        lambda run: _makes_stylegan_r(run) and not run.takes_cameras,
    ),
)


def deviations_of(run: Run) -> list[Deviation]:
    """Those that the run's settings make."""
    return [deviation for deviation in DEVIATIONS if deviation.holds(run)]

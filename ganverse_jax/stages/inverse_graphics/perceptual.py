"""Which network L_percept of Eq. 1 (arXiv:2010.09125) compares pictures in, by the stage's settings."""

from pathlib import Path

from ganverse_jax.interchange.metric_weights import load_lpips
from ganverse_jax.models.features.perceptual import Perceptual, discriminator_perceptual, lpips_perceptual
from ganverse_jax.models.stylegan2.networks import block_resolutions
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.inverse_graphics.settings import PerceptualSource

MEASURED_BLOCKS = 4  # GAN2Shape's


def make_perceptual(
    workdir: Path, num_blocks: int, chosen: PerceptualSource, at_once: int | None = None
) -> Perceptual | None:
    """The perceptual distance that `chosen.source` names; None for "none".

    "discriminator": the first `num_blocks` blocks of the GAN's (0: no term). "lpips": the paper's VGG16
    features, from torchvision's file `vgg` and LPIPS v0.1's linear layers `lpips`, by `at_once` pictures;
    nothing stands in for a missing file. Raises as `load_lpips`.
    """
    if chosen.source == "none":
        return None
    if chosen.source == "discriminator":
        return gan_perceptual(workdir, num_blocks)
    return lpips_perceptual(load_lpips(chosen.vgg, chosen.lpips), at_once)


def gan_perceptual(workdir: Path, num_blocks: int) -> Perceptual | None:
    """The perceptual distance in the first `num_blocks` blocks of the GAN's discriminator; None for 0."""
    if not num_blocks:
        return None
    _, (module, variables, _) = gan.load(workdir)
    return discriminator_perceptual(
        lambda image: module.apply(variables, image, method="features"), num_blocks
    )


def measured_perceptual(workdir: Path, resolution: int, chosen: PerceptualSource) -> Perceptual | None:
    """The perceptual distance to measure pictures of `resolution` with, by the settings of training.

    The discriminator's is that of its first four blocks (fewer where it has fewer), whatever training uses.
    None where the run has no GAN of that resolution, and for source "none".
    """
    if chosen.source != "discriminator":
        return make_perceptual(workdir, 0, chosen)
    if not gan.discriminator_path(workdir).is_file():
        return None
    _, (module, _, _) = gan.load(workdir)
    blocks = len(block_resolutions(module.resolution)) - 1
    if module.resolution != resolution:
        return None
    return gan_perceptual(workdir, min(MEASURED_BLOCKS, blocks))

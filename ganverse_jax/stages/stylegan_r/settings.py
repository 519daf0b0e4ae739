"""Settings of the StyleGAN-R stage; defaults are the paper's where it has them."""

from dataclasses import dataclass, field
from typing import Literal

from ganverse_jax.pipeline.settings import INERT, Count, NonNegative, Positive, Share, Whole


@dataclass(frozen=True)
class Mapper:
    """Settings of `models.stylegan_r.latent_mapper.LatentMapper`, which explains them."""

    view_dims: Count = 144
    hidden: tuple[Count, ...] = (256, 256)
    channels: Count = 32
    channels_max: Count = 128
    gate_speed: Positive = 1.0
    distance: bool = (
        False  # where the generator takes a camera itself, which has none: the content follows it
    )


@dataclass(frozen=True)
class WarmupRates:
    """Learning rates of Adam."""

    mapper: Positive = 1e-5


@dataclass(frozen=True)
class WarmupWeights:
    """Of Eq. 5, where the code term's is 1."""

    entropy: NonNegative = 1.0


@dataclass(frozen=True)
class Warmup:
    """Eq. 5: codes of properties predicted."""

    num_steps: Count = 700
    batch_size: Count = 16
    learning_rates: WarmupRates = field(default_factory=WarmupRates)
    weights: WarmupWeights = field(default_factory=WarmupWeights)
    decay: Share = 0.0  # last fraction of the steps over which rates fall to zero


@dataclass(frozen=True)
class FinetuneRates:
    """Learning rates of Adam."""

    mapper: Positive = 1e-5
    generator: Positive = 1e-5
    discriminator: Positive = 1e-5  # read where weights.adversarial is not 0


@dataclass(frozen=True)
class FinetuneWeights:
    """Of Eq. 6's terms, and of what the paper has not (`step.finetune_losses`): the example itself, the
    outline of the shape put in, what lies behind the two objects of a pair, and the GAN's discriminator,
    which trains on beside (its own loss, and half of R1's gamma)."""

    shape: NonNegative = 1.0
    texture: NonNegative = 1.0
    background: NonNegative = 1.0
    background_pair: NonNegative = 1.0
    anchor: NonNegative = 0.0
    outline: NonNegative = 0.0  # says nothing where cycle_mask is "render"
    behind: NonNegative = 0.0
    adversarial: NonNegative = 0.0
    critic: NonNegative = 1.0
    r1: NonNegative = 0.5


@dataclass(frozen=True)
class Finetune:
    """Eq. 6: the cycle through inverse graphics, mapper and generator trained."""

    # The second picture of a pair takes shape, texture and camera each from another example; False, as in the
    # paper: shape and texture of one other object, the camera of the first picture.
    swap: bool = False
    camera_jitter: NonNegative = 0.0  # degrees, of that camera's azimuth and elevation
    distance_jitter: NonNegative = 0.0  # of that camera's distance, as a share, nearer and farther
    num_steps: Count = 2500
    batch_size: Count = 16
    learning_rates: FinetuneRates = field(default_factory=FinetuneRates)
    weights: FinetuneWeights = field(default_factory=FinetuneWeights)
    decay: Share = 0.0


@dataclass(frozen=True)
class Settings:
    """What the renderer is trained on and how."""

    num_examples: Count = 6000  # images of the multi-view set at most, held in memory
    num_test: Count = 48  # held-out ones that are measured
    num_samples: Whole = 0  # fresh samples of the GAN to train on besides
    # Where the mask of a synthesised picture comes from: a segmenter that gradients pass, or DIB-R.
    cycle_mask: Literal["segment", "render"] = "segment"
    include_torgb: bool = False  # intermediate toRGB styles belong to W*
    mapper: Mapper = field(default_factory=Mapper)
    warmup: Warmup = field(default_factory=Warmup)
    finetune: Finetune = field(default_factory=Finetune)
    # Of a device's part of a fine-tuning's batch, as of `inverse_graphics`.
    micro_batches: Count = field(default=1, metadata=INERT)
    sweep_steps: Count = 8  # cameras of a sweep's picture
    log_every: Count = 50
    save_every: Count = 500

"""Settings of the GAN stage."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from ganverse_jax.pipeline.settings import Count, Limit, NonNegative, Positive, Share, Whole


@dataclass(frozen=True)
class GeneratorSize:
    """Sizes of `models.stylegan2.networks.Generator`."""

    resolution: Count = 64  # of its square pictures, a power of two
    z_dim: Count = 128
    w_dim: Count = 128
    mapping_layers: Count = 4
    channel_base: Count = 1024  # channels at resolution r: base / r, at most channel_max
    channel_max: Count = 64
    conv_clamp: Positive | None = None  # limit of activations, which half precision needs

    def __post_init__(self):
        _check_resolution(self.resolution)


@dataclass(frozen=True)
class DiscriminatorSize:
    """Sizes of `models.stylegan2.networks.Discriminator`."""

    resolution: Count = 64
    channel_base: Count = 1024
    channel_max: Count = 64
    mbstd_group: Count = 4  # examples that share a minibatch standard deviation
    conv_clamp: Positive | None = None

    def __post_init__(self):
        _check_resolution(self.resolution)


def _check_resolution(resolution: int) -> None:
    if resolution < 8 or resolution & (resolution - 1):
        raise ValueError(f"resolution = {resolution} is no power of two of 8 or more; set it to one")


@dataclass(frozen=True)
class Data:
    """Where real images come from, and how they become squares of the generator's resolution."""

    # "world": renders of the class's toy world; "images": a folder or .zip of PNG, JPEG, WebP; "lsun": an
    # LMDB; "tfds": a prepared tensorflow-datasets set.
    kind: Literal["world", "images", "lsun", "tfds"] = "world"
    path: str = ""  # the folder, .zip, LMDB or tfds's data_dir
    name: str = ""  # of the tfds set, with its split and its feature of images
    split: str = "train"
    feature: str = ""
    limit: Whole = 0  # only the first so many; 0: all
    fit: Literal["crop", "letterbox", "wide"] = "crop"  # see `data.images.pictures.Fit`
    enlarge: bool = False  # scale up pictures that are smaller; else they are unfit
    unfit: Literal["error", "skip"] = "error"
    keep_decoded: bool = True  # keep the squares on disk


@dataclass(frozen=True)
class Augment:
    """Augmentation of what the discriminator sees (Sec. 3, arXiv:2006.06676, whose values these are).

    Every `interval` steps an adaptive probability takes one step up if the mean sign of the discriminator's
    logits of real images since the last one exceeds `target`, else down, so large that it needs `ramp` images
    from 0 to 1.
    """

    adaptive: bool = False
    probability: Share = 0.0  # or where an adaptive one begins; 0 and not adaptive: none
    target: Annotated[float, Limit(-1, 1, open=True)] = 0.6
    interval: Count = 4  # steps
    ramp: Count = 500_000  # images


@dataclass(frozen=True)
class Camera:
    """A generator that takes a camera (`models.stylegan2.camera_input`), held to it by earlier networks."""

    teacher: str = ""  # folder of the networks that read pose, shape and texture (stage self_labels)
    layers: Count = 4  # rows of ws that the camera drives beside the content
    mapping_layers: Count = 4
    jitter_degrees: NonNegative = 2.0  # spread around the cameras of real pictures that are drawn
    pose_weight: NonNegative = 1.0
    shape_weight: NonNegative = 1.0  # of the difference between one content's two pictures
    texture_weight: NonNegative = 0.3


@dataclass(frozen=True)
class Settings:
    """Shipped or imported weights as they are, or an adversarial training (arXiv:1912.04958)."""

    pretrained: str | None = None  # a shipped set (assets/NAME) or a folder; None: train
    how_to_get: str = "train it with --stages=gan"  # told where pretrained weights are missing
    generator: GeneratorSize | None = None  # None: weights of others only
    discriminator: DiscriminatorSize | None = None
    # Every picture of this GAN is truncated so towards w_avg (psi), in all stages; the views' codes have a
    # truncation of their own.
    truncation: Positive = 0.8
    crop: tuple[int, int] | None = None  # rows (top, bottom) of its images that hold the picture
    cache: str = ""  # folder of rendered or decoded images; "": the workdir's
    weights_dtype: Literal["float32", "float16", "bfloat16"] = "float32"  # of the written networks
    start_from: str | None = None  # a shipped set or folder whose networks are trained on
    data: Data = field(default_factory=Data)
    camera: Camera | None = None  # None: the generator of the paper, without a camera
    mirror: bool = False  # turn every second real image, by chance, left to right
    num_images: Count = 40_000  # of the toy world
    batch_size: Count = 16
    num_steps: Count = 16_000
    learning_rate: Positive = 2.5e-3
    decay: Share = 0.0  # last fraction of the steps over which the rate falls to zero
    r1_gamma: NonNegative = 1.0
    r1_interval: Count = 16  # steps
    path_length_weight: NonNegative = 2.0
    path_length_interval: Count = 4  # steps
    style_mixing: Share = 0.9  # probability
    augment: Augment = field(default_factory=Augment)
    compute_dtype: Literal["float32", "bfloat16"] = "float32"  # "bfloat16" is faster on GPUs and TPUs
    ema_half_life: Positive = 10_000.0  # images
    ema_rampup: NonNegative | None = None
    log_every: Count = 50
    save_every: Count = 500

    def __post_init__(self):
        self._check_crop()
        sizes = self.generator, self.discriminator
        if None not in sizes and sizes[0].resolution != sizes[1].resolution:
            raise ValueError(
                f"discriminator.resolution = {sizes[1].resolution}, but the generator's pictures have "
                f"{sizes[0].resolution} pixels a side; set gan.discriminator.resolution to that"
            )

    def _check_crop(self):
        top, bottom = self.crop or (0, 1)
        rows = self.generator.resolution if self.generator else bottom
        if not 0 <= top < bottom <= rows:
            raise ValueError(
                f"crop = {self.crop} is no range of rows within the {rows} of its pictures; set it to (first "
                "row, last row + 1), or to None"
            )

    @property
    def total_images(self) -> int:
        """Images that a whole training shows the discriminator."""
        return self.num_steps * self.batch_size

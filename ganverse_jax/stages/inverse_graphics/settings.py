"""Settings of a training of inverse graphics, on the GAN's images, a user's or the toy world's."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from ganverse_jax.pipeline.settings import ADDED, INERT, Count, Limit, NonNegative, Positive, Share, Whole
from ganverse_jax.stages.multiview_dataset.settings import Filter
from ganverse_jax.stages.perception.settings import MaskRCNNFile


@dataclass(frozen=True)
class Network:
    """Settings of `models.inverse_graphics.network.InverseGraphics`, which explains them."""

    icosphere_level: Annotated[int, Limit(0, 7)] = 3  # 20 x 4^level faces
    template_scale: tuple[Positive, Positive, Positive] = (1.0, 1.0, 1.0)
    shape_degree: Annotated[int, Limit(0, 32)] | None = None
    free_scale: NonNegative = 1.0
    symmetric: bool = True
    encoder_width: Count = 64
    encoder_blocks: tuple[Count, ...] = (2, 2, 2, 2)
    code_size: Count = 512
    shape_hidden: Count = 1024
    texture_size: Count = 512
    texture_channels: tuple[Count, ...] = (512, 512, 256, 128, 64, 32, 16)
    # "flow" and "flow_and_colour" sample the texture from the picture.
    texture: Literal["decoded", "flow", "flow_and_colour"] = "decoded"
    # The ResNets need encoder_weights.
    encoder_architecture: Literal["residual", "resnet18", "resnet50"] = "residual"
    lighting: bool = False
    light_hidden: Count = 64
    compute_dtype: Literal["float32", "bfloat16"] = "float32"  # of convolutions; for GPUs and TPUs

    def __post_init__(self):
        rows = 4 * 2 ** len(self.texture_channels)
        if self.texture_size != rows:
            raise ValueError(
                f"texture_size = {self.texture_size}, but {len(self.texture_channels)} texture_channels "
                f"give a map of {rows} rows; set it to that or change texture_channels"
            )
        if not self.encoder_blocks:
            raise ValueError("encoder_blocks = () is no encoder; set it to the blocks of every stage")
        if self.shape_degree is None and not self.free_scale:
            raise ValueError("free_scale = 0 and shape_degree = None: nothing can move; set one of them")


@dataclass(frozen=True)
class Weights:
    """Lambdas of Eq. 1 (the paper's), and of what it has not: flows, camera residuals, real pictures."""

    colour: NonNegative = 20.0
    perceptual: NonNegative = 0.5
    iou: NonNegative = 3.0
    laplacian: NonNegative = 5.0
    flatten: NonNegative = 5.0
    movement: NonNegative = 2.5
    flow: NonNegative = 2.0
    residual: NonNegative = 0.1  # of camera_residual
    labelled: NonNegative = 0.5  # of Eq. 1 for `labelled` pictures; Eq. 2 sums two views: 0.5 is one view


@dataclass(frozen=True)
class PerceptualSource:
    """What L_percept compares pictures in: see `stages.inverse_graphics.perceptual`."""

    # "discriminator": the GAN's own, nothing from outside; "lpips": the paper's, from files you get.
    source: Literal["discriminator", "lpips", "none"] = "discriminator"
    vgg: str = "weights/vgg16-397923af.pth"  # torchvision's VGG16 (BSD-3-Clause; trained on ImageNet)
    lpips: str = "weights/lpips_vgg.pth"  # weights/v0.1/vgg.pth of PerceptualSimilarity (BSD-2-Clause)

    def __post_init__(self):
        for name in ("vgg", "lpips"):
            if self.source == "lpips" and not getattr(self, name):
                raise ValueError(f"{name} = '', but source 'lpips' needs vgg and lpips; set it to its file")


@dataclass(frozen=True)
class Training:
    """A training of Eq. 1 and 2, whatever it is given to train on."""

    network: Network = field(default_factory=Network)
    encoder_weights: str | None = None  # torchvision's file of a ResNet encoder
    weights: Weights = field(default_factory=Weights)
    num_steps: Count = 200_000
    batch_size: Count = 16  # objects, of two views each
    # Of a device's part of a batch, one after the other: in less memory, the same.
    micro_batches: Count = field(default=1, metadata=INERT)
    learning_rate: Positive = 1e-4
    camera_learning_rate: NonNegative = 1e-4  # radians and log distance per step of Adam
    camera_start: Whole = 0  # step from which on cameras move
    camera_origin: Literal["bins", "given"] = "bins"  # or the cameras that keypoints or a set's files gave
    camera_offset: bool = False  # also learn where the object stands in the picture
    camera_residual: bool = False  # also learn how far each picture's camera stands off its view's
    decay: bool = False  # of the learning rates, see `step.make_optimizer`
    clip_norm: Positive | None = None  # limit of the gradient's global norm
    single_view: bool = False  # no multi-view term
    multiview_weight: NonNegative = 1.0  # of the loss in the view that the network does not see (Eq. 2: 1)
    perceptual_start: Whole = 0  # step from which on L_percept counts
    perceptual_both_views: bool = True  # False: in the unseen view alone
    perceptual_blocks: Whole = 4  # of the discriminator; 0: no such term
    perceptual: PerceptualSource = field(default_factory=PerceptualSource)
    # Pictures that LPIPS compares at once (None: all): in less memory, the same.
    perceptual_at_once: Count | None = field(default=4, metadata=INERT)
    average_decay: Share = 0.99  # of the parameters' moving average
    sigma_inverse: Positive = 7000.0  # softness of the silhouette, see `rasterizer.silhouette`
    margin: Annotated[float, Limit(0, 2, open=True)] = 0.02  # NDC
    log_every: Count = 50
    save_every: Count = 500

    def __post_init__(self):
        architecture = self.network.encoder_architecture
        if (architecture == "residual") == bool(self.encoder_weights):
            raise ValueError(
                f"encoder_weights = {self.encoder_weights!r} with network.encoder_architecture = "
                f"{architecture!r}; a ResNet starts from torchvision's file, the residual encoder from none: "
                "set one of them"
            )


@dataclass(frozen=True)
class OnTheFly(Filter):
    """Source "generator": new objects of the GAN at every step."""

    num_held_out: Count = 16  # objects each of validation and test


@dataclass(frozen=True)
class Masks(MaskRCNNFile):
    """Masks of Pascal3D+: "pngs" in `folder` (ROOT/masks by default), or one of perception's sources."""

    source: Literal["pngs", "onnx", "masks"] = "pngs"
    folder: str = ""
    soft: bool = False


@dataclass(frozen=True)
class Pascal3DReader:
    """Which annotated objects of Pascal3D+ are taken, see `data.pascal3d.release.read_pascal3d`."""

    size: Count = 256  # of the square crops
    margin: NonNegative = 0.1
    object_scale: Positive = 2.0
    min_box_iou: Share = 0.8
    leave_out: tuple[Literal["truncated", "occluded", "difficult"], ...] = (
        "truncated",
        "occluded",
        "difficult",
    )
    damaged: Literal["error", "skip"] = "error"
    masks: Masks = field(default_factory=Masks)


@dataclass(frozen=True)
class Labelled:
    """Real pictures beside the GAN's, with cameras that nobody annotated: see `inverse_graphics.labelled`."""

    labels: str | None = None  # a folder of self_labels, or a shipped set; None: the GAN's pictures alone
    num_images: Count = 4_000  # of the toy world; of other sources, at most
    batch_size: Count = 16


@dataclass(frozen=True)
class Settings(Training):
    """The stage: a training, and where its pictures come from."""

    # A shipped set (assets/NAME) or a folder; None: train.
    pretrained: str | None = field(default=None, metadata=ADDED)
    labelled: Labelled = field(default_factory=Labelled)

    # "disk": the multi-view set, in memory while its images take at most memory_gib; "generator": no set.
    source: Literal["disk", "generator"] = "disk"
    memory_gib: NonNegative = 2.0
    on_the_fly: OnTheFly = field(default_factory=OnTheFly)
    posed_folder: str | None = None  # a folder of posed pictures (`data.multiview.posed_folder`) instead
    posed_size: tuple[Count, Count] | None = None  # (h, w) that they are resized to
    pascal3d: str | None = None  # Pascal3D+ at this path instead
    pascal3d_reader: Pascal3DReader = field(default_factory=Pascal3DReader)

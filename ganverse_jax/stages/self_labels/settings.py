"""Settings of the self-labelling stage."""

from dataclasses import dataclass, field

from ganverse_jax.pipeline.settings import Count, NonNegative, Positive, Share, Whole


@dataclass(frozen=True)
class Weights:
    """Lambdas of Eq. 1 without its perceptual term."""

    colour: NonNegative = 20.0
    iou: NonNegative = 3.0
    laplacian: NonNegative = 5.0
    flatten: NonNegative = 0.1
    movement: NonNegative = 0.1


@dataclass(frozen=True)
class Refine:
    """Shapes and poses learn from renders of the labelled pictures, see `stages.self_labels.refine`."""

    num_steps: Whole = 3_000  # 0: none
    batch_size: Count = 16
    learning_rate: Positive = 6e-4  # of the inverse graphics network
    pose_learning_rate: NonNegative = 1e-4
    weights: Weights = field(default_factory=Weights)


@dataclass(frozen=True)
class Settings:
    """Which pictures are labelled, and what is trained for it."""

    network: str | None = None  # shipped set or folder whose inverse_graphics reads them; None: the run's
    num_images: Count = 12_000  # real pictures that get a camera
    num_meshes: Count = 3_000  # of them are predicted and rendered, for the first network to learn from
    render_steps: Count = 1_500  # of the network that learns from renders
    pose_steps: Count = 2_500  # of the network that learns from the labels
    pose_widths: tuple[Count, ...] = (24, 48, 96, 128)
    pose_hidden: Count = 96
    batch_size: Count = 48
    learning_rate: Positive = 3e-3
    sigma_inverse: Positive = 30_000.0  # of the renders' silhouettes
    offset: NonNegative = 0.03  # standard deviation of the objects' place in the renders, NDC
    # A label is trusted where sine and cosine, read off the picture and its mirror image, have at least this
    # length together, and the two readings differ by no more than this angle.
    min_certainty: Share = 0.8
    max_mirror_degrees: Positive = 20.0
    refine: Refine = field(default_factory=Refine)
    log_every: Count = 25
    save_every: Count = 250

"""Settings of the perception stage."""

from dataclasses import dataclass, field
from typing import Literal

from ganverse_jax.pipeline.settings import Count, Positive, Share, Whole


@dataclass(frozen=True)
class MaskRCNNFile:
    """A Mask R-CNN as ONNX: see `models.perception.mask_rcnn.MaskRCNN`."""

    path: str = "weights/mask_rcnn.onnx"
    class_name: str = ""  # "": the experiment's class
    card: Literal["onnx_zoo", "torchvision"] | None = None  # whose export it is; None: the file tells
    label: Whole | None = None  # of the class, where neither file nor card knows the name
    min_score: Share = 0.5  # of a detection that is taken


@dataclass(frozen=True)
class SegmenterSource(MaskRCNNFile):
    """Where masks come from: a network trained by this code, a Mask R-CNN as ONNX, or a folder of PNGs."""

    source: Literal["network", "onnx", "masks"] = "network"
    folder: str = "masks"  # of source "masks"
    soft: bool = False  # whether its greys are coverage


@dataclass(frozen=True)
class Settings:
    """Shipped networks as they are, or a training on renders of the toy world."""

    pretrained: str | None = None  # a shipped set (assets/NAME) or a folder; None: train
    how_to_get: str = "train it with --stages=perception"  # told where pretrained weights are missing
    segmenter: SegmenterSource = field(default_factory=SegmenterSource)
    resolution: Count = 64
    num_train: Count = 8000  # renders
    num_validation: Count = 500
    batch_size: Count = 32
    segmenter_steps: Count = 700
    segmenter_widths: tuple[Count, ...] = (16, 32, 48, 64)
    segmenter_refinements: Whole = 0
    pose_steps: Count = 2000
    pose_widths: tuple[Count, ...] = (24, 48, 96, 128)
    pose_hidden: Count = 96
    learning_rate: Positive = 3e-3
    log_every: Count = 20
    save_every: Count = 100

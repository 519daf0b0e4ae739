"""A Mask R-CNN in an ONNX file as segmenter (section 3.1), through onnxruntime (the [masks] extra).

What the file wants and gives is read from the session: shapes of the input, outputs by rank and type, label
names from its metadata where it has any. What no file tells (channel order, mean, size, label table) is its
model card, `CARDS`; which card, it does: torchvision's exports normalise the picture themselves.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ganverse_jax.classes import labels
from ganverse_jax.models.perception.onnx_file import told_card
from ganverse_jax.runtime.machine import raise_if_machines


@dataclasses.dataclass(frozen=True)
class Card:
    """How a family of exports is fed. scale: factor on 0..255; mean: subtracted after it, in channel order;
    bgr: channels reversed; short_side, long_side: the picture is resized so that its short side is that, and
    the long one no more (None: left as it is); multiple: zero-padded to a multiple; family: the
    name under which the classes tell their ids (`classes.labels`, asked at each use)."""

    scale: float
    mean: tuple[float, float, float]
    bgr: bool
    short_side: int | None
    long_side: int | None
    multiple: int
    family: str


CARDS = {
    # The ONNX model zoo's MaskRCNN-10 and -12: BGR, Caffe means, 80 classes counted from 1.
    "onnx_zoo": Card(1.0, (102.9801, 115.9465, 122.7717), True, 800, 1333, 32,
                     "onnx_zoo"),
    # torchvision's maskrcnn_resnet50_fpn: RGB in [0, 1], resized and normalised inside, COCO's own 91 ids.
    "torchvision": Card(1 / 255, (0.0, 0.0, 0.0), False, None, None, 1, "torchvision"),
}  # fmt: skip

GET = (
    "get one as ONNX, e.g. MaskRCNN-12 of the ONNX model zoo (178 MB; Apache-2.0, trained on COCO), or use a "
    "folder of masks (perception.segmenter.source='masks')"
)
INSTALL = "an ONNX segmenter needs onnxruntime; pip install 'ganverse-jax[masks]'"


class Detections(NamedTuple):
    """The outputs of one image: boxes [k 4] as x1 y1 x2 y2, labels int [k], scores [k], masks [k mh mw]."""

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    masks: np.ndarray


class MaskRCNN:
    """A `Segmenter` that also tells instances apart (`detect`). Nothing can be trained through it.

    Args:
      path: the ONNX file.
      class_name: what to find, by name.
      card: a name in `CARDS`, or a `Card`; None: the file tells.
      label: the class's id, where neither the file nor the card knows the name.
      min_score: detections below are not taken.

    Raises FileNotFoundError, ImportError without onnxruntime, ValueError for a file that is no such network
    or of another card, or a class that it does not know.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        class_name: str,
        card: str | Card | None = None,
        label: int | None = None,
        min_score: float = 0.5,
    ):
        if isinstance(card, str) and card not in CARDS:
            raise ValueError(f"no model card {card!r}; choose one of {', '.join(CARDS)}")
        self.params: dict = {}
        self.path, self.min_score = Path(path), float(min_score)
        self._session = _open(self.path)
        self.card = card if isinstance(card, Card) else CARDS[told_card(self.path, card)]
        self._input = _one_input(self._session, self.path)
        known = session_labels(self._session) or labels(self.card.family)
        if label is None and class_name not in known:
            raise ValueError(
                f"{self.path} knows no class {class_name!r}, only {', '.join(sorted(known))}; set "
                "perception.segmenter.label to its id"
            )
        self.label = int(known[class_name] if label is None else label)

    def detect(self, images: np.ndarray) -> list[np.ndarray]:
        """Soft masks float32 [k h w] of the instances in each image of uint8 [n h w 3], best score first."""
        found = []
        for image in images:
            tensor, frame = prepare(image, self.card, self._input.shape)
            kinds = sort_outputs(self._outputs(tensor), self.path)
            found.append(self._instances(kinds, image.shape[:2], frame, tensor.shape[-2:]))
        return found

    def _outputs(self, tensor: np.ndarray) -> list[np.ndarray]:
        try:
            return self._session.run(None, {self._input.name: tensor})
        except Exception as error:  # onnxruntime's own exceptions have no common base
            raise ValueError(
                f"{self.path} fails on a picture fed as {tensor.dtype} {tensor.shape} "
                f"({str(error).splitlines()[0]:.200}); perception.segmenter.card "
                f"tells whose export it is: set it to one of {', '.join(CARDS)}"
            ) from error

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Soft masks float32 [n h w] of all instances together."""
        height, width = images.shape[1:3]
        empty = np.zeros((1, height, width), np.float32)
        masks = [np.concatenate([empty, found]).max(axis=0) for found in self.detect(images)]
        return np.stack(masks) if masks else np.zeros((0, height, width), np.float32)

    def _instances(self, found: Detections, size, frame, full) -> np.ndarray:
        """Masks [k *size] of the class's detections. frame: (h, w) of the picture as the network saw it, in a
        tensor of (h, w) `full`; masks of either size are pasted already, others belong into their boxes."""
        chosen = np.flatnonzero((found.labels == self.label) & (found.scores >= self.min_score))
        chosen = chosen[np.argsort(-found.scores[chosen], kind="stable")]
        grid = found.masks.shape[1:]
        boxes = found.boxes[chosen]
        if grid in (tuple(frame), tuple(full)):
            boxes = np.tile(np.array([0, 0, grid[1], grid[0]], np.float32), (len(chosen), 1))
        boxes = boxes * np.array([size[1] / frame[1], size[0] / frame[0]] * 2)
        masks = [paste(found.masks[i], box, size) for i, box in zip(chosen, boxes, strict=True)]
        return np.stack(masks) if masks else np.zeros((0, *size), np.float32)


def _open(path: Path):
    if not path.is_file():
        raise FileNotFoundError(f"no Mask R-CNN at {path}; {GET}")
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(INSTALL) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            str(path), options, providers=onnxruntime.get_available_providers()
        )
    except Exception as error:  # onnxruntime's own exceptions have no common base
        raise_if_machines(error)
        raise ValueError(f"{path} is no ONNX network that onnxruntime can load ({error})") from error


def _one_input(session, path: Path) -> Any:
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) not in (3, 4):
        told = ", ".join(f"{node.name} {node.type} {node.shape}" for node in inputs)
        raise ValueError(f"{path} takes {told}; a Mask R-CNN takes one float image [3 h w] or [1 3 h w]")
    return inputs[0]


def session_labels(session) -> dict[str, int]:
    """Label ids by name from the file's metadata ("names" or "labels": a list or an id -> name table); {}
    where it has none."""
    metadata = session.get_modelmeta().custom_metadata_map
    for key in ("names", "labels"):
        try:
            table = ast.literal_eval(metadata[key])
        except (KeyError, ValueError, SyntaxError):
            continue
        pairs = table.items() if isinstance(table, dict) else enumerate(table)
        return {str(name): int(number) for number, name in pairs}
    return {}


def prepare(image: np.ndarray, card: Card, shape: Sequence) -> tuple[np.ndarray, tuple[int, int]]:
    """uint8 [h w 3] -> (float32 tensor for an input of `shape`, (h, w) of the picture inside it).

    Fixed sizes in `shape` win over the card's.
    """
    height, width = image.shape[:2]
    factor = 1.0
    if card.short_side is not None:
        factor = card.short_side / min(height, width)
        factor = min(factor, card.long_side / max(height, width)) if card.long_side else factor
    fixed = shape[-2:]
    frame = tuple(
        side if isinstance(side, int) and side > 0 else max(round(factor * own), 1)
        for side, own in zip(fixed, (height, width), strict=True)
    )
    resized = np.asarray(Image.fromarray(image).resize(frame[::-1], Image.Resampling.BILINEAR), np.float32)
    channels = resized[..., ::-1] if card.bgr else resized
    planes = (channels * card.scale - np.array(card.mean, np.float32)).transpose(2, 0, 1)
    pad = [
        0 if isinstance(side, int) else -own % card.multiple for side, own in zip(fixed, frame, strict=True)
    ]
    planes = np.pad(planes, ((0, 0), (0, pad[0]), (0, pad[1])))
    return np.ascontiguousarray(planes if len(shape) == 3 else planes[None], np.float32), frame


def sort_outputs(outputs: Sequence[np.ndarray], path: Path | str = "the network") -> Detections:
    """Tell boxes, labels, scores and masks apart by rank and type: exporters name and order them freely.

    Raises ValueError when one is missing or two could be the same.
    """
    outputs = [array[0] if array.ndim > 1 and _batched(array, outputs) else array for array in outputs]
    kinds: dict[str, list[np.ndarray]] = {"boxes": [], "labels": [], "scores": [], "masks": []}
    for array in outputs:
        if array.ndim == 2 and array.shape[1] == 4:
            kinds["boxes"].append(array)
        elif array.ndim == 1:
            kinds["labels" if np.issubdtype(array.dtype, np.integer) else "scores"].append(array)
        elif array.ndim in (3, 4):
            kinds["masks"].append(array[:, 0] if array.ndim == 4 else array)
    if any(len(arrays) != 1 for arrays in kinds.values()):
        told = ", ".join(f"{array.dtype} {array.shape}" for array in outputs)
        raise ValueError(
            f"{path} gives {told}; a Mask R-CNN gives boxes [k 4], labels [k], scores [k], masks"
        )
    return Detections(**{name: arrays[0] for name, arrays in kinds.items()})


def _batched(array: np.ndarray, outputs: Sequence[np.ndarray]) -> bool:
    """Whether the outputs carry a batch axis of one: then the scores have two axes."""
    has_rows = any(other.ndim == 1 for other in outputs)
    return not has_rows and array.shape[0] == 1


def paste(mask: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A soft mask [mh mw] stretched over `box` (x1 y1 x2 y2 in pixels) of an image (h, w): float32 [h w].

    Bilinear between cell centres, falling to 0 over half a cell outside the box.
    """
    rows = _spread(box[1], box[3], mask.shape[0], size[0])
    columns = _spread(box[0], box[2], mask.shape[1], size[1])
    return (rows @ mask.astype(np.float32) @ columns.T).astype(np.float32)


def _spread(low: float, high: float, cells: int, pixels: int) -> np.ndarray:
    """Weights float32 [pixels cells] of linear interpolation along one axis."""
    position = (np.arange(pixels) + 0.5 - low) / max(high - low, 1e-6) * cells - 0.5
    return np.clip(1 - np.abs(position[:, None] - np.arange(cells)), 0, None).astype(np.float32)

"""Where masks come from when not from a network trained here: a Mask R-CNN as ONNX, or a folder of PNGs."""

from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ganverse_jax.data.masks.folder import MaskFolder
from ganverse_jax.models.perception import mask_rcnn, onnx_file
from ganverse_jax.models.perception.mask_rcnn import MaskRCNN
from ganverse_jax.models.perception.segmenter import Segmenter
from ganverse_jax.pipeline import remedies
from ganverse_jax.stages.perception.settings import MaskRCNNFile, SegmenterSource

KEPT = {"onnx": ("path", "class_name", "card", "label", "min_score"), "masks": ("folder", "soft")}


def chosen(settings: SegmenterSource, object_class: str) -> dict[str, Any] | None:
    """What the chosen source takes, paths made absolute; None for the stage's own network."""
    if settings.source == "network":
        return None
    kept = {name: getattr(settings, name) for name in KEPT[settings.source]}
    if kept.get("class_name") == "":
        kept["class_name"] = object_class
    for name in ("path", "folder"):
        if name in kept:
            kept[name] = str(Path(kept[name]).absolute())
    return {"source": settings.source} | kept


def absent(settings: MaskRCNNFile, setting: str) -> list[str]:
    """What is not there of a Mask R-CNN, see `Stage`. A folder of masks is made when masks are asked for."""
    told = remedies.absent(f"{setting}.path", settings.path, mask_rcnn.GET, onnx_file.check_network)
    if not told:
        look = partial(onnx_file.told_card, card=settings.card)
        told += remedies.absent(f"{setting}.card", settings.path, "or to None", look)
    return told + [f"{setting}.source: {mask_rcnn.INSTALL}"] * (find_spec("onnxruntime") is None)


def make_segmenter(settings: Mapping[str, Any]) -> Segmenter:
    """The segmenter of `chosen` settings. Raises as `MaskRCNN` and `MaskFolder` do."""
    keywords = {name: value for name, value in settings.items() if name != "source"}
    return MaskRCNN(**keywords) if settings["source"] == "onnx" else MaskFolder(**keywords)

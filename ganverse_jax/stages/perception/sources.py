"""Where masks come from when not from a network trained here: a Mask R-CNN as ONNX, or a folder of PNGs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganverse_jax.data.masks.folder import MaskFolder
from ganverse_jax.models.perception.mask_rcnn import MaskRCNN
from ganverse_jax.models.perception.segmenter import Segmenter

SETTINGS = {"onnx": ("path", "class_name", "card", "label", "min_score"), "masks": ("folder", "soft")}
SOURCES = ("network", *SETTINGS)


def chosen(settings: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The settings that the chosen source takes, paths made absolute; None for the stage's own network.

    Raises ValueError for an unknown source.
    """
    source = "network" if settings is None else settings["source"]
    if source not in SOURCES:
        raise ValueError(f"perception.segmenter.source = {source!r}; choose one of {', '.join(SOURCES)}")
    if source == "network":
        return None
    kept = {name: settings[name] for name in SETTINGS[source] if name in settings}
    for name in ("path", "folder"):
        if name in kept:
            kept[name] = str(Path(kept[name]).absolute())
    return {"source": source} | kept


def make_segmenter(settings: Mapping[str, Any]) -> Segmenter:
    """The segmenter of `chosen` settings. Raises as `MaskRCNN` and `MaskFolder` do."""
    keywords = {name: value for name, value in settings.items() if name != "source"}
    return MaskRCNN(**keywords) if settings["source"] == "onnx" else MaskFolder(**keywords)

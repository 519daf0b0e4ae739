"""The data card of a multi-view set: CARD.md with its counts, and two contact sheets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganverse_jax.data.masks import instances
from ganverse_jax.pages.grid import image_grid
from ganverse_jax.pages.markup import markdown_table
from ganverse_jax.runtime.checkpoint import write_png, write_text

CARD, KEPT, REJECTED = "CARD.md", "kept.png", "rejected.png"
MAX_SHOWN = 48
_COLUMNS, _TILE = 12, 128  # pictures in a row; pixels of their longer side at most


def write_card(
    folder: Path,
    settings: Mapping[str, Any],
    counts: Mapping[str, Any],
    views: Sequence[Mapping[str, Any]],
    *,
    images: np.ndarray,
    masks: np.ndarray,
    rejected: np.ndarray,
    rejected_for: np.ndarray,
) -> None:
    """Write CARD.md, kept.png and (when there are rejects) rejected.png into `folder`.

    counts: the stage's summary; images uint8 [n h w 3] and masks uint8 [n h w]: kept ones to show; rejected
    uint8 [m h w 3], rejected_for [m]: 1 + index of the reason. Equal arguments give equal bytes.
    """
    pairs = np.stack([images, np.repeat(masks[..., None], 3, axis=-1)], axis=1)
    _write_sheet(folder / KEPT, pairs.reshape(-1, *images.shape[1:]))
    rows = []
    for number, reason in enumerate(instances.REASONS, start=1):
        shown = rejected[rejected_for == number][:_COLUMNS]
        if len(shown):
            filling = np.full((_COLUMNS - len(shown), *shown.shape[1:]), 255, np.uint8)
            rows.append((reason, np.concatenate([shown, filling])))
    if rows:
        _write_sheet(folder / REJECTED, np.concatenate([pictures for _, pictures in rows]))
    text = card_text(settings, counts, views, [reason for reason, _ in rows])
    write_text(folder / CARD, text)


def card_text(
    settings: Mapping[str, Any],
    counts: Mapping[str, Any],
    views: Sequence[Mapping[str, Any]],
    rejected_rows: Sequence[str],
) -> str:
    """The card as Markdown; rejected_rows: the reasons of the rows of rejected.png, from the top."""
    lines = [
        "# Multi-view images sampled from a GAN",
        "",
        "Contents x views of one StyleGAN2, masks by a segmenter, bad images filtered out "
        "(arXiv:2010.09125, section 3.1). Made by the multiview_dataset stage of GANverse-JAX.",
        "",
        *_counts(counts, len(views)),
        "",
        "Splits are by object: no object is in two of them.",
        "",
        "## Views",
        "",
        *_views_table(counts["per_view"], views),
        "",
        "Bins are of 30 degrees: 0 looks at the front, 3 at the left side, 6 at the back.",
        "",
        "## Settings",
        "",
        *markdown_table(
            ("multiview_dataset.", "value"), [(f"`{name}`", value) for name, value in settings.items()], "---"
        ),
        "",
        "## Pictures",
        "",
        f"Kept images, each with its mask, evenly spaced through the set:\n\n![kept images]({KEPT})",
        "",
    ]
    if rejected_rows:
        told = "; ".join(f"row {i}: {name.replace('_', ' ')}" for i, name in enumerate(rejected_rows, 1))
        lines += [f"Some rejected images ({told}):\n\n![rejected images]({REJECTED})", ""]
    return "\n".join(lines)


def _counts(counts: Mapping[str, Any], num_views: int) -> list[str]:
    rejects = {name: counts["rejected_by_reason"][name] for name in instances.REASONS}
    splits = [(name, split["objects"], split["images"]) for name, split in counts["splits"].items()]
    return [
        f"- GAN: fingerprint `{counts['fingerprint']}`",
        f"- {counts['kept']} images kept of {counts['images']}, of {counts['objects']} objects in "
        f"{num_views} views",
        *(f"- rejected, {name.replace('_', ' ')}: {count}" for name, count in rejects.items()),
        "",
        *markdown_table(("split", "objects", "images"), splits, "---"),
    ]


def _views_table(per_view: Sequence[Mapping[str, Any]], views: Sequence[Mapping[str, Any]]) -> list[str]:
    header = ("view", "azimuth bin", "kept", *(name.replace("_", " ") for name in instances.REASONS))
    rows = [
        (view["id"], views[view["id"]]["azimuth_bin"], view["kept"])
        + tuple(view["rejected_by_reason"][name] for name in instances.REASONS)
        for view in per_view
    ]
    return markdown_table(header, rows, "---")


def _write_sheet(path: Path, pictures: np.ndarray) -> None:
    """Pictures uint8 [n h w 3] in rows of `_COLUMNS`, made smaller when they are large."""
    height, width = pictures.shape[1:3]
    if max(height, width) > _TILE:
        scale = _TILE / max(height, width)
        size = (round(scale * width), round(scale * height))
        pictures = np.stack([Image.fromarray(picture).resize(size) for picture in pictures])
    write_png(path, image_grid(pictures, _COLUMNS))

"""The multi-view dataset stage: contents x views -> images, masks, filter, a set on disk (section 3.1).

Objects are generated in parts of one split; each finished part is a shard of the set, a pure function of the
settings, so an interrupted run resumes where it stopped and ends with the same bytes. Writes
<workdir>/multiview (the set with its card, see `data.multiview.shards`) and <workdir>/multiview_dataset
(summary, pictures).
"""

import hashlib
import json
import os
import shutil
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax.data.masks import instances
from ganverse_jax.data.masks.folder import asked_together
from ganverse_jax.data.multiview import shards
from ganverse_jax.data.multiview import stored as multiview
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.pipeline.remedies import make_again
from ganverse_jax.pipeline.stage import Run, Stage
from ganverse_jax.runtime.checkpoint import read_json, read_npz, write_json, write_npz
from ganverse_jax.runtime.progress import Progress
from ganverse_jax.stages.gan import stage as gan_stage
from ganverse_jax.stages.multiview_dataset.card import MAX_SHOWN, write_card
from ganverse_jax.stages.multiview_dataset.parts import (
    IDS,
    ObjectDrawing,
    Part,
    draw_objects,
    is_whole,
    make_part,
    plan_parts,
)
from ganverse_jax.stages.multiview_dataset.settings import Settings
from ganverse_jax.stages.perception import stage as perception_stage
from ganverse_jax.stages.perception.cost import announce, batch_of
from ganverse_jax.stages.viewpoints import stage as viewpoints_stage
from ganverse_jax.stages.viewpoints.stage import Viewpoints

NAME = "multiview_dataset"
_READERS = ("inverse_graphics", "stylegan_r")  # stages that train on the set
_FORMAT = 2  # of the files: another one is another set


def folder_of(workdir: Path) -> Path:
    """The folder `data.multiview.stored.open_set` takes."""
    return Path(workdir) / "multiview"


def open_set(workdir: Path, fingerprint: str | None = None) -> multiview.StoredSet:
    """The set of a finished stage on disk, which must belong to the GAN `fingerprint` (when given).

    Raises as `multiview.open_set` and `check_views`.
    """
    check_views(Path(workdir))
    return multiview.open_set(folder_of(workdir), fingerprint, remedy=make_again(workdir, NAME))


def check_views(workdir: Path) -> None:
    """Raise ValueError when viewpoints.json was edited after the set was made from it."""
    path, made_from = viewpoints_stage.path_of(workdir), multiview.views(folder_of(workdir))
    if made_from is None or not path.is_file():  # who needs them says so
        return
    content = read_json(path, remedy="correct it, or put the former file back")
    if not isinstance(content, dict) or content.get("views") != made_from:
        made = [name for name in (NAME, *_READERS) if (workdir / name).is_dir()]
        raise ValueError(
            f"{path} has other views than the multi-view set was made from; put the former ones back, or "
            f"{make_again(workdir, *made)}"
        )


def load(workdir: Path, fingerprint: str | None = None) -> multiview.GeneratedSet:
    """The set of a finished stage in memory, as `open_set`."""
    return open_set(workdir, fingerprint).read()


def run(run: Run, settings: Settings) -> None:
    """Generate, filter and write the set; summary.json counts what was rejected, by reason and view.

    Raises ValueError for an impossible views_per_object, or when nothing passes the filter.
    """
    workdir, started = run.workdir, time.perf_counter()
    generator, views, drawing = _drawn_from(run, settings)
    gan = generator.gan
    card = _card(settings, drawing, gan_stage.load_drawing(workdir).crop, views)
    digest, notes = card["digest"], workdir / NAME / f"parts-{card['digest']}"
    if multiview.digest(folder_of(workdir)) == digest and (workdir / NAME / "figures.npz").exists():
        shutil.rmtree(notes, ignore_errors=True)  # of a run that was killed just before it
        return
    parts = plan_parts(settings.num_objects, settings.objects_per_part)
    begun = multiview.path_of(folder_of(workdir)).parent / f"incomplete.{digest}"
    begun.mkdir(parents=True, exist_ok=True)
    _make_parts(begun, notes, parts, generator, perception_stage.load(workdir).segmenter, views, drawing)
    written = [read_npz(_notes_of(notes, part)) for part in parts]
    counts = summarise(written, parts, len(views.views)) | {"fingerprint": gan.fingerprint}
    layout = shards.features(generator.size, generator.layout.size)
    figures = _describe(begun, parts, written, layout, views, card, counts)
    seconds = round(time.perf_counter() - started, 1)
    write_json(workdir / NAME / "summary.json", counts | {"seconds": seconds})
    run.metrics.write_anew(NAME, 0, images=counts["images"], kept=counts["kept"], seconds=seconds)
    write_npz(workdir / NAME / "figures.npz", **figures)
    _put_in_place(begun, folder_of(workdir))
    shutil.rmtree(notes)


def _drawn_from(run: Run, settings: Settings) -> tuple[MultiviewGenerator, Viewpoints, ObjectDrawing]:
    gan, _ = gan_stage.load(run.workdir)
    drawn = gan_stage.load_drawing(run.workdir)
    views = viewpoints_stage.load(run.workdir, gan.fingerprint, gan.module.w_dim)
    generator = MultiviewGenerator(gan, batch_size=settings.batch_size, crop=drawn.crop)
    count = check_views_per_object(settings.views_per_object, views)
    drawing = ObjectDrawing(run.seed, count, drawn.truncation, **settings.thresholds())
    return generator, views, drawing


def recomputed(run: Run, settings: Settings) -> dict[str, dict[str, Any]]:
    """Counts of summary.json anew, see `Stage`: those of the set on disk, each file of which must have its
    checksum, and of the test split those of its objects, drawn and judged again."""
    generator, views, drawing = _drawn_from(run, settings)
    stored = open_set(run.workdir, generator.gan.fingerprint)
    segmenter, splits = perception_stage.load(run.workdir).segmenter, {}
    for name in ("train", "validation"):
        rows = stored.rows_of(name)
        splits[name] = {"objects": len(np.unique(stored.object_id[rows])), "images": len(rows)}
    objects = [part.objects for part in plan_parts(settings.num_objects, settings.objects_per_part)
               if part.split == "test"]  # fmt: skip
    drawn = [draw_objects(generator, segmenter, views, some, drawing) for some in objects]
    kept = np.concatenate([part.object_id[part.reason == 0] for part in drawn])
    splits["test"] = {"objects": len(np.unique(kept)), "images": len(kept)}
    summary = {"fingerprint": generator.gan.fingerprint, "kept": len(stored), "splits": splits}
    return {"summary.json": summary}


def _card(
    settings: Settings, drawing: ObjectDrawing, crop: tuple[int, int] | None, views: Viewpoints
) -> dict:
    """What the set's card tells of how it was made; "digest" names all of it, views included."""
    card = drawing._asdict()
    card |= {"num_objects": settings.num_objects, "objects_per_part": settings.objects_per_part, "crop": crop}
    card["content_truncation"] = card.pop("psi")
    layout = [_FORMAT, views.fingerprint, views.views]
    content = json.dumps([card, layout], sort_keys=True)
    return card | {"digest": hashlib.sha256(content.encode()).hexdigest()[:16]}


def check_views_per_object(count: int | None, views: Viewpoints) -> int:
    """How many views an object is drawn in, all for None. Raises ValueError for an impossible count."""
    count = len(views.views) if count is None else count
    if not 2 <= count <= len(views.views):
        raise ValueError(
            f"multiview_dataset.views_per_object = {count} must be between 2 and the {len(views.views)} "
            "chosen views"
        )
    return count


def _notes_of(notes: Path, part: Part) -> Path:
    return notes / f"{part.name}.npz"


def _make_parts(begun: Path, notes: Path, parts: list[Part], generator, segmenter, views, drawing) -> None:
    """Make the parts that are not there. Raises MissingMasks for the images of all parts together."""
    absent = [part for part in parts if not is_whole(begun, _notes_of(notes, part), part)]
    total, left = (sum(len(part.objects) for part in some) for some in (parts, absent))
    if not absent:
        return
    told, draw = (
        f"{left:,} objects in {drawing.views_per_object} views each",
        partial(batch_of, generator),
    )
    fewer = "multiview_dataset.num_objects, multiview_dataset.views_per_object"
    announce(NAME, left * drawing.views_per_object, told, draw, segmenter, fewer=fewer)
    with Progress(NAME, total, first=total - left, unit="objects") as shown:

        def made(part: Part) -> None:
            nonlocal left
            try:
                make_part(begun, _notes_of(notes, part), part, generator, segmenter, views, drawing)
            finally:
                left -= len(part.objects)
                shown.update(total - left, show=True)

        asked_together(made, absent)


def summarise(written: list[dict[str, np.ndarray]], parts: list[Part], num_views: int) -> dict[str, Any]:
    """Counts of all, kept and rejected images, the latter by reason, in total, per view and per split.

    Raises ValueError when nothing was kept, in all or of a split.
    """
    ids = {name: np.concatenate([part[name] for part in written]) for name in ("view_id", "reason")}

    def counts(rows) -> dict[str, Any]:
        by_reason = {
            name: int((ids["reason"][rows] == 1 + i).sum()) for i, name in enumerate(instances.REASONS)
        }
        return {"kept": int((ids["reason"][rows] == 0).sum()), "rejected_by_reason": by_reason}

    splits: dict[str, dict[str, int]] = {}
    for part, found in zip(parts, written, strict=True):
        split = splits.setdefault(part.split, {"objects": 0, "images": 0})
        split["objects"] += len(np.unique(found["object_id"][found["reason"] == 0]))
        split["images"] += int(found["num_records"])
    total = {"objects": sum(len(part.objects) for part in parts), "images": len(ids["reason"])}
    total |= counts(np.ones(len(ids["reason"]), bool))
    if not total["kept"]:
        raise ValueError(
            f"the mask filter kept none of {total['images']} images; train the GAN longer, choose other "
            "views or lower multiview_dataset.min_area"
        )
    if not all(split["images"] for split in splits.values()):
        raise ValueError(
            f"the images that passed the filter split into {splits}; raise multiview_dataset.num_objects"
        )
    per_view = [{"id": view} | counts(ids["view_id"] == view) for view in range(num_views)]
    return total | {"per_view": per_view, "splits": splits}


def _describe(begun: Path, parts, written, layout, views: Viewpoints, card, counts) -> dict[str, np.ndarray]:
    """Give the shards in `begun` their metadata and card; returns a few pictures, kept and rejected."""
    for stray in begun.glob(".*"):  # begun by a run that was killed
        stray.unlink()
    by_split: dict[str, list[shards.Shard]] = {}
    for part, found in zip(parts, written, strict=True):
        shard = shards.Shard(int(found["num_records"]), int(found["num_bytes"]), str(found["sha256"]))
        by_split.setdefault(part.split, []).append(shard)
    metadata = {"fingerprint": views.fingerprint, "digest": card["digest"], "views": views.views}
    metadata["num_objects"] = card["num_objects"]
    index = {name: np.concatenate([part[name][part["reason"] == 0] for part in written]) for name in IDS}
    shards.write_metadata(begun, by_split, layout, metadata=metadata, index=index)
    stored = multiview.StoredSet(begun, remedy=f"delete {begun} and run the same command again")
    shown = np.linspace(0, len(stored) - 1, min(MAX_SHOWN, len(stored))).astype(int)
    images, masks = stored.fetch(shown)
    figures = {"images": images, "masks": masks}
    for name in ("rejected", "rejected_for"):
        figures[name] = np.concatenate([part[name] for part in written])[:MAX_SHOWN]
    write_card(begun, card, counts, views.views, **figures)
    return figures


def _put_in_place(begun: Path, folder: Path) -> None:
    """Rename the finished folder to the set's place; what else lies there is of other settings."""
    place = multiview.path_of(folder)
    for other in place.parent.iterdir():
        if other != begun:
            shutil.rmtree(other)
    os.replace(begun, place)


STAGE = Stage(
    NAME,
    "Multi-view dataset",
    Settings,
    run,
    needs=lambda settings: ("gan", "perception", "viewpoints"),
    check_edited=check_views,
    figures=("objects", "kept"),
    recomputed=recomputed,
)

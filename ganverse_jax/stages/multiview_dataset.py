"""The multi-view dataset stage: contents x views -> images, masks, filter, a set on disk (section 3.1).

Objects are generated in parts; each finished part is a file of its own, a pure function of the settings, so
an interrupted run resumes where it stopped. Writes <workdir>/multiview (the set) and
<workdir>/multiview_dataset (summary, pictures).
"""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax.checkpoint import read_npz, write_json, write_npz
from ganverse_jax.data import instances, multiview
from ganverse_jax.data.mask_folder import MissingMasks
from ganverse_jax.loop import Metrics
from ganverse_jax.models.multiview_generator import MultiviewGenerator
from ganverse_jax.stages import gan as gan_stage
from ganverse_jax.stages import perception as perception_stage
from ganverse_jax.stages import viewpoints as viewpoints_stage
from ganverse_jax.stages.viewpoints import CONTENT_SEEDS, SEED_STRIDE, Viewpoints

STAGE = "multiview_dataset"
FIRST_OBJECT = 1_000  # seeds below are the contents that views are chosen with
_SHOWN = 48


def folder_of(workdir: Path) -> Path:
    """The folder `data.multiview.read` takes."""
    return Path(workdir) / "multiview"


def load(workdir: Path, fingerprint: str | None = None) -> multiview.GeneratedSet:
    """The set of a finished stage, which must belong to the GAN `fingerprint` (when given)."""
    return multiview.read(folder_of(workdir), fingerprint)


def run(
    workdir: Path,
    *,
    seed: int,
    mesh,
    metrics: Metrics,
    world=None,
    num_objects: int,
    views_per_object: int | None,
    content_truncation: float,
    min_instance: float = 0.02,
    min_area: float = 0.10,
    objects_per_part: int = 16,
    batch_size: int = 64,
    crop: tuple[int, int] | None = None,
) -> None:
    """Generate, filter and write the set; summary.json counts what was rejected, by reason and view.

    views_per_object: how many of the chosen views each object is drawn in (fixed draw per object); None: all.
    min_instance, min_area: shares of the image, see `instances.judge`. Raises ValueError for an impossible
    views_per_object or when nothing passes the filter.
    """
    workdir, started = Path(workdir), time.perf_counter()
    gan, _ = gan_stage.load(workdir)
    views = viewpoints_stage.load(workdir, gan.fingerprint, gan.module.w_dim)
    views_per_object = len(views.views) if views_per_object is None else views_per_object
    if not 2 <= views_per_object <= len(views.views):
        raise ValueError(
            f"multiview_dataset.views_per_object = {views_per_object} must be between 2 and the "
            f"{len(views.views)} chosen views"
        )
    generator = MultiviewGenerator(gan, batch_size=batch_size, crop=crop)
    segmenter = perception_stage.load(workdir).segmenter
    settings = {
        "seed": seed,
        "views_per_object": views_per_object,
        "psi": content_truncation,
        "min_instance": min_instance,
        "min_area": min_area,
    }
    layout = [num_objects, objects_per_part, crop, gan.fingerprint, [view["w"] for view in views.views]]
    digest = hashlib.sha256(json.dumps([settings, layout], sort_keys=True).encode()).hexdigest()[:16]
    if multiview.digest(folder_of(workdir)) == digest and (workdir / STAGE / "figures.npz").exists():
        return
    parts_folder = workdir / STAGE / f"parts-{digest}"
    paths, missing = [], []
    for start in range(0, num_objects, objects_per_part):
        objects = np.arange(start, min(num_objects, start + objects_per_part))
        paths.append(parts_folder / f"part_{start:07d}.npz")
        if not paths[-1].exists():
            try:
                write_npz(paths[-1], **make_part(generator, segmenter, views, objects, **settings))
            except MissingMasks as error:  # go on, so that one error tells all that are wanted
                missing.append(error)
        print(f"[{STAGE}] {objects[-1] + 1}/{num_objects} objects", flush=True)
    if missing:
        raise MissingMasks.together(missing)
    _finish(workdir, paths, views, generator, digest, metrics, started)
    shutil.rmtree(parts_folder)


def make_part(
    generator: MultiviewGenerator,
    segmenter,
    views: Viewpoints,
    objects: np.ndarray,
    *,
    seed: int,
    views_per_object: int,
    psi: float,
    min_instance: float,
    min_area: float,
) -> dict[str, np.ndarray]:
    """Arrays of one part file: ids and verdict of every image, PNG bytes and W* of the kept ones.

    Byte strings of different lengths lie end to end in `images` and `masks`, lengths beside them.
    """
    seeds = CONTENT_SEEDS + SEED_STRIDE * seed + FIRST_OBJECT + objects
    contents = generator.codes(seeds, psi)
    view_id = np.concatenate(
        [_views_of_object(seed, int(o), len(views.w), views_per_object) for o in objects]
    )
    row = np.repeat(np.arange(len(objects)), views_per_object)
    images, w_star = generator.pairs(views.w[view_id], contents[row])
    verdict = instances.judge_images(segmenter, images, min_instance=min_instance, min_area=min_area)
    names = (instances.KEPT, *instances.REASONS)
    reason = np.array([names.index(name) for name in verdict.reason], np.int8)
    kept = np.flatnonzero(reason == 0)
    part = {"object_id": objects[row], "view_id": view_id, "content_seed": seeds[row], "reason": reason}
    part |= {"w_star": w_star[kept], "rejected": images[reason > 0][:8]}
    for name, arrays in (("image", images), ("mask", verdict.masks)):
        encoded = [multiview.encode_png(arrays[i]) for i in kept]
        part[f"{name}s"] = np.frombuffer(b"".join(encoded), np.uint8)
        part[f"{name}_lengths"] = np.array([len(data) for data in encoded], np.int64)
    return part


def _views_of_object(seed: int, number: int, num_views: int, count: int) -> np.ndarray:
    return np.sort(np.random.default_rng([seed, number]).choice(num_views, count, replace=False))


def records_of(path: Path) -> Iterator[dict[str, Any]]:
    """The kept records of a part file, in the form `data.multiview.write` takes."""
    part = read_npz(path)
    ends = {name: np.cumsum(part[f"{name}_lengths"]) for name in ("image", "mask")}
    for i, row in enumerate(np.flatnonzero(part["reason"] == 0)):
        record = {name: int(part[name][row]) for name in ("object_id", "view_id", "content_seed")}
        for name, end in ends.items():
            record[name] = part[f"{name}s"][end[i] - part[f"{name}_lengths"][i] : end[i]].tobytes()
        yield record | {"w_star": part["w_star"][i]}


def _finish(workdir, paths, views: Viewpoints, generator, digest: str, metrics: Metrics, started) -> None:
    """Write the set from its parts, then pictures and summary."""
    parts = [read_npz(path) for path in paths]
    ids = {
        name: np.concatenate([part[name] for part in parts]) for name in ("object_id", "view_id", "reason")
    }
    rejected = np.concatenate([part["rejected"] for part in parts])
    del parts
    kept = ids["reason"] == 0
    if not kept.any():
        raise ValueError(
            f"the mask filter kept none of {len(kept)} images; train the GAN longer, choose other views or "
            "lower multiview_dataset.min_area"
        )
    splits = multiview.split_objects(ids["object_id"][kept])
    if not all(map(len, splits.values())):
        sizes = {name: len(objects) for name, objects in splits.items()}
        raise ValueError(
            f"the objects that passed the filter split into {sizes}; raise multiview_dataset.num_objects"
        )

    def records(objects: set[int]):
        return lambda: (r for path in paths for r in records_of(path) if r["object_id"] in objects)

    first = next(record for path in paths for record in records_of(path))
    multiview.write(
        folder_of(workdir),
        {name: records(set(objects.tolist())) for name, objects in splits.items()},
        image_shape=multiview.decode_png(first["image"]).shape[:2],
        w_star_size=generator.layout.size,
        metadata={"fingerprint": views.fingerprint, "digest": digest, "views": views.views},
    )
    seconds = round(time.perf_counter() - started, 1)
    summary = summarise(ids, len(views.views)) | {"fingerprint": views.fingerprint, "seconds": seconds}
    summary["splits"] = {name: len(objects) for name, objects in splits.items()}
    write_json(workdir / STAGE / "summary.json", summary)
    metrics.write(STAGE, 0, images=len(kept), kept=int(kept.sum()), seconds=seconds)
    _write_figures(workdir, paths, int(kept.sum()), rejected)


def summarise(ids: dict[str, np.ndarray], num_views: int) -> dict[str, Any]:
    """Counts of all, kept and rejected images, the latter by reason, in total and per view."""

    def counts(rows):
        by_reason = {
            name: int((ids["reason"][rows] == 1 + i).sum()) for i, name in enumerate(instances.REASONS)
        }
        return {"kept": int((ids["reason"][rows] == 0).sum()), "rejected_by_reason": by_reason}

    everything = np.ones(len(ids["reason"]), bool)
    return (
        {"objects": len(np.unique(ids["object_id"])), "images": len(everything)}
        | counts(everything)
        | {"per_view": [{"id": view} | counts(ids["view_id"] == view) for view in range(num_views)]}
    )


def _write_figures(workdir: Path, paths, num_kept: int, rejected: np.ndarray) -> None:
    """A few kept images with their masks, evenly spaced through the set, and rejected ones."""
    wanted = set(np.linspace(0, num_kept - 1, min(_SHOWN, num_kept)).astype(int).tolist())
    shown = [record for i, record in enumerate(r for path in paths for r in records_of(path)) if i in wanted]
    write_npz(
        workdir / STAGE / "figures.npz",
        images=np.stack([multiview.decode_png(record["image"]) for record in shown]),
        masks=np.stack([multiview.decode_png(record["mask"]) for record in shown]),
        rejected=rejected[:_SHOWN],
    )

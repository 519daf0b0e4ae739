"""Parts of the multi-view set: some objects of one split, drawn, judged and written as one shard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.data.masks import instances
from ganverse_jax.data.multiview import shards
from ganverse_jax.data.multiview.set import split_objects
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.runtime.checkpoint import read_npz, write_npz
from ganverse_jax.stages.viewpoints.stage import CONTENT_SEEDS, SEED_STRIDE, Viewpoints

FIRST_OBJECT = 1_000  # seeds below are the contents that views are chosen with
IDS = ("object_id", "view_id", "content_seed")


class Part(NamedTuple):
    """Objects [o] of one split that make one shard, under its final name."""

    split: str
    name: str
    objects: np.ndarray


class Drawn(NamedTuple):
    """Images of objects in views, judged: object_id, view_id, content_seed [n]; images uint8 [n h w 3],
    masks uint8 [n h w], w_star float32 [n s]; reason int8 [n], 0: kept, else 1 + its index in `REASONS`."""

    object_id: np.ndarray
    view_id: np.ndarray
    content_seed: np.ndarray
    images: np.ndarray
    masks: np.ndarray
    w_star: np.ndarray
    reason: np.ndarray


def plan_parts(num_objects: int, objects_per_part: int) -> list[Part]:
    """The parts of the set, split by split."""
    parts = []
    for split, objects in split_objects(np.arange(num_objects)).items():
        objects = np.sort(objects)
        chunks = [objects[i : i + objects_per_part] for i in range(0, len(objects), objects_per_part)]
        parts += [
            Part(split, shards.shard_name(split, number, len(chunks)), chunk)
            for number, chunk in enumerate(chunks)
        ]
    return parts


class ObjectDrawing(NamedTuple):
    """How objects are drawn: seed of the draw of views and contents, truncation psi of the contents, and the
    filter's shares (`instances.judge`)."""

    seed: int
    views_per_object: int
    psi: float
    min_instance: float
    min_area: float


def draw_objects(
    generator: MultiviewGenerator, segmenter, views: Viewpoints, objects: np.ndarray, drawing: ObjectDrawing
) -> Drawn:
    """Images of `objects` [o], each in its fixed draw of views, with the filter's verdict."""
    seed, count = drawing.seed, drawing.views_per_object
    seeds = CONTENT_SEEDS + SEED_STRIDE * seed + FIRST_OBJECT + objects
    contents = generator.codes(seeds, drawing.psi)
    view_id = np.concatenate([_views_of_object(seed, int(o), len(views.w), count) for o in objects])
    row = np.repeat(np.arange(len(objects)), count)
    images, w_star = generator.pairs(views.w[view_id], contents[row])
    verdict = instances.judge_images(
        segmenter, images, min_instance=drawing.min_instance, min_area=drawing.min_area
    )
    names = (instances.KEPT, *instances.REASONS)
    reason = np.array([names.index(name) for name in verdict.reason], np.int8)
    return Drawn(objects[row], view_id, seeds[row], images, verdict.masks, w_star, reason)


def _views_of_object(seed: int, number: int, num_views: int, count: int) -> np.ndarray:
    return np.sort(np.random.default_rng([seed, number]).choice(num_views, count, replace=False))


def make_part(
    begun: Path,
    notes: Path,
    part: Part,
    generator: MultiviewGenerator,
    segmenter,
    views: Viewpoints,
    drawing: ObjectDrawing,
) -> None:
    """Draw a part, write its shard into `begun`, then its notes: ids and verdict of every image, kept or
    not, some rejects, size and checksum of the shard."""
    drawn = draw_objects(generator, segmenter, views, part.objects, drawing)
    layout = shards.features(drawn.images.shape[1:3], generator.layout.size)
    shard = shards.write_shard(begun / part.name, _records(drawn), layout)
    rejected = np.flatnonzero(drawn.reason > 0)[:8]
    ids = {name: getattr(drawn, name) for name in (*IDS, "reason")}
    pictures = {"rejected": drawn.images[rejected], "rejected_for": drawn.reason[rejected]}
    write_npz(notes, **ids, **pictures, **{name: np.array(value) for name, value in shard._asdict().items()})


def _records(drawn: Drawn) -> Iterator[dict[str, Any]]:
    for row in np.flatnonzero(drawn.reason == 0):
        record = {name: int(getattr(drawn, name)[row]) for name in IDS}
        pictures = {
            "image": shards.encode_png(drawn.images[row]),
            "mask": shards.encode_png(drawn.masks[row]),
        }
        yield record | pictures | {"w_star": drawn.w_star[row]}


def is_whole(begun: Path, notes: Path, part: Part) -> bool:
    """Whether a part was finished by an earlier run: its notes, which are written last, fit its shard.

    What does not fit, such as files that a failing disk or another hand changed, is made again.
    """
    if not notes.exists() or not (begun / part.name).exists():
        return False
    try:
        found = read_npz(notes)
    except ValueError:  # no NPZ
        return False
    if set(found) != {*IDS, "reason", "rejected", "rejected_for", *shards.Shard._fields}:
        return False
    return (begun / part.name).stat().st_size == int(found["num_bytes"])

"""Pascal3D+ for the inverse graphics stage: its masks' source, what was read, and what was left out."""

from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax.data.pascal3d.masks import GET_PNGS, Instances, png_instances, segmenter_instances
from ganverse_jax.data.pascal3d.release import Pascal3D, annotation_folders, read_pascal3d
from ganverse_jax.pipeline import remedies
from ganverse_jax.runtime import hosts
from ganverse_jax.runtime.checkpoint import write_json, write_npz
from ganverse_jax.stages.inverse_graphics.settings import Masks, Pascal3DReader
from ganverse_jax.stages.perception import sources as perception_sources


def read(folder: Path | None, root: str | Path, settings: Pascal3DReader, object_class: str) -> Pascal3D:
    """Read the release at `root`; write pascal3d.json and pascal3d_keypoints.npz to `folder`, if given.

    Raises as `read_pascal3d` does, and ValueError when no object is left for training or for testing.
    """
    found = open_release(root, settings, object_class)
    counts = {name: len(found.multiview.splits[name]) for name in ("train", "test")}
    print(f"[pascal3d] {counts['train']} training and {counts['test']} test objects", flush=True)
    for line in found.intake.lines():
        print(f"[pascal3d] {line}", flush=True)
    for name, count in counts.items():
        if not count:
            left_out = dict(found.intake.left_out)
            raise ValueError(f"no {name} object of {root} is left, left out are {left_out}; make masks")
    if folder is not None and hosts.is_first():
        record = {"objects": found.objects, "counts": counts, "root": str(root)} | found.intake.summary()
        _record(folder, record, found)
    return found


def _record(folder: Path, record: dict[str, Any], found: Pascal3D) -> None:
    write_json(folder / "pascal3d.json", record)
    write_npz(
        folder / "pascal3d_keypoints.npz",
        names=np.array(found.keypoint_names),
        points=found.keypoints,
        visible=found.visible,
    )


def open_release(root: str | Path, settings: Pascal3DReader, object_class: str) -> Pascal3D:
    """The release at `root` as the settings read it; raises as `read_pascal3d`."""
    annotation_folders(root, object_class)  # before the masks, which lie in it
    reading = {name: value for name, value in vars(settings).items() if name != "masks"}
    masks = instances_from(settings.masks, root, object_class)
    return read_pascal3d(root, masks, object_class=object_class, **reading)


def instances_from(masks: Masks, root: str | Path, object_class: str) -> Instances:
    """Where masks come from: one PNG per picture in a folder, or one of perception's sources.

    Raises whatever opening it raises.
    """
    if masks.source == "pngs":
        return png_instances(_folder_of(masks, root))
    chosen = perception_sources.chosen(masks, object_class)
    return segmenter_instances(perception_sources.make_segmenter(chosen))


def _folder_of(masks: Masks, root: str | Path) -> Path:
    return Path(masks.folder or Path(root) / "masks")


def absent(root: str, masks: Masks, stage: str) -> list[str]:
    """What is not there of the release at `root` and of its masks, see `Stage`."""
    get = "set it to an unpacked PASCAL3D+_release1.1"
    told = remedies.absent(f"{stage}.pascal3d", Path(root) / "Annotations", get)
    setting = f"{stage}.pascal3d_reader.masks"
    if masks.source == "onnx":
        told += perception_sources.absent(masks, setting)
    elif masks.source == "pngs":
        told += remedies.absent(f"{setting}.folder", _folder_of(masks, root), GET_PNGS)
    return told

"""Pascal3D+ for the inverse graphics stage: its masks' source, what was read, and what was left out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax.data.pascal3d.masks import Instances, png_instances, segmenter_instances
from ganverse_jax.data.pascal3d.release import Pascal3D, annotation_folders, read_pascal3d
from ganverse_jax.runtime.checkpoint import write_json, write_npz
from ganverse_jax.stages.perception import sources as perception_sources


def read(folder: Path, root: str | Path, *, masks: Mapping[str, Any], **settings: Any) -> Pascal3D:
    """Read the release at `root`; write pascal3d.json and pascal3d_keypoints.npz to the stage's `folder`.

    masks: settings of `instances_from`. settings: keywords of `read_pascal3d`.
    Raises as `read_pascal3d` does, and ValueError when no object is left for training or for testing.
    """
    annotation_folders(root, settings.get("object_class", "car"))  # before the masks, which lie in it
    found = read_pascal3d(root, instances_from(masks, root), **settings)
    counts = {name: len(found.multiview.splits[name]) for name in ("train", "test")}
    print(f"[pascal3d] {counts['train']} training and {counts['test']} test objects", flush=True)
    print(f"[pascal3d] left out: {found.left_out}", flush=True)
    for name, count in counts.items():
        if not count:
            raise ValueError(f"no {name} object of {root} is left, left out are {found.left_out}; make masks")
    write_json(
        folder / "pascal3d.json",
        {"objects": found.objects, "left_out": found.left_out, "counts": counts, "root": str(root)},
    )
    write_npz(
        folder / "pascal3d_keypoints.npz",
        names=np.array(found.keypoint_names),
        points=found.keypoints,
        visible=found.visible,
    )
    return found


def instances_from(masks: Mapping[str, Any], root: str | Path) -> Instances:
    """Where masks come from: "source" is "pngs" (a "folder" of one PNG per picture, by default ROOT/masks),
    or one of perception's, "onnx" (a Mask R-CNN) and "masks" (PNGs named by content).

    Raises ValueError for another source, and whatever opening it raises.
    """
    source = masks["source"]
    if source == "pngs":
        return png_instances(masks["folder"] or Path(root) / "masks")
    if source not in perception_sources.SETTINGS:
        known = ", ".join(["pngs", *perception_sources.SETTINGS])
        raise ValueError(f"inverse_graphics.pascal3d_reader.masks.source = {source!r}; choose one of {known}")
    return segmenter_instances(perception_sources.make_segmenter(perception_sources.chosen(masks)))

"""launch.train as two processes: every stage leaves what it leaves in one process on two devices."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.runtime.loop import Metrics
from tests.pipeline.processes import FLAGS, ended, started, two

POSED = {"num_steps": 8, "camera_start": 2, "log_every": 2, "save_every": 4}
RUN = {
    "viewpoints": {"num_views": 8},
    "multiview_dataset": {"num_objects": 24, "views_per_object": 6},
    "inverse_graphics": POSED | {"perceptual_start": 4, "labelled.num_images": 64},
    "inverse_graphics_posed": POSED | {"num_objects": 24, "views_per_object": 6},
    "stylegan_r": {
        "num_examples": 48, "num_samples": 40, "num_test": 8, "warmup.num_steps": 8, "finetune.num_steps": 4,
        "log_every": 2, "save_every": 4,
    },
}  # fmt: skip
NETWORKS = {
    "gan": {"num_images": 64, "num_steps": 4, "batch_size": 8, "log_every": 1, "save_every": 2},
    "perception": {
        "num_train": 64, "num_validation": 16, "batch_size": 8, "segmenter_steps": 4, "pose_steps": 4,
        "log_every": 1,
    },
}  # fmt: skip
LABELS = {
    "self_labels": {
        "num_images": 48, "num_meshes": 8, "render_steps": 2, "pose_steps": 2, "batch_size": 4,
        "refine.num_steps": 2, "refine.batch_size": 4, "min_certainty": 0.0, "max_mirror_degrees": 180.0,
        "log_every": 1,
    },
}  # fmt: skip


def numbers(value, path: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of a JSON value, but for times, by their place."""
    if isinstance(value, dict):
        for name, item in value.items():
            if not name.endswith(("time", "seconds", "minutes")):
                yield from numbers(item, f"{path}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from numbers(item, f"{path}/{index}")
    elif isinstance(value, int | float):
        yield path, value


def files(workdir: Path) -> set[str]:
    """What a run leaves, but for what it keeps of pictures, of programs and for resuming."""
    found = (path.relative_to(workdir) for path in workdir.rglob("*") if path.is_file())
    return {str(path) for path in found if not {"cache", "checkpoints"} & set(path.parts)}


def assert_same(found: Path, expected: Path) -> None:
    """The same files, lines and figures. Two float32 numbers have one sum in any order, and equal bits were
    measured: the tolerance is for machines whose cores share their work in another way."""
    assert files(found) == files(expected)
    rows = [
        [row for row in Metrics(folder).read() if row["stage"] != "report"] for folder in (found, expected)
    ]
    assert len(rows[0]) == len(rows[1])
    pairs = {f"line {line}": pair for line, pair in enumerate(zip(*rows, strict=True))}
    for path in [*expected.rglob("summary.json"), *expected.rglob("evaluation.json")]:
        name = path.relative_to(expected)
        pairs[str(name)] = (read_json(found / name), read_json(path))
    for name, pair in pairs.items():
        one, other = (dict(numbers(value)) for value in pair)
        assert one.keys() == other.keys(), name
        for place, value in other.items():
            np.testing.assert_allclose(one[place], value, rtol=1e-5, atol=1e-7, err_msg=name + place)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "settings", "stages"),
    [
        ("toy_car", RUN, ""),
        ("toy_car_round1", NETWORKS, "--stages=gan,perception"),
        ("toy_car_labels", LABELS, "--stages=self_labels"),
    ],
)
def test_every_stage_leaves_what_one_process_leaves(tmp_path, config, settings, stages):
    given = [f"--config={config}", *filter(None, [stages])]
    given += [f"--config.{section}.{name}={value}" for section, changes in settings.items()
              for name, value in changes.items()]  # fmt: skip
    whole, shared = tmp_path / "whole", tmp_path / "shared"
    flags = FLAGS.replace("device_count=1", "device_count=2")
    on_two_devices = ("--config.num_devices=2", f"--workdir={whole}")
    found = ended([started("launch.train", *given, *on_two_devices, XLA_FLAGS=flags)], seconds=3600)
    found += ended(two("launch.train", *given, f"--workdir={shared}"), seconds=3600)
    assert [status for status, *_ in found] == [0, 0, 0], [errors for *_, errors in found]
    assert_same(shared, whole)

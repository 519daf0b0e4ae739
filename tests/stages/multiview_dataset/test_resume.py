"""The multi-view set after kills and tampering: the bytes of an undisturbed run."""

import os
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ganverse_jax.data.multiview import stored as multiview
from ganverse_jax.runtime.checkpoint import write_npz
from ganverse_jax.stages.multiview_dataset import parts as multiview_parts
from ganverse_jax.stages.multiview_dataset import stage as multiview_dataset
from ganverse_jax.stages.viewpoints import stage as viewpoints
from tests.stages.tiny_world import files_of


class Killed(BaseException):
    """Stands for a process that dies: nothing may catch it."""


MOMENTS = ("before a shard", "in a shard", "before its notes", "in the metadata", "before the renaming")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_killed_at_any_moment_goes_on_to_the_same_bytes(stages, monkeypatch, moment):
    stages(viewpoints)
    workdir = stages(multiview_dataset)
    folder = multiview_dataset.folder_of(workdir)
    whole = files_of(folder)
    shutil.rmtree(folder)
    places = {
        "before a shard": (multiview_parts, "draw_objects", 3),
        "in a shard": (multiview_parts.shards, "sha256_of", 2),
        "before its notes": (multiview_parts, "write_npz", 2),
        "in the metadata": (multiview_dataset.shards, "write_checksums", 1),
        "before the renaming": (multiview_dataset.os, "replace", None),
    }
    module, name, last = places[moment]
    original, calls = getattr(module, name), []

    def dying(*arguments, **keywords):
        calls.append(arguments)
        renames = last is None and "incomplete" in Path(arguments[0]).name
        if renames or len(calls) == last:
            if moment == "in a shard":  # what a kill leaves, where an exception is cleaned up after
                shutil.copy(arguments[0], arguments[0].with_name(".multiview-train.array_record-x"))
            raise Killed
        return original(*arguments, **keywords)

    with monkeypatch.context() as patched:
        patched.setattr(module, name, dying)
        with pytest.raises(Killed):
            stages(multiview_dataset)
    assert multiview.digest(folder) is None
    drawn = []
    monkeypatch.setattr(
        multiview_dataset,
        "make_part",
        lambda *args, **kw: drawn.append(1) or multiview_parts.make_part(*args, **kw),
    )
    stages(multiview_dataset)
    assert files_of(folder) == whole
    # 12 objects in parts of 4 of one split: three for training, one each for validation and test
    assert len(drawn) == {"before a shard": 3, "in a shard": 4, "before its notes": 4}.get(moment, 0)
    assert not list((workdir / "multiview_dataset").glob("parts-*"))


@pytest.mark.parametrize("harm", ["other arrays", "no NPZ", "short shard", "no shard"])
def test_a_part_that_was_tampered_with_is_made_again(stages, monkeypatch, harm):
    stages(viewpoints)
    workdir = stages(multiview_dataset)
    folder = multiview_dataset.folder_of(workdir)
    whole = files_of(folder)
    shutil.rmtree(folder)
    with monkeypatch.context() as patched:
        patched.setattr(multiview_dataset, "summarise", None)
        with pytest.raises(TypeError):
            stages(multiview_dataset)
    notes = next((workdir / "multiview_dataset").glob("parts-*/*train*00001*"))
    shard = next(folder.rglob("*train*00001*"))
    if harm == "other arrays":
        write_npz(notes, object_id=np.arange(3))
    elif harm == "no NPZ":
        notes.write_bytes(notes.read_bytes()[:50])
    elif harm == "short shard":
        shard.write_bytes(shard.read_bytes()[:-1])
    else:
        shard.unlink()
    stages(multiview_dataset)
    assert files_of(folder) == whole


@pytest.mark.slow
def test_a_process_killed_again_and_again_leaves_the_bytes_of_an_undisturbed_one(tmp_path):
    """Kill -9 at random moments of the toy run's stage, the same command each time."""
    root = Path(__file__).parents[3]
    code = """
import sys
from pathlib import Path
from configs import toy_car
from ganverse_jax import stages
config = toy_car.get_config()
config.multiview_dataset.update(num_objects=60, views_per_object=4, objects_per_part=2)
stages.pipeline(stages.experiment_of(config.to_dict()), Path(sys.argv[1])).run(until="multiview_dataset")
"""
    environment = os.environ | {"XLA_FLAGS": "", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(root)}
    moments, kills = random.Random(0), 0

    def run(workdir, *, kill_after: int | None = None):
        """Lines of progress it printed; kills it a moment after `kill_after` of them."""
        with subprocess.Popen(
            [sys.executable, "-u", "-c", code, str(workdir)],
            cwd=root, env=environment, text=True, stdout=subprocess.PIPE,
        ) as process:  # fmt: skip
            count = 0
            for line in process.stdout:
                count += bool(re.match(r"\[multiview_dataset\] \d+/60 objects", line))
                if count == kill_after:
                    time.sleep(moments.uniform(0, 0.2))
                    process.kill()
        return process.returncode

    assert run(tmp_path / "undisturbed") == 0
    for lines in (1, 5, 8, 11):  # a line a part, of 30 parts
        kills += run(tmp_path / "killed", kill_after=lines) == -9
    assert kills == 4
    assert run(tmp_path / "killed") == 0
    undisturbed = files_of(tmp_path / "undisturbed" / "multiview")
    assert files_of(tmp_path / "killed" / "multiview") == undisturbed and len(undisturbed) > 30

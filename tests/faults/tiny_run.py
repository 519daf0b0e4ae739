"""The real command in a minute: the toy run of tiny counts, followed, killed, and compared with another."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ganverse_jax.runtime.checkpoint import fingerprint, load_weights, read_json

ROOT = Path(__file__).parents[2]
STAGES = ("gan", "perception", "viewpoints", "multiview_dataset", "inverse_graphics",
          "inverse_graphics_posed", "stylegan_r", "report")  # fmt: skip
TRAINING = {"batch_size": 2, "camera_start": 3, "log_every": 2, "save_every": 3}
COUNTS = {
    "viewpoints": {"num_views": 12, "num_contents": 16},
    "multiview_dataset": {"num_objects": 24, "views_per_object": 4, "objects_per_part": 5},
    "inverse_graphics": TRAINING | {
        "num_steps": 12, "perceptual_start": 6, "labelled.batch_size": 2, "labelled.num_images": 64,
    },
    "inverse_graphics_posed": TRAINING | {
        "num_steps": 6, "num_objects": 20, "num_views": 6, "views_per_object": 3, "num_evaluated": 2,
    },
    "stylegan_r": {
        "num_examples": 48, "num_samples": 16, "num_test": 8, "sweep_steps": 3, "warmup.num_steps": 6,
        "warmup.batch_size": 4, "finetune.num_steps": 4, "finetune.batch_size": 2, "log_every": 2,
        "save_every": 2,
    },
}  # fmt: skip
SETTINGS = [f"--config.{stage}.{name}={value}" for stage, counts in COUNTS.items()
            for name, value in counts.items()]  # fmt: skip


def started(workdir: Path, *arguments: str, through: Sequence[str] = (), user: int | None = None,
            **environment: str) -> subprocess.Popen:  # fmt: skip
    """launch.train in a process group of its own. through: a module (with its arguments) that runs it."""
    train = ["launch.train", "--config=configs/toy_car.py", f"--workdir={workdir}", *SETTINGS, *arguments]
    # One device (pytest's own four would be inherited), and keys of compiled programs without the folder's
    # path, so that a copied cache serves.
    variables = os.environ | {
        "XLA_FLAGS": os.environ["XLA_FLAGS"].replace("device_count=4", "device_count=1"),
        "JAX_PLATFORMS": "cpu",
        "JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES": "none",
    }
    return subprocess.Popen(
        [sys.executable, "-u", "-m", *through, *train], cwd=ROOT, env=variables | environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, user=user,
    )  # fmt: skip


def followed(process: subprocess.Popen, on_line: Callable[[str], None] = lambda line: None) -> str:
    """Its output to the end; on_line is called for each line as it comes."""
    lines = []
    with process:
        for line in process.stdout:
            lines.append(line)
            on_line(line.rstrip())
    return "".join(lines)


def run_to_the_end(workdir: Path, *arguments: str) -> str:
    """An undisturbed run, or the rest of one; its output."""
    process = started(workdir, *arguments)
    output = followed(process)
    assert process.returncode == 0, output[-3000:]
    return output


def stopped_after(workdir: Path, beginning: str, *arguments: str, sent: int = signal.SIGKILL) -> str:
    """The output of a run that is sent a signal when it prints a line that begins so."""
    process, seen = started(workdir, *arguments), []

    def on_line(line: str) -> None:
        if line.startswith(beginning) and not seen:
            seen.append(line)
            process.send_signal(sent)

    output = followed(process, on_line)
    assert seen, f"no line begins {beginning!r}: {output[-3000:]}"
    assert process.returncode in (-sent, 128 + sent), output[-3000:]
    return output


def copied(workdir: Path, target: Path, until: str = STAGES[0]) -> Path:
    """What a run holds of what comes before the stage `until`, with all that was compiled."""
    shutil.copytree(workdir / "cache", target / "cache")
    before = STAGES[: STAGES.index(until)]
    for name in before:
        shutil.copytree(workdir / name, target / name)
    if "multiview_dataset" in before:
        shutil.copytree(workdir / "multiview", target / "multiview")
    lines = (workdir / "metrics.jsonl").read_text().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["stage"].startswith(tuple(before) or "-")]
    (target / "metrics.jsonl").write_text("".join(kept))
    return target


def results(workdir: Path, made: Sequence[str] = STAGES) -> dict:
    """What the stages `made` found: figures, logged lines, written weights, the multi-view set's sums."""
    found = {}
    for path in sorted(path for name in made for path in (workdir / name).rglob("*")):
        if path.name in ("summary.json", "evaluation.json"):
            found[str(path.relative_to(workdir))] = _without_times(read_json(path))
        elif path.suffix == ".safetensors":
            weights, metadata = load_weights(path)
            found[str(path.relative_to(workdir))] = (fingerprint(weights), metadata)
    rows = [_without_times(json.loads(line)) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    for name in made[:7]:  # the report's one line is the size of a page with times
        logged = (name, f"{name}_evaluation", f"{name}_warmup", f"{name}_finetune")
        found[f"metrics of {name}"] = [row for row in rows if row["stage"] in logged]
    (sums,) = workdir.glob("multiview/*/*/SHA256SUMS")
    found["multiview"] = sums.read_text()
    found["finished"] = [name for name in made if (workdir / name / "DONE.json").is_file()]
    return found


def assert_same(workdir: Path, undisturbed: Path, last: str = STAGES[-1]) -> None:
    """Both runs found the same in the stages up to `last`, to the last digit, and left nothing half done."""
    made = STAGES[: STAGES.index(last) + 1]
    found, expected = results(workdir, made), results(undisturbed, made)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == value, name
    left = [path for path in workdir.rglob("*") if path.name == "BEGUN.json" or ".tmp" in path.name]
    assert not left and found["finished"] == list(made)


def _without_times(value):
    if isinstance(value, dict):
        timed = ("time", "seconds", "minutes")
        return {key: _without_times(item) for key, item in value.items() if not key.endswith(timed)}
    return value

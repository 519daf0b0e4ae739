"""All stages of one experiment in order; each reads what earlier ones left in the workdir."""

import contextlib
import difflib
import fcntl
import hashlib
import importlib.metadata
import json
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax

from ganverse_jax.pipeline.remedies import make
from ganverse_jax.pipeline.setting_checks import check_settings
from ganverse_jax.runtime import parallel
from ganverse_jax.runtime.checkpoint import read_json, write_atomic, write_json
from ganverse_jax.runtime.loop import Metrics
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics_posed import stage as inverse_graphics_posed
from ganverse_jax.stages.multiview_dataset import stage as multiview_dataset
from ganverse_jax.stages.perception import stage as perception
from ganverse_jax.stages.report import stage as report
from ganverse_jax.stages.stylegan_r import stage as stylegan_r
from ganverse_jax.stages.viewpoints import stage as viewpoints
from ganverse_jax.stages.viewpoints.choice import check_choice

# Stage -> (its run function, the stages whose results it reads).
STAGES: dict[str, tuple[Callable, tuple[str, ...]]] = {
    "gan": (gan.run, ()),
    "perception": (perception.run, ()),
    "viewpoints": (viewpoints.run, ("gan", "perception")),
    "multiview_dataset": (multiview_dataset.run, ("gan", "perception", "viewpoints")),
    "inverse_graphics": (inverse_graphics.run, ("gan", "perception", "multiview_dataset")),
    "inverse_graphics_posed": (inverse_graphics_posed.run, ("gan",)),
    "stylegan_r": (stylegan_r.run, ("gan", "perception", "multiview_dataset", "inverse_graphics")),
    "report": (report.run, ()),
}  # fmt: skip
# What a person may have edited since a stage finished: stage -> check(workdir), which raises ValueError.
FINISHED = {"viewpoints": viewpoints.check_annotation, "multiview_dataset": multiview_dataset.check_views}
# Pretrained weights stand in for these unless the command line names them.
PRETRAINABLE = ("gan", "perception")
PACKAGES = (
    "jax",
    "jaxlib",
    "flax",
    "optax",
    "orbax-checkpoint",
    "numpy",
    "tensorflow-datasets",
    "ganverse-jax",
)


def run(
    config: dict[str, Any], workdir: Path, *, stages: Sequence[str] | None = None, until: str | None = None
) -> None:
    """Run ``stages`` (all by default) of the experiment ``config`` in ``workdir``, no further than ``until``.

    ``config`` has one section of plain settings per stage (None: not part of the experiment) beside
    "world", "seed" and "num_devices". A finished stage is skipped when its settings and the stages
    it reads are unchanged; an interrupted one resumes. Raises ValueError for an unknown stage,
    settings that cannot be or that differ from the workdir's, a stage whose inputs are missing, or a workdir
    in use. Weights that a named stage reads and ``stages`` does not name are taken from ``pretrained``, where
    the settings say it.
    """
    _check(config, stages)
    with only_run(workdir):
        _run_stages(config, workdir, stages, until)


def run_held(config: dict[str, Any], workdir: Path, *, until: str | None = None) -> None:
    """As :func:`run`, for a caller that holds the workdir's lock (:func:`only_run`) for longer."""
    _check(config, None)
    _run_stages(config, workdir, None, until)


def _run_stages(
    config: dict[str, Any], workdir: Path, stages: Sequence[str] | None, until: str | None
) -> None:
    mesh, metrics = parallel.data_mesh(config.get("num_devices")), Metrics(workdir)
    for name in FINISHED if stages is not None else ():
        read = "report" in stages or any(name in upstream(other, config) for other in stages)
        if read and name not in stages and (workdir / name / "DONE.json").exists():
            FINISHED[name](workdir)
    for name in STAGES:
        if config[name] is not None:
            named = stages is not None and name in stages
            if stages is None or named or _loads_for(name, stages, config, workdir):
                _run_stage(name, config, workdir, mesh, metrics, train=named)
        if name == until:
            break


def _check(config: dict[str, Any], stages: Sequence[str] | None) -> None:
    """ValueError for a config without a section, settings that cannot be, and stages that are none of the
    experiment's."""
    for name in stages or ():
        if name not in STAGES:
            close = difflib.get_close_matches(name, STAGES, 1)
            hint = f"did you mean {close[0]!r}? The" if close else "the"
            raise ValueError(f"unknown stage {name!r}; {hint} stages are {', '.join(STAGES)}")
    missing = [name for name in STAGES if name not in config]
    if missing:
        raise ValueError(f"the config lacks the sections {missing}; see configs/toy_car.py")
    check_settings(config)
    check_choice(**(config.get("viewpoints") or {}))
    absent = [name for name in stages or () if config[name] is None]
    if absent:
        raise ValueError(f"this experiment has no stage {absent}; its section in the config is None")
    if stages is not None and not stages:
        raise ValueError(f"--stages names no stage; the stages are {', '.join(STAGES)}")


def _loads_for(name: str, stages: Sequence[str], config: dict[str, Any], workdir: Path) -> bool:
    """Whether `name` has finished weights to load that one of `stages` reads and the workdir lacks."""
    loads = name in PRETRAINABLE and config[name].get("pretrained") is not None
    read = any(name in upstream(other, config) for other in stages)
    return loads and read and not (workdir / name / "DONE.json").exists()


@contextlib.contextmanager
def only_run(workdir: Path) -> Iterator[None]:
    """Hold the lock of the workdir, which is made if absent; ValueError when another run holds it.

    The first process of a multi-host run holds it; the system frees it on a kill.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    with open(workdir / ".lock", "a") as file:
        if jax.process_index() == 0:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ValueError(
                    f"another run is working in {workdir}; wait for it, or use another --workdir"
                ) from error
        yield


def upstream(name: str, config: dict[str, Any]) -> tuple[str, ...]:
    """The stages whose results stage `name` reads: fed by the GAN, inverse graphics needs no set on disk."""
    needed = STAGES[name][1]
    if name == "inverse_graphics" and config[name].get("source") == "generator":
        return tuple("viewpoints" if other == "multiview_dataset" else other for other in needed)
    return needed


def stage_digest(name: str, config: dict[str, Any], workdir: Path) -> str:
    """Names a stage's settings together with the finished stages it reads."""
    inputs: dict[str, Any] = {"settings": config[name], "seed": config["seed"], "world": config.get("world")}
    for needed in upstream(name, config):
        marker = workdir / needed / "DONE.json"
        inputs[needed] = read_marker(marker)["digest"] if marker.exists() else None
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]


def read_marker(path: Path) -> dict[str, Any]:
    """A stage's DONE.json or BEGUN.json; ValueError, with the remedy, where it names no digest."""
    content = read_json(path)
    if not isinstance(content, dict) or "digest" not in content:
        raise ValueError(f"{path} names no digest; delete {path.parent} and run its stage again")
    return content


def _done_before(name: str, folder: Path, digest: str, kept: str, train: bool) -> bool:
    """Whether the stage is finished; ValueError when it was made, or begun, in another way.

    kept: the digest of settings that load shipped weights, which a training may replace.
    """
    marker, begun = folder / "DONE.json", folder / "BEGUN.json"
    if name == "report":  # made anew by every run
        return False
    if begun.exists() and read_marker(begun)["digest"] != digest:
        raise ValueError(
            f"stage {name} was begun in {folder} with other settings and interrupted; go on with those (and "
            f"the same --stages), or delete {folder} and {folder.parent / 'checkpoints' / name} to begin anew"
        )
    if not marker.exists():
        return False
    done = read_marker(marker)
    # Weights trained here serve later runs that would otherwise load the shipped ones.
    trained_here = name in PRETRAINABLE and not train and done.get("pretrained") is None
    if done["digest"] == digest or trained_here:
        return True
    if train and name in PRETRAINABLE and done["digest"] == kept:
        return False
    raise ValueError(
        f"{folder} was made with other settings or inputs (digest {done['digest']}, now {digest}); use a new "
        f"--workdir, or delete {folder} to make it again"
    )


def _run_stage(
    name: str, config: dict[str, Any], workdir: Path, mesh, metrics: Metrics, *, train: bool
) -> None:
    folder, function = workdir / name, STAGES[name][0]
    settings = dict(config[name])
    if name in PRETRAINABLE and train:
        settings["pretrained"] = None
    digest = stage_digest(name, config | {name: settings}, workdir)
    if _done_before(name, folder, digest, stage_digest(name, config, workdir), train):
        FINISHED.get(name, lambda workdir: None)(workdir)
        print(f"[{name}] done before, skipped", flush=True)
        return
    # A stage that is no part of the experiment is not waited for.
    needs = [needed for needed in upstream(name, config) if config[needed] is not None]
    absent = [needed for needed in needs if not (workdir / needed / "DONE.json").exists()]
    if absent:
        raise ValueError(f"stage {name} needs {absent}, not finished in {workdir}; {make(*absent)} first")
    _write_run_files(config, workdir, mesh)
    write_json(folder / "BEGUN.json", {"digest": digest})
    started = time.perf_counter()
    print(f"[{name}] begins", flush=True)
    checkpoints = (workdir / "checkpoints" / name, folder / "checkpoints")
    try:
        function(
            workdir, seed=config["seed"], mesh=mesh, metrics=metrics, world=config.get("world"), **settings
        )
    except (ValueError, OSError) as error:
        if not any(any(path.rglob("*")) for path in checkpoints):  # nothing that other settings could spoil
            (folder / "BEGUN.json").unlink()
        blamed = [workdir / needed for needed in needs if f"{workdir / needed}/" in str(error)]
        if blamed:  # what the error says of making it would be skipped: the stage is done
            raise ValueError(f"{error}. Delete the finished stage's {blamed[0]} to make it again") from error
        raise
    minutes = (time.perf_counter() - started) / 60
    done = {"digest": digest, "minutes": round(minutes, 3), "pretrained": settings.get("pretrained")}
    write_json(folder / "DONE.json", done)
    (folder / "BEGUN.json").unlink()
    shutil.rmtree(checkpoints[0], ignore_errors=True)
    print(f"[{name}] done in {minutes:.1f} min", flush=True)


def _write_run_files(config: dict[str, Any], workdir: Path, mesh) -> None:
    versions = [f"python {platform.python_version()}", f"platform {platform.platform()}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} not installed")
    versions.append(f"devices {mesh.size} x {mesh.devices.flat[0].device_kind}")
    versions.append(f"processes {jax.process_count()}")
    write_atomic(workdir / "versions.txt", lambda path: path.write_text("\n".join(versions) + "\n"))
    write_json(workdir / "config.json", config)

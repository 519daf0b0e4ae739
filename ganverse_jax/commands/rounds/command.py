"""Runs the loop's rounds in folders of one workdir, and measures each against the truth where it is known.

Round n > 1 trains its GAN on from the networks of the round before, taught by that round's self-labels
("trained iteratively", abstract of arXiv:2010.09125). Every round is a run of its own: it resumes, and its
report stands in its folder.
"""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganverse_jax import stages
from ganverse_jax.commands.evaluate import command as evaluate
from ganverse_jax.commands.evaluate import real_renders
from ganverse_jax.commands.evaluate_codes import command as evaluate_codes
from ganverse_jax.commands.evaluate_gan import command as evaluate_gan
from ganverse_jax.pages.markup import markdown_table
from ganverse_jax.pipeline.experiment import Experiment, plain_experiment
from ganverse_jax.runtime import hosts
from ganverse_jax.runtime.checkpoint import read_json, write_json, write_text
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.self_labels import stage as self_labels

FIGURES, TABLE = "rounds.json", "rounds.md"
NUM_IMAGES, NUM_PATHS, NUM_FITTING, NUM_TESTING = 2500, 1, 20, 40
# Of a round's figures: what a row is called, and where its value lies.
ROWS = (
    ("shape, share of the content", "codes/shares/shape/content"),
    ("shape, share of the view", "codes/shares/shape/view"),
    ("texture, share of the content", "codes/shares/texture/content"),
    ("background, share of the content", "codes/shares/background/content"),
    ("azimuth spread within a view, median (degrees)", "codes/azimuth_spread_median"),
    ("azimuth spread within a view, mean (degrees)", "codes/azimuth_spread"),
    ("identity agreement", "codes/identity_agreement"),
    ("commanded azimuth, mean error (degrees)", "codes/commanded/azimuth_error"),
    ("Frechet distance, toy proxy", "gan/figures/toy_frechet_distance"),
    ("recall, toy proxy", "gan/figures/toy_recall"),
    ("2D IOU, input's view", "inverse_graphics/iou_2d"),
    ("2D IOU, another view", "inverse_graphics/iou_2d_other_view"),
    ("2D IOU, another view, without residual cameras", "inverse_graphics/iou_2d_other_view_without_residual"),
    ("no GAN's pictures: novel-view IOU", "real/novel_view_iou"),
    ("no GAN's pictures: Chamfer distance", "real/chamfer"),
    ("no GAN's pictures: normals (degrees)", "real/normal_error_degrees"),
    ("self-labels: azimuth error, median (degrees)", "self_labels/errors/network/azimuth_median"),
    ("self-labels: within 15 degrees", "self_labels/errors/network/within_15"),
)


def experiments(first: Experiment, later: Mapping[str, Any], workdir: Path, count: int) -> list[Experiment]:
    """The experiment of each of `count` rounds; later: plain sections of rounds after the first.

    Raises ValueError for fewer than two rounds, a first experiment without self_labels and later ones whose
    GAN takes no camera.
    """
    if count < 2:
        raise ValueError(f"--rounds={count} is no loop; give 2 or more, or use launch.train")
    labels = plain_experiment(first)["self_labels"]
    if labels is None:
        raise ValueError("--config has no self_labels section, which later rounds learn from; see "
                         "configs/toy_car_labels.py")  # fmt: skip
    if (later.get("gan") or {}).get("camera") is None:
        raise ValueError("the GAN of --later takes no camera (gan.camera is None); see configs/toy_car.py")
    found = [first]
    for number in range(2, count + 1):
        config, before = copy.deepcopy(dict(later)), folder(workdir, number - 1)
        config["gan"] |= {"pretrained": None, "start_from": str(before / gan.NAME)}
        taught_by = str(before / self_labels.NAME)
        config["gan"]["camera"]["teacher"] = taught_by
        if config["inverse_graphics"]["labelled"]["labels"] is not None:
            config["inverse_graphics"]["labelled"]["labels"] = taught_by
        config["self_labels"] = labels | {"network": None} if number < count else None
        found.append(stages.experiment_of(config))
    return found


def folder(workdir: Path, number: int) -> Path:
    """The workdir of a round, 1 and up."""
    return workdir / f"round{number}"


def run(first: Experiment, later: Mapping[str, Any], workdir: Path, count: int) -> str:
    """Run what is not finished of all rounds, measure them; the table, which is also written.

    Raises as :func:`experiments`, before any round begins, and as the stages do.
    """
    every, content = experiments(first, later, workdir, count), []
    for number, experiment in enumerate(every, 1):
        print(f"[rounds] round {number} of {count} in {folder(workdir, number)}", flush=True)
        stages.pipeline(experiment, folder(workdir, number)).run()
    hosts.leave_rest_to_first()
    for number, experiment in enumerate(every, 1):
        content.append(measured(experiment, folder(workdir, number), folder(workdir, 1)))
    write_json(workdir / FIGURES, {"rounds": content})
    write_text(workdir / TABLE, table(content))
    return table(content)


def measured(experiment: Experiment, workdir: Path, posed_workdir: Path) -> dict[str, Any]:
    """`measure`, once for the same finished stages: a later call reads what the earlier one found."""
    markers = [*sorted(workdir.glob("*/DONE.json")), *posed_workdir.glob("inverse_graphics_posed/DONE.json")]
    made_by = [[marker.parent.name, read_json(marker)["digest"]] for marker in markers]
    known = read_json(workdir / FIGURES) if (workdir / FIGURES).is_file() else {}
    if known.get("made_by") != made_by:
        known = {"made_by": made_by, "figures": measure(experiment, workdir, posed_workdir)}
        write_json(workdir / FIGURES, known)
    return known["figures"]


def measure(experiment: Experiment, workdir: Path, posed_workdir: Path) -> dict[str, Any]:
    """Figures of one finished round: its stages' own, and of a toy world those that need truth."""
    content = {"inverse_graphics": read_json(workdir / inverse_graphics.NAME / "evaluation.json")}
    labels = workdir / self_labels.NAME / "summary.json"
    content |= {"self_labels": read_json(labels)} if labels.is_file() else {}
    if experiment.stages[gan.NAME].data.kind != "world":
        return content
    content["gan"] = evaluate_gan.run(experiment, workdir, num_images=NUM_IMAGES, num_paths=NUM_PATHS)
    content["real"] = _real(experiment, workdir)
    if (posed_workdir / "inverse_graphics_posed" / "DONE.json").is_file():
        counts = {"num_views": 24, "num_contents": 24}
        content["codes"] = evaluate_codes.run(experiment, workdir, posed_workdir=posed_workdir, **counts)
    return content


def _real(experiment: Experiment, workdir: Path) -> dict[str, float]:
    """Of pictures that no GAN made, see `evaluate.real_renders`."""
    resolution = experiment.stages[gan.NAME].generator.resolution
    chosen = (("validation", NUM_FITTING), ("test", NUM_TESTING))
    fitting, testing = (real_renders.real_renders(experiment, resolution, *which) for which in chosen)
    model = evaluate.judged(workdir, fitting)
    meshes = model.predict(testing.images, testing.masks)
    return real_renders.real_figures(meshes, model.similarity, testing)


def table(content: list[Mapping[str, Any]]) -> str:
    """A Markdown table, a column per round; rows that no round has are left out."""
    rows = []
    for name, path in ROWS:
        values = [_value(figures, path) for figures in content]
        if any(value is not None for value in values):
            rows.append([name, *("" if value is None else f"{value:.3f}" for value in values)])
    heads = [f"round {number}" for number in range(1, len(content) + 1)]
    return "\n".join(markdown_table(["figure", *heads], rows)) + "\n"


def _value(figures: Any, path: str) -> float | None:
    for name in path.split("/"):
        figures = figures.get(name) if isinstance(figures, Mapping) else None
    return figures

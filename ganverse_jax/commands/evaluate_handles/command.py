"""Whether StyleGAN-R obeys its handles, on fresh pictures of the GAN and on pictures that no GAN made.

Two columns of figures each (DESIGN.md, section 5): the mapping alone before the GAN's own generator, and the
fine-tuned renderer. The yardsticks are the perception stage's, which was trained on the toy world alone.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganverse_jax.commands.evaluate_handles.measuring import Instruments, Subject, measure
from ganverse_jax.commands.evaluate_handles.projected import LatentOptimisation
from ganverse_jax.commands.evaluate_handles.subjects import gan_subject, real_subject
from ganverse_jax.commands.project.command import load as projecting
from ganverse_jax.evaluation.handles import AIMS, reached
from ganverse_jax.evaluation.toy_features import ToyFeatures
from ganverse_jax.models.stylegan_r.neural_renderer import load_neural_renderer
from ganverse_jax.pages.markup import markdown_table
from ganverse_jax.pipeline.experiment import Experiment, make_world
from ganverse_jax.pipeline.remedies import make
from ganverse_jax.runtime.checkpoint import write_json, write_text
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.stylegan_r.inputs import Pieces, load_pieces
from ganverse_jax.stages.stylegan_r.networks import make_dibr
from ganverse_jax.stages.stylegan_r.stage import NAME, WARMED_UP

FOLDER, FIGURES, TABLE = "handles", "handles.json", "handles.md"
PROJECTING_STEPS = 200  # in W, and as many in W+
_REAL_PER_EXAMPLE = 2  # pictures that the Frechet distances are taken to


def run(
    experiment: Experiment,
    workdir: Path,
    *,
    num_examples: int,
    num_real: int,
    num_commanded: int,
    projected: bool = False,
) -> dict[str, Any]:
    """Measure the workdir's StyleGAN-R; writes handles.json and handles.md to WORKDIR/handles.

    num_examples, num_real: fresh contents of the GAN, and toy objects no GAN saw; num_commanded: how many of
    each are turned to every commanded camera; projected: latent optimisation, too. Raises
    FileNotFoundError for a stage that has not run, ValueError where no toy world is there to measure with.
    """
    if experiment.stages[gan.NAME].data.kind != "world":
        raise ValueError(
            "handles are judged by networks of the toy world; measure a run of a toy world's GAN"
        )
    pieces = load_pieces(workdir)
    renderers = _renderers(workdir, pieces)
    search = projecting(workdir, "w+", PROJECTING_STEPS).how if projected else None
    tools = _instruments(pieces, experiment, num_examples)
    content: dict[str, Any] = {"fingerprint": pieces.source.gan.fingerprint, "seed": experiment.seed}
    content |= {"device": jax.devices()[0].device_kind, "num_commanded": num_commanded}
    subjects: dict[str, Callable[[], Subject]] = {
        "gan": lambda: gan_subject(pieces, num_examples, experiment.seed),
        "real": lambda: real_subject(pieces, experiment, num_real),
    }
    for name, make_subject in subjects.items():
        subject = make_subject()
        columns: dict[str, Callable] = dict(renderers)
        if projected:
            print(f"[{FOLDER}] projecting {len(subject.data)} pictures ({name})", flush=True)
            columns["latent optimisation"] = LatentOptimisation(pieces, subject, search)
        judges = tools if name == "gan" else tools._replace(features=None)
        content[name] = _figures(name, subject, columns, judges, num_commanded)
    write_json(workdir / FOLDER / FIGURES, content)
    write_text(workdir / FOLDER / TABLE, table(content))
    return content


def _figures(
    name: str, subject: Subject, columns: Mapping[str, Callable], judges: Instruments, num_commanded: int
) -> dict[str, Any]:
    """Of each column on one subject, and which aims it reaches."""
    found = {}
    for column, neural in columns.items():
        print(f"[{FOLDER}] {column}: {len(subject.data)} pictures ({name})", flush=True)
        found[column] = measure(neural, subject, judges, num_commanded)
    reaches = {column: reached(figures) for column, figures in found.items()}
    return {"num_pictures": len(subject.data), "figures": found, "reached": reaches}


def _renderers(workdir: Path, pieces: Pieces) -> dict[str, Callable]:
    """By their columns; a run of before the mapping was kept has one alone."""
    folder = workdir / NAME
    if not folder.is_dir():
        raise FileNotFoundError(f"no StyleGAN-R in {workdir}; {make(NAME)}")
    found = {}
    if (folder / WARMED_UP).is_file():
        found["mapping only"] = load_neural_renderer(folder, mapper=WARMED_UP, generator=pieces.source.gan)
    return found | {"StyleGAN-R": load_neural_renderer(folder)}


def _instruments(pieces: Pieces, experiment: Experiment, num_examples: int) -> Instruments:
    """The yardsticks; no Frechet distance for fewer pictures than it has features."""
    segment, pose = pieces.perception
    if pose is None:
        raise ValueError("no pose regressor to read cameras with; it comes from a toy perception stage")
    tools = Instruments(make_dibr(pieces.inverse, pieces.source.size), segment, pose)
    features = ToyFeatures(pose)
    if num_examples <= 2 * features.dimensions:
        return tools
    world = make_world(experiment, pieces.source.gan.module.resolution)
    real = features(world.render(np.arange(_REAL_PER_EXAMPLE * num_examples))["image"])
    return tools._replace(features=features, real=real)


def table(content: Mapping[str, Any]) -> str:
    """The figures beside their aims as Markdown; what is reached is bold."""
    parts = []
    titles = {"gan": "fresh objects of the GAN", "real": "pictures that no GAN made"}
    for name, title in titles.items():
        measured = content[name]
        columns = measured["figures"]
        rows = []
        for aim in AIMS:
            cells = [_cell(aim.figure, measured, column) for column in columns]
            if any(cells):
                rows.append([aim.says, *cells, f"{'>=' if aim.at_least else '<='} {aim.limit:g}"])
        lines = "\n".join(markdown_table(["figure", *columns, "aim"], rows))
        says = f"{measured['num_pictures']} {title}; {content['num_commanded']} x 72 commanded cameras"
        parts.append(f"{says}\n\n{lines}")
    return "\n\n".join(parts) + "\n"


def _cell(figure: str, measured: Mapping[str, Any], column: str) -> str:
    value = measured["figures"][column].get(figure)
    if value is None:
        return ""
    return f"**{value:.3g}**" if measured["reached"][column][figure] else f"{value:.3g}"

"""The networks that a command looks at: the workdir's, or the ones its config would take."""

from pathlib import Path
from typing import NamedTuple

from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.stored import LoadedGenerator, load_generator
from ganverse_jax.pipeline.experiment import Experiment
from ganverse_jax.pipeline.remedies import make
from ganverse_jax.runtime.shipped import shipped_with, weights_folder
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.gan.start import GENERATOR
from ganverse_jax.stages.perception import stage as perception

SHIPPED_PSI = 0.7  # of pictures of a shipped GAN, which tells no truncation of its own


class GanSource(NamedTuple):
    """A GAN as a source of pictures, the truncation of its contents, and the folder of its networks."""

    source: MultiviewGenerator
    psi: float
    folder: Path


def gan_source(workdir: Path | None, shipped: str | None = None) -> GanSource:
    """That of a run's gan stage, or of a shipped world. Raises FileNotFoundError where there is none."""
    folder = shipped_with(GENERATOR, shipped) if workdir is None else workdir / gan.NAME
    if not (folder / GENERATOR).is_file():
        raise FileNotFoundError(f"no {folder / GENERATOR}; {make(gan.NAME)}")
    drawing = gan.Drawing(SHIPPED_PSI, None) if workdir is None else gan.load_drawing(workdir)
    source = MultiviewGenerator(load_generator(folder / GENERATOR), crop=drawing.crop)
    return GanSource(source, drawing.truncation, folder)


def finished_generator(experiment: Experiment, workdir: Path) -> LoadedGenerator:
    """The averaged generator of the workdir, or `gan.pretrained` when the gan stage has not run there.

    Raises FileNotFoundError that tells how to get the weights when there are neither.
    """
    return load_generator(finished_gan(experiment, workdir) / gan.generator_path(workdir).name)


def finished_gan(experiment: Experiment, workdir: Path) -> Path:
    """The folder of the networks of `finished_generator`; raises as it."""
    if gan.generator_path(workdir).is_file():
        return gan.generator_path(workdir).parent
    settings = experiment.stages[gan.NAME]
    name = settings.pretrained
    path = None if name is None else weights_folder(name) / gan.generator_path(workdir).name
    if path is None or not path.is_file():
        raise FileNotFoundError(
            f"no generator at {gan.generator_path(workdir)} nor {path}; {settings.how_to_get}"
        )
    return path.parent


def toy_perception(experiment: Experiment, workdir: Path) -> perception.Perception | None:
    """Networks trained on the toy world that can judge this GAN's pictures: the workdir's, or
    `perception.pretrained`.

    None when the GAN draws something else (`gan.data.kind`) or no pose regressor is among them.
    """
    if experiment.stages[gan.NAME].data.kind != "world":
        return None
    folders = [workdir / perception.NAME]
    pretrained = experiment.stages[perception.NAME].pretrained
    if pretrained is not None:
        folders.append(weights_folder(pretrained))
    for folder in folders:
        if all((folder / name).is_file() for name in perception.FILES):
            return perception.load_folder(folder)
    return None

"""A finished toy run beside the paper: its Table 1b with the baseline, its cameras, and figures of truth.

The baseline is the paper's PASCAL-model: the run's own network and settings, trained on as many images of as
many objects, one view and its true camera each. Both are measured on renders that no GAN made
(`real_renders`) and on the GAN's held-out images.
"""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax import stages
from ganverse_jax.commands.ablate import command as ablation
from ganverse_jax.commands.evaluate import real_renders as renders
from ganverse_jax.commands.evaluate.picture import evaluation_picture
from ganverse_jax.commands.evaluate.real_renders import Judged, RealRenders
from ganverse_jax.commands.posed_trainings import budget, claim, posed_settings, train_once, write_results
from ganverse_jax.data.multiview.posed_world import single_view_renders
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.evaluation.inverse_graphics import reprojection
from ganverse_jax.models.features.perceptual import Perceptual
from ganverse_jax.models.inverse_graphics.prediction import predict_meshes
from ganverse_jax.pipeline.experiment import Experiment
from ganverse_jax.pipeline.run import Pipeline
from ganverse_jax.pipeline.settings import plain
from ganverse_jax.pipeline.workdir import only_run, read_marker
from ganverse_jax.report import write_report
from ganverse_jax.report.sections.evaluation import FIGURES, FOLDER, PICTURE, TABLES, markdown
from ganverse_jax.runtime import hosts
from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.scene.cameras import as_cameras, take_cameras
from ganverse_jax.scene.meshes import PredictedMeshes
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics.perceptual import measured_perceptual
from ganverse_jax.stages.inverse_graphics.settings import Settings
from ganverse_jax.stages.inverse_graphics_posed import stage as inverse_graphics_posed
from ganverse_jax.stages.inverse_graphics_posed.stage import posed_set
from ganverse_jax.stages.multiview_dataset import stage as multiview_dataset
from ganverse_jax.stages.multiview_dataset.source import load_source

NUM_FITTING, NUM_TESTING = 20, 40
__all__ = ["markdown", "run"]


def run(
    experiment: Experiment,
    workdir: Path,
    *,
    num_fitting: int = NUM_FITTING,
    num_testing: int = NUM_TESTING,
) -> dict[str, Any]:
    """Measure the finished run in `workdir`, training the baseline in its evaluation/baseline first.

    num_fitting, num_testing: real renders that frames are fitted on, and that figures are taken of. Returns
    and writes evaluation.json, with tables.md and evaluation.png beside it; renews the run's report.html, if
    any. A finished baseline is kept, an interrupted one goes on. Raises ValueError for an experiment whose
    truth is not known, a run that is not finished, and one, or a baseline, made with other settings.
    """
    check_measurable(experiment)
    pipeline = stages.pipeline(experiment, workdir)
    _check_finished(pipeline)
    with only_run(pipeline.workdir):
        content = _evaluate(pipeline, num_fitting, num_testing)
    if (pipeline.workdir / "report.html").is_file():
        write_report(pipeline.workdir, pipeline.stages, **plain(experiment.stages["report"]))
    return content


def _evaluate(pipeline: Pipeline, num_fitting: int, num_testing: int) -> dict[str, Any]:
    experiment, workdir = pipeline.experiment, pipeline.workdir
    settings = experiment.stages[inverse_graphics.NAME]
    inverse_graphics.load(workdir)  # a damaged file is told before minutes of the baseline
    images = load_source(workdir, gan.load(workdir)[0], seed=experiment.seed, settings=settings)
    resolution, count = images.size[0], _count_training_images(settings, workdir)
    perceptual = measured_perceptual(workdir, resolution, settings.perceptual)
    train_baseline(pipeline, resolution, count)
    hosts.leave_rest_to_first()
    _tell(f"draws {num_fitting} + {num_testing} renders of objects that no network saw")
    chosen = (("validation", num_fitting), ("test", num_testing))
    fitting, testing = (renders.real_renders(experiment, resolution, *which) for which in chosen)
    places = {"ours": workdir, "baseline": workdir / FOLDER / ablation.BASELINE}
    _tell("fits one frame per network")
    models = {name: judged(place, fitting) for name, place in places.items()}
    _tell("measures both networks on the renders and on the GAN's images")
    content = measure(models, testing, images.split("test"), workdir, perceptual)
    content |= {"fitting_images": num_fitting, "train_images": count, "resolution": resolution}
    content["perceptual"] = settings.perceptual.source if perceptual else None
    content |= budget(settings, experiment) | {"digest": pipeline.digest(inverse_graphics.NAME)}
    _tell("writes tables and picture")
    write_results(
        workdir / FOLDER,
        figures=(FIGURES, content),
        table=(TABLES, markdown(content)),
        picture=(PICTURE, evaluation_picture(models, testing)),
    )
    return content


def _tell(step: str) -> None:
    print(f"[{FOLDER}] {step}", flush=True)


def check_measurable(experiment: Experiment) -> None:
    """Raise ValueError, which says what can be had instead, unless the experiment is a toy world's."""
    settings = experiment.stages[inverse_graphics.NAME]
    other = next((name for name in ("pascal3d", "posed_folder") if getattr(settings, name, None)), None)
    if other is not None:
        raise ValueError(
            f"inverse_graphics.{other} is set: its pictures come with cameras but without true surfaces, and "
            "no GAN is part of the run, so neither figures of truth nor the StyleGAN column can be measured. "
            "launch.train has measured 2D IOU on its held-out images (Table 1b, Pascal3D test: iou_2d in "
            "WORKDIR/inverse_graphics/evaluation.json), and launch.user_study compares two runs on them "
            "(Table 1c); evaluate with --config=configs/toy_car.py for the rest"
        )
    posed_settings(experiment, "evaluate")
    kind = experiment.stages[gan.NAME].data.kind
    if kind != "world":
        raise ValueError(
            f"gan.data.kind = {kind!r}: the GAN draws pictures whose truth is not known; evaluate a run of a "
            "GAN of the toy world (--config=configs/toy_car.py)"
        )


def _check_finished(pipeline: Pipeline) -> None:
    marker = pipeline.workdir / inverse_graphics.NAME / "DONE.json"
    if not marker.is_file():
        raise ValueError(
            f"no finished inverse_graphics stage in {pipeline.workdir}; finish the run with launch.train, "
            "the same --config and --workdir"
        )
    if read_marker(marker)["digest"] != pipeline.digest(inverse_graphics.NAME):
        raise ValueError(
            f"{marker.parent} was made with other settings than these; pass the --config and the "
            f"--config.NAME=VALUE of its training ({pipeline.workdir / 'config.json'})"
        )


def _count_training_images(settings: Settings, workdir: Path) -> int:
    if settings.source == "generator":  # every step draws objects anew
        return settings.num_steps * settings.batch_size
    return len(multiview_dataset.open_set(workdir).rows_of("train"))


def train_baseline(pipeline: Pipeline, resolution: int, count: int) -> None:
    """Train the run's network on `count` single views with true cameras, once, in evaluation/baseline."""
    experiment, folder = pipeline.experiment, pipeline.workdir / FOLDER
    settings = experiment.stages[inverse_graphics.NAME]
    made_with = {"digest": pipeline.digest(inverse_graphics.NAME), "train_images": count}
    hosts.from_first(lambda: claim(folder, made_with))
    posed = dataclasses.replace(posed_settings(experiment, "evaluate"), resolution=resolution)
    world, multiview = posed_set(experiment, posed)
    training = dataclasses.replace(settings, **ablation.MODELS[ablation.BASELINE])
    images = functools.partial(single_view_renders, world, multiview, seed=experiment.seed, count=count)
    train_once(folder / ablation.BASELINE, experiment, training, world, images)


def judged(place: Path, fitting: RealRenders) -> Judged:
    """The network of a finished training in `place`, its frame fitted on real renders."""
    network, params, card = inverse_graphics.load(place)

    def predict(images: np.ndarray, masks: np.ndarray) -> PredictedMeshes:
        return predict_meshes(network, params["network"], images, masks)

    cameras, fov_y = as_cameras(params["cameras"]), float(np.radians(card["fov_degrees"]))
    return Judged(network, predict, renders.fit_frame(predict, fitting), cameras, fov_y)


def measure(
    models: Mapping[str, Judged],
    testing: RealRenders,
    drawn: MultiviewSet,
    workdir: Path,
    perceptual: Perceptual | None,
) -> dict[str, Any]:
    """Figures of both networks on real renders and on the GAN's images `drawn`, and the posed stage's own."""
    real = {}
    for name, model in models.items():
        meshes = model.predict(testing.images, testing.masks)
        real[name] = renders.real_figures(meshes, model.similarity, testing, perceptual)
        real[name]["iou_2d_fitted_camera"] = renders.fitted_camera_iou(meshes, testing)
    posed = workdir / inverse_graphics_posed.NAME
    finished = (posed / "DONE.json").is_file()
    return {
        "real_test": real,
        "gan_test": {name: gan_figures(model, models["ours"], drawn) for name, model in models.items()},
        "posed": read_json(posed / inverse_graphics.NAME / "evaluation.json") if finished else None,
        "real_images": len(testing.objects),
        "gan_test_images": len(drawn),
        "gan_test_objects": len(np.unique(drawn.object_id)),
    }


def gan_figures(model: Judged, ours: Judged, drawn: MultiviewSet) -> dict[str, float]:
    """Re-projection of a network's meshes on GAN images, from the cameras of our training.

    Those live in our network's frame: another's meshes are brought there through the world's.
    """
    meshes = model.predict(drawn.images, drawn.masks)
    if model is not ours:
        vertices = ours.similarity.invert(model.similarity.apply(meshes.vertices))
        meshes = meshes._replace(vertices=vertices)
    cameras, rows = take_cameras(ours.cameras, drawn.view_id), np.arange(len(drawn))
    return reprojection(meshes, rows, cameras, drawn.images, drawn.masks, ours.fov_y).means()

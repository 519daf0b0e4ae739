"""A finished toy run beside the paper: its Table 1b with the baseline, its cameras, and figures of truth.

The baseline is the paper's PASCAL-model: the run's own network and settings, trained on as many images of as
many toy cars, one view and its true camera each. Both are measured on renders that no GAN made
(`real_renders`) and on the GAN's held-out images.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax.commands.ablate import command as ablation
from ganverse_jax.commands.evaluate.picture import evaluation_picture
from ganverse_jax.commands.evaluate.real_renders import (
    Judged,
    RealRenders,
    fit_frame,
    fitted_camera_iou,
    real_figures,
    real_renders,
)
from ganverse_jax.commands.posed_trainings import (
    budget,
    claim,
    posed_set,
    posed_settings,
    train_once,
    write_results,
)
from ganverse_jax.data.multiview.posed_world import single_view_toy_cars
from ganverse_jax.data.multiview.set import MultiviewSet, MultiviewSource
from ganverse_jax.evaluation.inverse_graphics import PredictedMeshes, reprojection, take_cameras
from ganverse_jax.models.features.perceptual import Perceptual
from ganverse_jax.pipeline import run as pipeline
from ganverse_jax.report.sections.evaluation import FIGURES, FOLDER, PICTURE, TABLES, markdown
from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.scene.cameras import as_cameras
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics.measures import predict_meshes
from ganverse_jax.stages.inverse_graphics.perceptual import make_perceptual, measured_perceptual
from ganverse_jax.stages.inverse_graphics_posed import stage as inverse_graphics_posed
from ganverse_jax.stages.multiview_dataset import stage as multiview_dataset
from ganverse_jax.stages.multiview_dataset.source import load_source
from ganverse_jax.stages.report import stage as report

NUM_FITTING, NUM_TESTING = 20, 40
__all__ = ["markdown", "run"]


def run(
    config: Mapping[str, Any],
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
    check_measurable(config)
    config, workdir = dict(config), Path(workdir)
    _check_finished(config, workdir)
    with pipeline.only_run(workdir):
        inverse_graphics.load(workdir)  # a damaged file is told before minutes of the baseline
        images = _images(config, workdir)
        resolution, count = images.size[0], _count_training_images(config, workdir)
        features = dict(config["inverse_graphics"].get("perceptual") or {})
        perceptual = measured_perceptual(workdir, resolution, **features)
        train_baseline(config, workdir, resolution, count, perceptual)
        _tell(f"draws {num_fitting} + {num_testing} renders of cars that no network saw")
        fitting, testing = (
            real_renders(config["world"], resolution, *chosen)
            for chosen in (("validation", num_fitting), ("test", num_testing))
        )
        places = {"ours": workdir, "baseline": workdir / FOLDER / ablation.BASELINE}
        _tell("fits one frame per network")
        models = {name: judged(place, fitting) for name, place in places.items()}
        _tell("measures both networks on the renders and on the GAN's images")
        content = measure(models, testing, images.split("test"), workdir, perceptual)
        content |= {"fitting_images": num_fitting, "train_images": count, "resolution": resolution}
        content["perceptual"] = features.get("source", "discriminator") if perceptual else None
        content |= budget(config["inverse_graphics"], config)
        content["digest"] = pipeline.stage_digest(inverse_graphics.STAGE, config, workdir)
        _tell("writes tables and picture")
        write_results(
            workdir / FOLDER,
            figures=(FIGURES, content),
            table=(TABLES, markdown(content)),
            picture=(PICTURE, evaluation_picture(models, testing)),
        )
    if (workdir / "report.html").is_file():
        report.run(workdir, **config["report"])
    return content


def _tell(step: str) -> None:
    print(f"[{FOLDER}] {step}", flush=True)


def _images(config: Mapping[str, Any], workdir: Path) -> MultiviewSource:
    """What the run's network was trained on."""
    settings = {"source": "disk", "memory_gib": 2.0, "on_the_fly": {}} | config["inverse_graphics"]
    choice = {name: settings[name] for name in ("source", "memory_gib", "on_the_fly", "batch_size")}
    return load_source(workdir, gan.load(workdir)[0], seed=config["seed"], **choice)


def check_measurable(config: Mapping[str, Any]) -> None:
    """Raise ValueError, which says what can be had instead, unless the experiment is a toy world's."""
    settings = config.get("inverse_graphics") or {}
    other = next((name for name in ("pascal3d", "posed_folder") if settings.get(name)), None)
    if other is not None:
        raise ValueError(
            f"inverse_graphics.{other} is set: its pictures come with cameras but without true surfaces, and "
            "no GAN is part of the run, so neither figures of truth nor the StyleGAN column can be measured. "
            "launch.train has measured 2D IOU on its held-out images (Table 1b, Pascal3D test: iou_2d in "
            "WORKDIR/inverse_graphics/evaluation.json), and launch.user_study compares two runs on them "
            "(Table 1c); evaluate with --config=configs/toy_car.py for the rest"
        )
    posed_settings(config, "evaluate")
    kind = (config["gan"].get("data") or {}).get("kind", "toy_cars")
    if kind != "toy_cars":
        raise ValueError(
            f"gan.data.kind = {kind!r}: the GAN draws pictures whose truth is not known; evaluate a run of a "
            "GAN of the toy world (--config=configs/toy_car.py)"
        )


def _check_finished(config: dict[str, Any], workdir: Path) -> None:
    marker = workdir / inverse_graphics.STAGE / "DONE.json"
    if not marker.is_file():
        raise ValueError(
            f"no finished inverse_graphics stage in {workdir}; finish the run with launch.train, the same "
            "--config and --workdir"
        )
    if pipeline.read_marker(marker)["digest"] != pipeline.stage_digest(
        inverse_graphics.STAGE, config, workdir
    ):
        raise ValueError(
            f"{marker.parent} was made with other settings than these; pass the --config and the "
            f"--config.NAME=VALUE of its training ({workdir / 'config.json'})"
        )


def _count_training_images(config: Mapping[str, Any], workdir: Path) -> int:
    settings = config["inverse_graphics"]
    if settings.get("source") == "generator":  # every step draws objects anew
        return settings["num_steps"] * settings["batch_size"]
    return len(multiview_dataset.open_set(workdir).rows_of("train"))


def train_baseline(
    config: dict[str, Any], workdir: Path, resolution: int, count: int, measured_in: Perceptual | None
) -> None:
    """Train the run's network on `count` single views with true cameras, once, in evaluation/baseline."""
    folder, settings = workdir / FOLDER, dict(config["inverse_graphics"])
    digest = pipeline.stage_digest(inverse_graphics.STAGE, config, workdir)
    claim(folder, {"digest": digest, "train_images": count})
    posed = posed_settings(config, "evaluate") | {"resolution": resolution}
    world, held_out = posed_set(posed, config["world"], config["seed"])
    done = (folder / ablation.BASELINE / "DONE.json").exists()
    features = settings.get("perceptual_blocks", 4), dict(settings.get("perceptual") or {})
    training = {k: v for k, v in settings.items() if k not in inverse_graphics.SOURCE_SETTINGS}
    train_once(
        folder / ablation.BASELINE,
        world=world,
        multiview=held_out
        if done
        else single_view_toy_cars(world, held_out, seed=config["seed"], count=count),
        settings=training | {"num_evaluated": posed["num_evaluated"]},
        config=config,
        measured_in=measured_in,
        **{"perceptual": make_perceptual(workdir, features[0], **features[1])}
        | ablation.MODELS[ablation.BASELINE],
    )


def judged(place: Path, fitting: RealRenders) -> Judged:
    """The network of a finished training in `place`, its frame fitted on real renders."""
    network, params, card = inverse_graphics.load(place)

    def predict(images: np.ndarray, masks: np.ndarray) -> PredictedMeshes:
        return predict_meshes(network, params["network"], images, masks)

    cameras, fov_y = as_cameras(params["cameras"]), float(np.radians(card["fov_degrees"]))
    return Judged(network, predict, fit_frame(predict, fitting), cameras, fov_y)


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
        real[name] = real_figures(meshes, model.similarity, testing, perceptual)
        real[name]["iou_2d_fitted_camera"] = fitted_camera_iou(model.network, meshes, testing)
    posed = workdir / inverse_graphics_posed.STAGE
    finished = (posed / "DONE.json").is_file()
    return {
        "real_test": real,
        "gan_test": {name: gan_figures(model, models["ours"], drawn) for name, model in models.items()},
        "posed": read_json(posed / inverse_graphics.STAGE / "evaluation.json") if finished else None,
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

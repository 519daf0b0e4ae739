"""What inverse graphics is trained on and measured with, from where the settings say."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from ganverse_jax.data.multiview.posed_folder import read_posed_folder
from ganverse_jax.data.multiview.set import MultiviewSource
from ganverse_jax.models.features.perceptual import Perceptual
from ganverse_jax.pipeline.stage import Run
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.inverse_graphics import labelled, pascal3d_source
from ganverse_jax.stages.inverse_graphics.labelled import LabelledPictures
from ganverse_jax.stages.inverse_graphics.settings import Settings
from ganverse_jax.stages.multiview_dataset.source import load_source
from ganverse_jax.stages.perception import stage as perception

NAME = "inverse_graphics"


@dataclasses.dataclass(frozen=True)
class Given:
    """What a training is done on and measured with, beside its settings.

    perceptual: L_percept of Eq. 1, None for none. fingerprint names the GAN behind the images.
    evaluate(predict=, cameras=) may add figures that need truth (`inverse_graphics_posed`);
    regress(images uint8) -> azimuth, elevation [n] reads cameras off images. intake: counts of what was left
    out of the images or noted, for the summary. labelled: real pictures in every batch besides.
    """

    multiview: MultiviewSource
    fov_degrees: float
    camera_distance: float
    perceptual: Perceptual | None = None
    fingerprint: str | None = None
    evaluate: Callable[..., Mapping[str, float]] | None = None
    regress: Callable | None = None
    intake: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    labelled: LabelledPictures | None = None


def given_by(run: Run, settings: Settings, *, again: bool = False) -> Given:
    """What the settings' source gives: earlier stages, a posed folder or Pascal3D+.

    again: to measure alone, without what only a training reads or writes.
    """
    distance = run.world.distance
    if settings.posed_folder is not None:
        posed = read_posed_folder(settings.posed_folder, settings.posed_size)
        for line in posed.intake.lines():
            print(f"[posed_folder] {line}", flush=True)
        return Given(posed.multiview, posed.fov_degrees, distance, intake=posed.intake.summary())
    if settings.pascal3d is not None:
        folder = None if again else run.workdir / NAME
        reading = settings.pascal3d, settings.pascal3d_reader, run.object_class
        posed = pascal3d_source.read(folder, *reading)
        return Given(posed.multiview, posed.fov_degrees, distance, intake=posed.intake.summary())
    generator, _ = gan.load(run.workdir)
    measured = (run.workdir / perception.NAME).is_dir()
    return Given(
        load_source(run.workdir, generator, seed=run.seed, settings=settings),
        run.world.fov_degrees,
        distance,
        fingerprint=generator.fingerprint,
        regress=perception.load(run.workdir).pose_regressor if measured else None,
        labelled=None
        if again or settings.labelled.labels is None
        else labelled.read(run, settings.labelled, settings.micro_batches),
    )

"""A person clicks named points of one object in a run's proposed views: in a browser, or through a JSON.

The alternative to bins of Appendix D. Views that the bins' annotation dropped are not asked for, and its bins
help the page's drawings and the solution of the cameras; it may also be absent.
"""

from pathlib import Path

import numpy as np

from ganverse_jax.annotation.bins import store
from ganverse_jax.annotation.contact_sheet import keypoint_sheet
from ganverse_jax.annotation.keypoints import store as keypoint_store
from ganverse_jax.annotation.keypoints.page import build_keypoint_page
from ganverse_jax.annotation.keypoints.session import KeypointSession
from ganverse_jax.annotation.keypoints.store import KEYPOINTS, Task
from ganverse_jax.annotation.server import Annotator, Server
from ganverse_jax.annotation.tiles import data_uri
from ganverse_jax.commands.annotate import bins as annotation
from ganverse_jax.pipeline.experiment import Experiment, WorldSettings
from ganverse_jax.pipeline.run import only_run
from ganverse_jax.runtime.checkpoint import write_atomic
from ganverse_jax.scene.keypoint_cameras import MIN_POINTS
from ganverse_jax.stages.gan import stage as gan_stage
from ganverse_jax.stages.viewpoints import keypoints as viewpoints_keypoints
from ganverse_jax.stages.viewpoints import stage as viewpoints
from ganverse_jax.stages.viewpoints.settings import Settings


def prepare(experiment: Experiment, workdir: Path) -> Task:
    """Bring the run to where views are proposed, draw them whole, and return what is asked; the caller holds
    `only_run`.

    Raises ValueError for a class whose points have no names, and as `annotation.prepare` does.
    """
    kind = keypoint_store.check_kind(experiment.object_class)
    candidates = annotation.prepare(experiment, workdir)
    draw(workdir, candidates, experiment.seed, experiment.stages[viewpoints.NAME])
    return keypoint_store.read_task(workdir / viewpoints.NAME, candidates, kind)


def draw(workdir: Path, candidates: store.Candidates, seed: int, settings: Settings) -> None:
    """Leave whole pictures of the candidates in the contents that the bins' page shows, once."""
    folder = workdir / viewpoints.NAME
    if (folder / keypoint_store.PICTURES).exists():
        return
    gan, _ = gan_stage.load(workdir)
    generator, _, fresh = viewpoints.source(workdir, gan, seed, settings)
    w = np.array([view["w"] for view in candidates.views], np.float32)
    pictures = np.swapaxes(generator.grid(w, fresh[: viewpoints.SHOWN]), 0, 1)
    _, seeds = viewpoints.content_seeds(seed, settings.num_contents)
    keypoint_store.write_pictures(folder, candidates, pictures, seeds[: viewpoints.SHOWN])


def open_session(workdir: Path, task: Task) -> KeypointSession:
    """The session of a run so far, or a new one."""
    path = workdir / viewpoints.NAME / KEYPOINTS
    return keypoint_store.read_keypoints(path, task) if path.exists() else task.session()


def annotate(
    experiment: Experiment, workdir: Path, *, command: str, port: int = 0, browser: bool = True
) -> KeypointSession:
    """As `annotation.annotate`; at the end the cameras are solved once, so that a person can mend the points.

    Raises ValueError when no cameras follow from the points.
    """
    with only_run(workdir):
        task = prepare(experiment, workdir)
        server = make_server(workdir, task, command=command, port=port)
        annotation.serve(server, workdir, f"{len(task.kept)} views of one object", browser=browser)
    session = server.annotator.session
    if not session.complete:
        print(f"\n{session.num_open} points are left to decide.")
        return session
    if server.annotator.finished.is_set():  # after Ctrl-C a person does not want to wait
        print("\nsolving the cameras ...", flush=True)
        print(told(task, session, workdir, experiment.world))
    print(f"\nAll points are decided. Go on with\n{command}")
    return session


def make_server(workdir: Path, task: Task, *, command: str, port: int = 0) -> Server:
    """The server of a run's keypoint page, listening but not yet serving. Raises OSError for a taken port.

    Its view/NUMBER is the picture of object c in candidate v for NUMBER = c x candidates + v.
    """
    path = workdir / viewpoints.NAME / KEYPOINTS
    shown = [{"picture": data_uri(tile)} for row in zip(*task.pictures, strict=True) for tile in row]
    page = build_keypoint_page(task, title=workdir.absolute().name, command=command, needed=MIN_POINTS)
    session = open_session(workdir, task)
    annotator = Annotator(session, shown, lambda session: keypoint_store.write_keypoints(path, task, session))
    return annotation.listen(annotator, page, port)


def told(task: Task, session: KeypointSession, workdir: Path, world: WorldSettings) -> str:
    """How well the cameras follow from complete points. Raises ValueError when they do not follow."""
    path = workdir / viewpoints.NAME / KEYPOINTS
    return viewpoints_keypoints.report(viewpoints_keypoints.solve(task, session, path, world))


def export_annotation(experiment: Experiment, workdir: Path, path: Path) -> str:
    """Write the points so far to `path` (JSON) and a picture of them beside it; what to tell of them.

    Raises ValueError for a run whose views are in use, but not with points.
    """
    target = annotation.sheet_path(path)
    used = annotation.views_in_use(workdir)
    if used is None:
        with only_run(workdir):
            task = prepare(experiment, workdir)
    else:
        candidates, content = used
        by = content.get("annotated_by")
        if by != "keypoints":
            raise ValueError(
                f"the views of {workdir} are in use with bins (annotated_by {by!r}), not "
                "with points; export without --keypoints, or click points in a new --workdir"
            )
        kind = keypoint_store.check_kind(experiment.object_class)
        task = keypoint_store.read_task(workdir / viewpoints.NAME, candidates, kind)
    session = open_session(workdir, task)
    keypoint_store.write_keypoints(path, task, session)
    title = f"{workdir.absolute().name}: points of the object content_seed {task.seeds[session.content]}"
    sheet = keypoint_sheet(task, session, title=title)
    write_atomic(target, lambda temporary: sheet.save(temporary, "PNG"))
    return annotation.told_of_export(path, used, workdir, "the points")


def import_annotation(experiment: Experiment, workdir: Path, path: Path) -> KeypointSession:
    """Take the points in `path` for this run; earlier ones stay as keypoints.before_import.json.

    Raises FileNotFoundError; ValueError when they belong to another GAN or to other views, or an entry is
    wrong; and, once they are taken so that the page can mend them, when no cameras follow from them.
    """
    with only_run(workdir):
        task = prepare(experiment, workdir)
        session = keypoint_store.read_keypoints(path, task)
        target = workdir / viewpoints.NAME / KEYPOINTS
        annotation.keep_before_import(target)
        keypoint_store.write_keypoints(target, task, session)
        if session.complete:
            print(told(task, session, workdir, experiment.world))
    return session

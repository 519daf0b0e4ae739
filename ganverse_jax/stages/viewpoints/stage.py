"""The viewpoints stage: choose view codes of a GAN and give each a rough camera (section 3.1, App. C, D).

Choosing needs no truth (mask agreement across contents, see evaluation/view_selection.py). The camera is one
of 12 azimuth bins at elevation 0 and a fixed distance. For a shipped GAN the annotated file is shipped; for a
retrained toy GAN the pose regressor annotates and is named; for a real class a person does (launch.annotate),
who may also click points of one object, from which the cameras are solved (keypoints.py).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.annotation import candidates as proposed
from ganverse_jax.annotation.bins import store
from ganverse_jax.annotation.contact_sheet import candidate_sheet
from ganverse_jax.annotation.keypoints.store import KEYPOINTS
from ganverse_jax.annotation.view_records import check_views
from ganverse_jax.evaluation.disentanglement import view_disentanglement
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.stored import LoadedGenerator
from ganverse_jax.pages.grid import image_grid
from ganverse_jax.pipeline.remedies import make
from ganverse_jax.pipeline.settings import build
from ganverse_jax.pipeline.stage import Run, Stage
from ganverse_jax.runtime.checkpoint import read_json, write_json, write_npz, write_png
from ganverse_jax.runtime.loop import Metrics
from ganverse_jax.runtime.shipped import ASSETS
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS
from ganverse_jax.stages.gan import stage as gan_stage
from ganverse_jax.stages.multiview_dataset.settings import Filter
from ganverse_jax.stages.perception import stage as perception_stage
from ganverse_jax.stages.viewpoints import keypoints as viewpoints_keypoints
from ganverse_jax.stages.viewpoints.choice import CONTENT_SEEDS, SEED_STRIDE, choose, commanded
from ganverse_jax.stages.viewpoints.settings import Settings

NAME = "viewpoints"
SHOWN = 8  # contents a person sees of each view
SHEET = "candidates.png"


class AwaitsAnnotation(ValueError):
    """Views are proposed, and a person has not annotated them all yet."""


class Viewpoints(NamedTuple):
    """Chosen views: `views` as in viewpoints.json, `w` float32 [k w_dim], the GAN's fingerprint, and the
    filter of masks that they were chosen by."""

    views: list[dict[str, Any]]
    w: np.ndarray
    fingerprint: str
    filter: Filter = Filter()


def path_of(workdir: Path) -> Path:
    """Where the stage leaves its annotated views."""
    return Path(workdir) / NAME / "viewpoints.json"


def load(workdir: Path, fingerprint: str, w_dim: int | None = None) -> Viewpoints:
    """The views of a finished stage, which must belong to the GAN `fingerprint`; w_dim: see `read_views`."""
    return read_views(path_of(workdir), fingerprint, w_dim)


def read_views(path: Path, fingerprint: str, w_dim: int | None = None) -> Viewpoints:
    """Read and check a viewpoints.json.

    w_dim: length of the GAN's codes (None: only that all are equally long). Raises FileNotFoundError;
    ValueError when it belongs to another GAN, an entry is wrong, a bin is missing or outside 0..11, or when
    it is no such file at all. Every message names file, value and remedy.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no views at {path}; {make(NAME)}")
    content = read_json(path, remedy=f"delete it and {make(NAME)}")
    if not isinstance(content, Mapping) or not {"views", "fingerprint"} <= set(content):
        raise ValueError(f"{path} is no viewpoints file; delete it and {make(NAME)}")
    views, owner = content["views"], content["fingerprint"]
    if owner != fingerprint:
        raise ValueError(
            f"the views in {path} belong to GAN {owner}, but this GAN is {fingerprint}; use that GAN, "
            'or set viewpoints.annotated_by="pose_regressor" to choose and annotate views of this one'
        )
    remedy = f"correct it, or delete the file and {make(NAME)}"
    check_views(views, path, remedy, w_dim=w_dim)
    for view in views:
        azimuth_bin = view.get("azimuth_bin")
        if type(azimuth_bin) is not int or azimuth_bin not in range(NUM_AZIMUTH_BINS):
            raise ValueError(
                f"view {view['id']} in {path} : azimuth_bin {azimuth_bin!r}; see samples/viewpoints.png "
                "and give every view the nearest bin of 30 degrees: 0 front, 3 its left side, 6 back, ... 11"
            )
    chosen_by = build(Filter, content.get("filter", {}), f"filter in {path}")
    return Viewpoints(views, np.array([view["w"] for view in views], np.float32), fingerprint, chosen_by)


def run(run: Run, settings: Settings) -> None:
    """Leave viewpoints.json, the picture grid and a summary in <workdir>/viewpoints.

    annotated_by: "shipped" takes a file that must belong to this GAN; "pose_regressor" chooses and annotates
    automatically; "person" proposes views, stops with AwaitsAnnotation until they are annotated, and then
    takes those kept (a complete viewpoints.json put there counts too); "keypoints" does so for clicked points
    and solves the cameras in the world's field of view and distance; "camera" commands them of a generator
    that takes cameras.
    """
    workdir, by = run.workdir, settings.annotated_by
    gan, _ = gan_stage.load(workdir)
    w_dim = gan.module.w_dim
    if by in ("person", "keypoints"):
        content = (
            viewpoints_keypoints.keypoint_views(workdir / NAME, gan.fingerprint, run.world)
            if by == "keypoints"
            else _by_person(workdir, gan.fingerprint, w_dim)
        )
        if content is None:
            await_person(workdir, run.seed, settings)
    perception = perception_stage.load(workdir)
    generator, contents, fresh_contents = source(workdir, gan, run.seed, settings)
    if by == "shipped":
        shipped_path = ASSETS / settings.shipped / "viewpoints.json"
        read_views(shipped_path, gan.fingerprint, w_dim)
        content = read_json(shipped_path)
    elif by == "pose_regressor":
        chosen = choose(generator, contents, perception, run.seed, settings)
        content = {"fingerprint": gan.fingerprint, "annotated_by": by, "views": chosen}
    elif by == "camera":
        views = commanded(generator, settings.num_views, run.world.distance)
        content = {"fingerprint": gan.fingerprint, "annotated_by": by, "views": views}
    write_json(path_of(workdir), content | {"filter": settings.thresholds()})
    load(workdir, gan.fingerprint, w_dim)
    _report(workdir, content, generator, fresh_contents, perception.pose_regressor, run.metrics)


def content_seeds(seed: int, num_contents: int) -> tuple[np.ndarray, np.ndarray]:
    """Seeds of the contents that views are chosen with, and of as many that the choice has not seen."""
    return np.split(CONTENT_SEEDS + SEED_STRIDE * seed + np.arange(2 * num_contents), 2)


def source(workdir: Path, gan: LoadedGenerator, seed: int, settings: Settings) -> tuple:
    """The generator, contents to choose views with, and contents the choice has not seen."""
    drawing = gan_stage.load_drawing(workdir)
    generator = MultiviewGenerator(gan, batch_size=settings.batch_size, crop=drawing.crop)
    seeds = np.concatenate(content_seeds(seed, settings.num_contents))
    return generator, *np.split(generator.codes(seeds, drawing.truncation), 2)


def _by_person(workdir: Path, fingerprint: str, w_dim: int) -> dict[str, Any] | None:
    """Content of viewpoints.json from a finished annotation, or from a file put there; None: still open."""
    folder, path = workdir / NAME, path_of(workdir)
    if (folder / store.ANNOTATION.name).exists() or not path.exists():
        return store.annotated_views(folder, fingerprint)
    read_views(path, fingerprint, w_dim)
    return read_json(path)


def check_annotation(workdir: Path) -> None:
    """Raise ValueError when a person's answers and the viewpoints.json made from them no longer agree."""
    folder, path = workdir / NAME, path_of(workdir)
    content = read_json(path) if path.is_file() else {}  # who needs it says so
    if not isinstance(content, Mapping) or content.get("annotated_by") != "person":
        return
    answered = store.annotated_views(folder, content.get("fingerprint"))
    if answered is not None and answered["views"] != content.get("views"):
        raise ValueError(
            f"{folder / store.ANNOTATION.name} has other answers than {path}; to take the former, delete "
            f"{folder / 'DONE.json'} and {make(NAME)}; to take the latter, move the former away"
        )


def await_person(workdir: Path, seed: int, settings: Settings) -> None:
    """Propose views if that was not done; raise AwaitsAnnotation with the command."""
    candidates = propose(workdir, seed, settings)
    folder = workdir / NAME
    path, answered, flag = folder / store.ANNOTATION.name, "0 are annotated", ""
    if settings.annotated_by == "keypoints":
        flag = KEYPOINTS.flag
        answered = "the points of one object are to be clicked in them, and are not all decided"
    elif path.exists():
        answers = store.read_annotation(path, candidates).answers
        answered = f"{sum(answer is not None for answer in answers)} are annotated"
    raise AwaitsAnnotation(
        f"{len(candidates.views)} views are proposed in {folder} ({SHEET} shows them), {answered}; run "
        f"python -m launch.annotate --config=(this config) --workdir={workdir}{flag} and then this command "
        "again"
    )


def propose(workdir: Path, seed: int, settings: Settings) -> proposed.Candidates:
    """Choose views and leave them with their pictures for a person, once: later calls read what is there.

    candidates.png shows them, rows contents and columns views, neighbours alike. Raises ValueError when the
    views there are of another GAN.
    """
    workdir = Path(workdir)
    folder, (gan, _) = workdir / NAME, gan_stage.load(workdir)
    if not (folder / proposed.CANDIDATES).exists():
        generator, contents, fresh = source(workdir, gan, seed, settings)
        views = choose(generator, contents, perception_stage.load(workdir), seed, settings)
        pictures = generator.grid(np.array([view["w"] for view in views], np.float32), fresh[:SHOWN])
        proposed.write_candidates(folder, gan.fingerprint, views, np.swapaxes(pictures, 0, 1))
    candidates = proposed.read_candidates(folder, gan.fingerprint, gan.module.w_dim)
    if not (folder / SHEET).exists():
        title = f"{len(candidates.views)} candidate views; below: id, agreement of the outlines"
        pictures = proposed.read_pictures(folder, candidates)
        write_png(folder / SHEET, candidate_sheet(pictures, candidates.views, title=title))
    return candidates


def _measured(content: dict, generator, contents, regressor) -> tuple[dict, dict, np.ndarray]:
    """Summary, scalars and picture grid [c k h w 3] of the views, on contents that the choice has not seen;
    readings are for evaluation only."""
    views = content["views"]
    grid = generator.grid(np.array([view["w"] for view in views], np.float32), contents)
    bins = [view["azimuth_bin"] for view in views]
    scalars = {
        "num_views": len(bins),
        "num_bins": len({b for b in bins if b is not None}),
    }
    consistency = [view["consistency"] for view in views if "consistency" in view]
    if consistency:  # a file put there need not tell it
        scalars["consistency"] = float(np.mean(consistency))
    summary = {"annotated_by": content.get("annotated_by"), "fingerprint": content["fingerprint"]}
    if regressor is not None:
        azimuths = regressor(grid.reshape(-1, *grid.shape[2:])).azimuth
        figures = view_disentanglement(azimuths.reshape(grid.shape[:2]).T)
        per_view = figures.pop("per_view")
        scalars |= {f"azimuth_{name}": value for name, value in figures.items()}
        summary["regressor"] = [
            {"id": view["id"], **reading} for view, reading in zip(views, per_view, strict=True)
        ]
    if "keypoints" in content:
        scalars["keypoint_rms_pixels"] = content["keypoints"]["rms_pixels"]
    if "annotation_seconds" in content:
        summary["annotation_seconds"] = content["annotation_seconds"]
    return summary | scalars, scalars, grid


def _report(workdir: Path, content: dict, generator, contents, regressor, metrics: Metrics) -> None:
    summary, scalars, grid = _measured(content, generator, contents, regressor)
    metrics.write_anew(NAME, 0, **scalars)
    write_json(workdir / NAME / "summary.json", summary)
    write_npz(workdir / NAME / "figures.npz", grid=grid[:8])
    path = workdir / "samples" / "viewpoints.png"
    write_png(path, image_grid(grid.reshape(-1, *grid.shape[2:]), grid.shape[1]))
    metrics.picture(NAME, 0, path)


def recomputed(run: Run, settings: Settings) -> dict[str, dict[str, Any]]:
    """summary.json and the picture grid of the views in viewpoints.json anew, see `Stage`."""
    gan, _ = gan_stage.load(run.workdir)
    load(run.workdir, gan.fingerprint, gan.module.w_dim)
    generator, _, fresh = source(run.workdir, gan, run.seed, settings)
    content, regressor = read_json(path_of(run.workdir)), perception_stage.load(run.workdir).pose_regressor
    summary, _, grid = _measured(content, generator, fresh, regressor)
    return {"summary.json": summary, "figures.npz": {"grid": grid[:8]}}


STAGE = Stage(
    NAME,
    "Viewpoints",
    Settings,
    run,
    needs=lambda settings: ("gan", "perception"),
    check_edited=check_annotation,
    figures=("num_views", "annotation_seconds"),
    reads=lambda settings: (
        {f"{NAME}.shipped": ASSETS / settings.shipped / "viewpoints.json"}
        if settings.annotated_by == "shipped"
        else {}
    ),
    recomputed=recomputed,
)

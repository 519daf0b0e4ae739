"""The viewpoints stage: choose view codes of a GAN and give each a rough camera (section 3.1, App. C, D).

Choosing needs no truth (mask agreement across contents, see evaluation/view_selection.py). The camera is one
of 12 azimuth bins at elevation 0 and a fixed distance. For a shipped GAN the annotated file is shipped; for a
retrained toy GAN the pose regressor annotates and is named; for a real class a person fills in the bins.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ganverse_jax.checkpoint import read_json, write_json, write_npz
from ganverse_jax.data import instances
from ganverse_jax.evaluation import view_selection
from ganverse_jax.evaluation.disentanglement import circular_median, nearest_azimuth_bin, view_disentanglement
from ganverse_jax.loop import Metrics
from ganverse_jax.models.multiview_generator import MultiviewGenerator
from ganverse_jax.report.grid import image_grid
from ganverse_jax.stages import gan as gan_stage
from ganverse_jax.stages import perception as perception_stage

STAGE = "viewpoints"
NUM_BINS = 12
ANNOTATORS = ("pose_regressor", "person", "shipped")
ASSETS = Path(__file__).parents[1] / "assets"
# Seeds of view and content codes live in ranges of their own, so that no code serves as both.
VIEW_SEEDS, CONTENT_SEEDS, SEED_STRIDE = 10**12, 2 * 10**12, 10**7


class Viewpoints(NamedTuple):
    """Chosen views: `views` as in viewpoints.json, `w` float32 [k w_dim], and the GAN's fingerprint."""

    views: list[dict[str, Any]]
    w: np.ndarray
    fingerprint: str


def path_of(workdir: Path) -> Path:
    """Where the stage leaves its annotated views."""
    return Path(workdir) / STAGE / "viewpoints.json"


def load(workdir: Path, fingerprint: str) -> Viewpoints:
    """The views of a finished stage, which must belong to the GAN `fingerprint`."""
    return read_views(path_of(workdir), fingerprint)


def read_views(path: Path, fingerprint: str) -> Viewpoints:
    """Read and check a viewpoints.json.

    Raises FileNotFoundError; ValueError when it belongs to another GAN, when a bin is missing
    or outside 0..11, or when it is no such file at all. Every message names the remedy.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no views at {path}; run the viewpoints stage first")
    content = read_json(path)
    try:
        views, owner = content["views"], content["fingerprint"]
        w = np.array([view["w"] for view in views], np.float32)
        bins = [view["azimuth_bin"] for view in views]
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path} is no viewpoints file ({error!r}); run the viewpoints stage again"
        ) from error
    if owner != fingerprint:
        raise ValueError(
            f"the views in {path} belong to GAN {owner}, but this GAN is {fingerprint}; use that GAN, "
            'or set viewpoints.annotated_by="pose_regressor" to choose and annotate views of this one'
        )
    for view, azimuth_bin in zip(views, bins, strict=True):
        if azimuth_bin is None or azimuth_bin not in range(NUM_BINS):
            raise ValueError(
                f"view {view.get('id')} in {path} : azimuth_bin {azimuth_bin}; see samples/viewpoints.png "
                "and give every view the nearest bin of 30 degrees: 0 front, 3 its left side, 6 back, ... 11"
            )
    return Viewpoints(views, w, fingerprint)


def run(
    workdir: Path,
    *,
    seed: int,
    mesh,
    metrics: Metrics,
    world: Mapping[str, Any] | None = None,
    annotated_by: str,
    shipped: str | None = None,
    num_contents: int,
    content_truncation: float,
    batch_size: int = 64,
    crop: tuple[int, int] | None = None,
    **selection: Any,
) -> None:
    """Leave viewpoints.json, the picture grid and a summary in ``workdir``/viewpoints.

    annotated_by: "shipped" takes assets/`shipped`/viewpoints.json, which must belong to this GAN;
    "pose_regressor" chooses and annotates automatically; "person" chooses and leaves the bins empty (an
    existing file with the bins filled in is kept). selection: the settings of `choose`.
    """
    if annotated_by not in ANNOTATORS:
        raise ValueError(f"viewpoints.annotated_by = {annotated_by!r}; choose one of {', '.join(ANNOTATORS)}")
    workdir = Path(workdir)
    gan, _ = gan_stage.load(workdir)
    perception = perception_stage.load(workdir)
    generator = MultiviewGenerator(gan, batch_size=batch_size, crop=crop)
    content_seeds = CONTENT_SEEDS + SEED_STRIDE * seed + np.arange(2 * num_contents)
    contents, fresh_contents = np.split(generator.codes(content_seeds, content_truncation), 2)
    existing = ASSETS / str(shipped) / "viewpoints.json" if annotated_by == "shipped" else path_of(workdir)
    if annotated_by == "shipped" or (annotated_by == "person" and existing.exists()):
        read_views(existing, gan.fingerprint)
        content = read_json(existing)
    else:
        chosen = choose(generator, contents, perception, annotated_by=annotated_by, seed=seed, **selection)
        content = {"fingerprint": gan.fingerprint, "annotated_by": annotated_by, "views": chosen}
    write_json(path_of(workdir), content)
    _report(workdir, content, generator, fresh_contents, perception.pose_regressor, metrics)
    load(workdir, gan.fingerprint)  # a person's file stops here until its bins are filled in


def choose(
    generator: MultiviewGenerator,
    contents: np.ndarray,
    perception: perception_stage.Perception,
    *,
    annotated_by: str,
    seed: int,
    num_views: int,
    num_candidates: int,
    view_truncation: float,
    min_usable: float = 0.8,
    min_distance: float = 0.1,
    drop_share: float = 0.25,
) -> list[dict[str, Any]]:
    """Score `num_candidates` view codes on `contents` [c w_dim]; the chosen ones as in viewpoints.json.

    min_usable: share of a view's contents that must pass the instance filter; min_distance and drop_share:
    see `view_selection.choose_views`. Bins are None unless annotated_by is "pose_regressor". Raises
    ValueError when no candidate is usable, or there is no regressor to annotate.
    """
    regressor = perception.pose_regressor if annotated_by == "pose_regressor" else None
    if annotated_by == "pose_regressor" and regressor is None:
        raise ValueError('no pose regressor to annotate with; set viewpoints.annotated_by="person"')
    seeds = VIEW_SEEDS + SEED_STRIDE * seed + np.arange(num_candidates)
    w = generator.codes(seeds, view_truncation)
    blocks = [score(generator, rows, contents, perception.segmenter, regressor) for rows in _blocks(w)]
    scores = Scores(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))
    usable = scores.kept.mean(axis=1) >= min_usable
    if not usable.any():
        raise ValueError(
            f"in no view of {len(seeds)} do {min_usable:.0%} of the contents pass the mask filter (best "
            f"{scores.kept.mean(axis=1).max():.0%}); train the GAN longer or lower viewpoints.min_usable"
        )
    chosen = view_selection.choose_views(
        scores.consistency,
        view_selection.view_distances(scores.descriptors),
        num_views,
        bins=None if regressor is None else scores.bins,
        usable=usable,
        min_distance=min_distance,
        drop_share=drop_share,
    )
    order = sorted(chosen, key=lambda i: (scores.bins[i], i))
    return [_view(number, i, seeds, w, scores, regressor is not None) for number, i in enumerate(order)]


def _view(number: int, i: int, seeds: np.ndarray, w: np.ndarray, scores: "Scores", annotated: bool) -> dict:
    return {
        "id": number,
        "w_seed": int(seeds[i]),
        "azimuth_bin": int(scores.bins[i]) if annotated else None,
        "consistency": float(scores.consistency[i]),
        "usable": float(scores.kept[i].mean()),
        "w": [float(x) for x in w[i]],
    }


class Scores(NamedTuple):
    """Of v view codes: kept [v contents] bool, consistency [v], descriptors [v contents d], bins [v] int
    (-1 where nobody annotated)."""

    kept: np.ndarray
    consistency: np.ndarray
    descriptors: np.ndarray
    bins: np.ndarray


def _blocks(w: np.ndarray, size: int = 32):
    """View codes in blocks, so that not all candidates' pictures are in memory at once."""
    return [w[start : start + size] for start in range(0, len(w), size)]


def score(generator: MultiviewGenerator, w: np.ndarray, contents: np.ndarray, segmenter, regressor) -> Scores:
    """Draw `contents` [c w_dim] in the views `w` [v w_dim] and score each view, without any truth."""
    images = np.swapaxes(generator.grid(w, contents), 0, 1)
    flat = images.reshape(-1, *images.shape[2:])
    verdict = instances.judge(segmenter(flat))
    kept = np.array([reason == instances.KEPT for reason in verdict.reason]).reshape(images.shape[:2])
    masks = (verdict.masks > 127).reshape(images.shape[:4])
    consistency = np.array([view_selection.mask_agreement(rows) for rows in masks])
    bins = np.full(len(w), -1)
    if regressor is not None:
        azimuths = regressor(flat).azimuth.reshape(images.shape[:2])
        bins = np.array([nearest_azimuth_bin(circular_median(row), NUM_BINS) for row in azimuths])
    return Scores(kept, consistency, view_selection.appearance(images, masks), bins)


def _report(workdir: Path, content: dict, generator, contents, regressor, metrics: Metrics) -> None:
    """Picture grid and figures on contents the choice has not seen; readings are for evaluation only."""
    views = content["views"]
    grid = generator.grid(np.array([view["w"] for view in views], np.float32), contents)
    flat = grid.reshape(-1, *grid.shape[2:])
    bins = [view["azimuth_bin"] for view in views]
    scalars = {
        "num_views": len(bins),
        "num_bins": len({b for b in bins if b is not None}),
        "consistency": float(np.mean([view["consistency"] for view in views])),
    }
    summary = {"annotated_by": content.get("annotated_by"), "fingerprint": content["fingerprint"]}
    if regressor is not None:
        figures = view_disentanglement(regressor(flat).azimuth.reshape(grid.shape[:2]).T)
        per_view = figures.pop("per_view")
        scalars |= {f"azimuth_{name}": value for name, value in figures.items()}
        summary["regressor"] = [
            {"id": view["id"], **reading} for view, reading in zip(views, per_view, strict=True)
        ]
    metrics.write(STAGE, 0, **scalars)
    summary |= scalars
    write_json(workdir / STAGE / "summary.json", summary)
    write_npz(workdir / STAGE / "figures.npz", grid=grid[:8])
    picture = workdir / "samples" / "viewpoints.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image_grid(flat, grid.shape[1])).save(picture)

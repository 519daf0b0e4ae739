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
VIEW_SEEDS, CONTENT_SEEDS = 1_000_000_000, 2_000_000_000


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
    num_views: int,
    num_candidates: int,
    num_contents: int,
    view_truncation: float,
    content_truncation: float,
    min_usable: float = 0.8,
    min_distance: float = 0.1,
    drop_share: float = 0.25,
    batch_size: int = 64,
    crop: tuple[int, int] | None = None,
) -> None:
    """Leave viewpoints.json, the picture grid and a summary in ``workdir``/viewpoints.

    annotated_by: "shipped" takes assets/`shipped`/viewpoints.json when the GAN is the shipped one;
    "pose_regressor" chooses and annotates automatically; "person" chooses and leaves the bins empty (an
    existing file with the bins filled in is kept). min_usable: share of a view's contents that must pass
    the instance filter; the other settings are those of `view_selection.choose_views`.
    """
    if annotated_by not in ANNOTATORS:
        raise ValueError(f"viewpoints.annotated_by = {annotated_by!r}; choose one of {', '.join(ANNOTATORS)}")
    gan, _ = gan_stage.load(workdir)
    perception = perception_stage.load(workdir)
    generator = MultiviewGenerator(gan, batch_size=batch_size, crop=crop)
    seeds = CONTENT_SEEDS + 100_000 * seed + np.arange(num_contents)
    contents = generator.codes(seeds, content_truncation)
    if annotated_by == "shipped":
        views = read_views(ASSETS / str(shipped) / "viewpoints.json", gan.fingerprint)
        content = read_json(ASSETS / str(shipped) / "viewpoints.json")
    elif annotated_by == "person" and path_of(workdir).exists():
        views, content = load(workdir, gan.fingerprint), read_json(path_of(workdir))
    else:
        regressor = perception.pose_regressor if annotated_by == "pose_regressor" else None
        candidates = VIEW_SEEDS + 100_000 * seed + np.arange(num_candidates)
        chosen = choose(
            generator,
            candidates,
            contents,
            perception.segmenter,
            regressor,
            num_views=num_views,
            psi=view_truncation,
            min_usable=min_usable,
            min_distance=min_distance,
            drop_share=drop_share,
        )
        content = {
            "fingerprint": gan.fingerprint,
            "annotated_by": annotated_by,
            "truncation": view_truncation,
            "views": chosen,
        }
        views = Viewpoints(chosen, np.array([view["w"] for view in chosen], np.float32), gan.fingerprint)
    write_json(path_of(workdir), content)
    _report(
        Path(workdir), views, content, generator.grid(views.w, contents), perception.pose_regressor, metrics
    )
    if annotated_by == "person":
        load(workdir, gan.fingerprint)  # stops here, with instructions, until the bins are filled in


def choose(
    generator: MultiviewGenerator,
    seeds: np.ndarray,
    contents: np.ndarray,
    segmenter,
    regressor,
    *,
    num_views: int,
    psi: float,
    min_usable: float,
    min_distance: float,
    drop_share: float,
) -> list[dict[str, Any]]:
    """Score the candidate view codes of `seeds` on `contents` [c w_dim] and return the chosen views.

    Without a regressor the views come back unannotated (azimuth_bin None). Raises ValueError when no
    candidate is usable.
    """
    w = generator.codes(seeds, psi)
    images = np.swapaxes(generator.grid(w, contents), 0, 1)
    flat = images.reshape(-1, *images.shape[2:])
    verdict = instances.judge(segmenter(flat))
    kept = np.array([reason == instances.KEPT for reason in verdict.reason]).reshape(images.shape[:2])
    masks = (verdict.masks > 127).reshape(images.shape[:4])
    consistency = np.array([view_selection.mask_agreement(rows) for rows in masks])
    usable = kept.mean(axis=1) >= min_usable
    if not usable.any():
        raise ValueError(
            f"in no view of {len(seeds)} do {min_usable:.0%} of the contents pass the mask filter (best "
            f"{kept.mean(axis=1).max():.0%}); train the GAN longer or lower viewpoints.min_usable"
        )
    distances = view_selection.view_distances(view_selection.appearance(images, masks))
    bins = None if regressor is None else _annotate(regressor(flat).azimuth.reshape(images.shape[:2]))
    chosen = view_selection.choose_views(
        consistency,
        distances,
        num_views,
        bins=bins,
        usable=usable,
        min_distance=min_distance,
        drop_share=drop_share,
    )
    if bins is not None:
        chosen.sort(key=lambda i: (bins[i], i))
    return [
        {
            "id": number,
            "w_seed": int(seeds[i]),
            "azimuth_bin": None if bins is None else int(bins[i]),
            "consistency": float(consistency[i]),
            "usable": float(kept[i].mean()),
            "w": [float(x) for x in w[i]],
        }
        for number, i in enumerate(chosen)
    ]


def _annotate(azimuths: np.ndarray) -> list[int]:
    """Azimuth bin of each view from readings [views contents]: the bin nearest to the circular median."""
    return [nearest_azimuth_bin(circular_median(row), NUM_BINS) for row in azimuths]


def _report(
    workdir: Path, views: Viewpoints, content: dict, grid: np.ndarray, regressor, metrics: Metrics
) -> None:
    """Picture grid and figures; the regressor's readings are evaluation only."""
    flat = grid.reshape(-1, *grid.shape[2:])
    azimuths = regressor(flat).azimuth.reshape(grid.shape[:2]).T
    figures = view_disentanglement(azimuths)
    per_view = figures.pop("per_view")
    bins = [view["azimuth_bin"] for view in views.views]
    scalars = {
        "num_views": len(bins),
        "num_bins": len({b for b in bins if b is not None}),
        "consistency": float(np.mean([view["consistency"] for view in views.views])),
    } | {f"azimuth_{name}": value for name, value in figures.items()}
    metrics.write(STAGE, 0, **scalars)
    summary = scalars | {
        "annotated_by": content.get("annotated_by"),
        "fingerprint": views.fingerprint,
        "regressor": [
            {"id": view["id"], **reading} for view, reading in zip(views.views, per_view, strict=True)
        ],
    }
    write_json(workdir / STAGE / "summary.json", summary)
    write_npz(workdir / STAGE / "figures.npz", grid=grid[:8])
    picture = workdir / "samples" / "viewpoints.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image_grid(flat, grid.shape[1])).save(picture)

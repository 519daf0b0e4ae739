"""Choosing view codes of a GAN: draw many, score each without truth, take the consistent and various ones."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.data.masks import instances
from ganverse_jax.data.masks.folder import asked_together
from ganverse_jax.evaluation import view_selection
from ganverse_jax.evaluation.cameras import circular_median, wrap_angle
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.runtime.progress import Progress
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS, nearest_azimuth_bin
from ganverse_jax.stages.multiview_dataset.settings import Filter
from ganverse_jax.stages.perception.cost import announce, batch_of
from ganverse_jax.stages.perception.stage import Perception
from ganverse_jax.stages.viewpoints.settings import Settings

# Seeds of view and content codes live in ranges of their own, so that no code serves as both.
VIEW_SEEDS, CONTENT_SEEDS, SEED_STRIDE = 10**12, 2 * 10**12, 10**7
_PICTURES_AT_ONCE = 128  # scored together, and held in memory


def choose(
    generator: MultiviewGenerator, contents: np.ndarray, perception: Perception, seed: int, settings: Settings
) -> list[dict[str, Any]]:
    """Score the candidates' view codes on `contents` [c w_dim]; the chosen ones as in viewpoints.json.

    Where there is a pose regressor (the toy world), the choice covers its azimuth bins and prefers views
    whose objects face one way; its bins are given only when annotated_by is "pose_regressor", a person is not
    told them. Raises ValueError when no candidate is usable, or there is no regressor to annotate.
    """
    regressor, annotated = perception.pose_regressor, settings.annotated_by == "pose_regressor"
    if annotated and regressor is None:
        raise ValueError('no pose regressor to annotate with; set viewpoints.annotated_by="person"')
    seeds = VIEW_SEEDS + SEED_STRIDE * seed + np.arange(settings.num_candidates)
    w = generator.view_codes(seeds, settings.view_truncation)
    scores = _scores(generator, w, contents, perception, settings)
    distances = view_selection.view_distances(scores.descriptors)
    chosen = view_selection.choose_views(
        scores.consistency * scores.agreement,
        distances,
        settings.num_views,
        bins=None if regressor is None else scores.bins,
        usable=_usable(scores, settings.min_usable),
        min_distance=settings.min_distance,
        drop_share=settings.drop_share,
    )
    if annotated:
        order = sorted(chosen, key=lambda i: (scores.bins[i], i))
    else:  # a person is quicker when neighbours look alike
        order = [chosen[i] for i in view_selection.similarity_order(distances[np.ix_(chosen, chosen)])]
    return [_view(number, i, seeds, w, scores, annotated) for number, i in enumerate(order)]


def commanded(generator: MultiviewGenerator, num_views: int, distance: float) -> list[dict[str, Any]]:
    """Views of a generator that takes cameras, as in viewpoints.json: azimuths evenly around the object, the
    elevations those of real pictures in turn. Their cameras are known in the frame of the first round.

    Raises ValueError for a generator that takes none.
    """
    azimuths = np.arange(num_views) * (2 * np.pi / num_views)
    shares = (np.arange(num_views) * 0.5 * (np.sqrt(5) - 1)) % 1  # neighbours differ
    table = generator.gan.camera.cameras if generator.gan.camera else np.zeros((1, 2))
    cameras = np.stack([azimuths, np.quantile(table[:, 1], shares)], axis=1)
    return [
        {
            "id": number,
            "azimuth_bin": int(nearest_azimuth_bin(azimuth)),
            "azimuth": float(azimuth),
            "elevation": float(elevation),
            "distance": distance,
            "w": [float(x) for x in w],
        }
        for number, ((azimuth, elevation), w) in enumerate(
            zip(cameras, generator.camera_codes(cameras), strict=True)
        )
    ]


def _scores(
    generator: MultiviewGenerator, w: np.ndarray, contents: np.ndarray, perception: Perception, kept: Filter
):
    """The `Scores` of all view codes `w` [v w_dim]."""
    size = max(1, _PICTURES_AT_ONCE // len(contents))
    told = f"{len(w):,} view codes in {len(contents)} contents each"
    draw, fewer = partial(batch_of, generator), "viewpoints.num_candidates, viewpoints.num_contents"
    announce("viewpoints", len(w) * len(contents), told, draw, perception.segmenter, fewer=fewer)
    with Progress("viewpoints", len(w), unit="view codes") as shown:

        def scored(start: int) -> Scores:
            rows = w[start : start + size]
            try:
                return score(generator, rows, contents, perception, kept)
            finally:
                shown.update(start + len(rows))

        blocks = asked_together(scored, range(0, len(w), size))
    return Scores(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))


def _usable(scores: "Scores", least: float) -> np.ndarray:
    """Which views [v] have at least that share of contents pass the filter; ValueError where none has."""
    shares = scores.kept.mean(axis=1)
    if not (shares >= least).any():
        raise ValueError(
            f"in no view of {len(shares)} do {least:.0%} of the contents pass the mask filter (best "
            f"{shares.max():.0%}); train the GAN longer or lower viewpoints.min_usable"
        )
    return shares >= least


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
    and agreement [v], the share of contents within a bin of the view's azimuth (-1 and 1 where there is no
    regressor to tell)."""

    kept: np.ndarray
    consistency: np.ndarray
    descriptors: np.ndarray
    bins: np.ndarray
    agreement: np.ndarray


def score(
    generator: MultiviewGenerator, w: np.ndarray, contents: np.ndarray, perception: Perception, kept: Filter
) -> Scores:
    """Draw `contents` [c w_dim] in the views `w` [v w_dim] and score each view, without any truth;
    kept: which pictures count."""
    images = np.swapaxes(generator.grid(w, contents), 0, 1)
    flat = images.reshape(-1, *images.shape[2:])
    verdict = instances.judge_images(perception.segmenter, flat, **kept.thresholds())
    passed = verdict.kept.reshape(images.shape[:2])
    masks = (verdict.masks > 127).reshape(images.shape[:4])
    consistency = np.array([view_selection.mask_agreement(rows) for rows in masks])
    bins, agreement = np.full(len(w), -1), np.ones(len(w))
    if perception.pose_regressor is not None:
        azimuths = perception.pose_regressor(flat).azimuth.reshape(images.shape[:2])
        medians = np.array([circular_median(row) for row in azimuths]) % (2 * np.pi)
        bins = np.array([nearest_azimuth_bin(median) for median in medians])
        off = np.abs(wrap_angle(azimuths - medians[:, None]))
        agreement = (off <= 2 * np.pi / NUM_AZIMUTH_BINS).mean(axis=1)
    return Scores(passed, consistency, view_selection.appearance(images, masks), bins, agreement)

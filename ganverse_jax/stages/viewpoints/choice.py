"""Choosing view codes of a GAN: draw many, score each without truth, take the consistent and various ones."""

from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.data.masks import instances
from ganverse_jax.data.masks.folder import MissingMasks
from ganverse_jax.evaluation import view_selection
from ganverse_jax.evaluation.disentanglement import (
    angle_difference,
    circular_median,
    nearest_azimuth_bin,
)
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.stages.perception.stage import Perception

NUM_BINS = 12
# Seeds of view and content codes live in ranges of their own, so that no code serves as both.
VIEW_SEEDS, CONTENT_SEEDS, SEED_STRIDE = 10**12, 2 * 10**12, 10**7


def check_choice(*, num_views: int = 1, num_candidates: int | None = None, num_contents: int = 2, **_: Any):
    """ValueError by name for settings that no choice of views can follow, before anything is computed."""
    if num_views < 1:
        raise ValueError(f"viewpoints.num_views {num_views} chooses no view; set 1 or more")
    if num_candidates is not None and num_candidates < num_views:
        raise ValueError(
            f"viewpoints.num_candidates {num_candidates} is less than viewpoints.num_views {num_views}, "
            "which are chosen among them; raise it or lower viewpoints.num_views"
        )
    if num_contents < 2:
        raise ValueError(f"viewpoints.num_contents {num_contents} shows no agreement; set 2 or more")


def choose(
    generator: MultiviewGenerator,
    contents: np.ndarray,
    perception: Perception,
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
    see `view_selection.choose_views`. Where there is a pose regressor (the toy world), the choice covers its
    azimuth bins and prefers views whose objects face one way; its bins are given only when annotated_by is
    "pose_regressor", a person is not told them. Raises ValueError when no candidate is usable, or there is no
    regressor to annotate.
    """
    regressor, annotated = perception.pose_regressor, annotated_by == "pose_regressor"
    if annotated and regressor is None:
        raise ValueError('no pose regressor to annotate with; set viewpoints.annotated_by="person"')
    seeds = VIEW_SEEDS + SEED_STRIDE * seed + np.arange(num_candidates)
    w = generator.codes(seeds, view_truncation)
    blocks, missing = [], []
    for rows in _blocks(w):
        try:
            blocks.append(score(generator, rows, contents, perception.segmenter, regressor))
        except MissingMasks as error:  # go on, so that one error tells all that are wanted
            missing.append(error)
    if missing:
        raise MissingMasks.together(missing)
    scores = Scores(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))
    usable = scores.kept.mean(axis=1) >= min_usable
    if not usable.any():
        raise ValueError(
            f"in no view of {len(seeds)} do {min_usable:.0%} of the contents pass the mask filter (best "
            f"{scores.kept.mean(axis=1).max():.0%}); train the GAN longer or lower viewpoints.min_usable"
        )
    distances = view_selection.view_distances(scores.descriptors)
    chosen = view_selection.choose_views(
        scores.consistency * scores.agreement,
        distances,
        num_views,
        bins=None if regressor is None else scores.bins,
        usable=usable,
        min_distance=min_distance,
        drop_share=drop_share,
    )
    if annotated:
        order = sorted(chosen, key=lambda i: (scores.bins[i], i))
    else:  # a person is quicker when neighbours look alike
        order = [chosen[i] for i in view_selection.similarity_order(distances[np.ix_(chosen, chosen)])]
    return [_view(number, i, seeds, w, scores, annotated) for number, i in enumerate(order)]


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


def _blocks(w: np.ndarray, size: int = 32):
    """View codes in blocks, so that not all candidates' pictures are in memory at once."""
    return [w[start : start + size] for start in range(0, len(w), size)]


def score(generator: MultiviewGenerator, w: np.ndarray, contents: np.ndarray, segmenter, regressor) -> Scores:
    """Draw `contents` [c w_dim] in the views `w` [v w_dim] and score each view, without any truth."""
    images = np.swapaxes(generator.grid(w, contents), 0, 1)
    flat = images.reshape(-1, *images.shape[2:])
    verdict = instances.judge_images(segmenter, flat)
    kept = np.array([reason == instances.KEPT for reason in verdict.reason]).reshape(images.shape[:2])
    masks = (verdict.masks > 127).reshape(images.shape[:4])
    consistency = np.array([view_selection.mask_agreement(rows) for rows in masks])
    bins, agreement = np.full(len(w), -1), np.ones(len(w))
    if regressor is not None:
        azimuths = regressor(flat).azimuth.reshape(images.shape[:2])
        medians = np.array([circular_median(row) for row in azimuths])
        bins = np.array([nearest_azimuth_bin(median, NUM_BINS) for median in medians])
        off = np.abs(angle_difference(azimuths, medians[:, None]))
        agreement = (off <= 2 * np.pi / NUM_BINS).mean(axis=1)
    return Scores(kept, consistency, view_selection.appearance(images, masks), bins, agreement)

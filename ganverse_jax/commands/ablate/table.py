"""The table and the picture of a finished `ablation`: Fig. 6, Fig. P and Table 1b of arXiv:2010.09125."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax.classes import World
from ganverse_jax.commands.network_pictures import exact_views, first_pairs, rendered_views, turned_sheet
from ganverse_jax.commands.posed_trainings import time_of, times_note
from ganverse_jax.data.multiview.posed_world import true_cameras
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.pages.markup import markdown_table
from ganverse_jax.scene.cameras import take_cameras

LABELS = {
    "full": "full model",
    "no_multiview": "without the multi-view term (w.o. M.V.)",
    "no_perceptual": "without the perceptual term (w.o. P.)",
    "no_camera_optimisation": "cameras stay at their bins",
    "nothing": "all three off",
    "baseline": "PASCAL-model's analogue",
}
# Columns of the table: figure of evaluation.json, its head, digits.
COLUMNS = (
    ("iou_2d", "2D IOU, input's view", 3),
    ("novel_view_iou", "novel-view IOU", 3),
    ("colour_error", "colour error, input's view", 4),
    ("colour_error_other_view", "another view", 4),
    ("chamfer", "Chamfer", 4),
    ("f_score_0.05", "F-score 0.05", 3),
    ("volumetric_iou", "volumetric IOU", 3),
)
PAPER_IOU = {"full": "0.95", "baseline": "0.81"}  # Table 1b, on the paper's StyleGAN test set
PICTURED = {
    "full": "full",
    "no_multiview": "w.o. M.V.",
    "no_perceptual": "w.o. P.",
    "baseline": "PASCAL-like",
}
NUM_SHOWN = 3  # objects in the picture


def markdown(content: Mapping[str, Any]) -> str:
    """The table of an `ablation.json`."""
    heads = [head for _, head, _ in COLUMNS]
    lines = [
        "# Ablations (Fig. 6, Fig. P) and the baseline of Table 1, on the toy world",
        "",
        f"{content['train_images']} training images of {content['train_objects']} objects from "
        f"{content['views']} cameras, {content['resolution']} pixels, measured on {content['test_images']} "
        f"images of {content['test_objects']} other objects. Every model: {content['steps']} steps of batch "
        f"{content['batch_size']}, two renders per object, seed {content['seed']}, on {content['device']}. "
        f"The perceptual term compares {content['perceptual_blocks']} blocks of the GAN's discriminator from "
        f"step {content['perceptual_start']} on. Without the multi-view term both renders are compared with "
        f"the input itself. {LABELS['baseline']}: {content['train_images']} images of as many objects, "
        "one view each, from their true cameras, which do not move. The paper's 2D IOU (Table 1b, StyleGAN "
        "test set) stands in brackets; it gives no figures for its ablations.",
        "",
        *markdown_table(
            ("Model", *heads, "camera error, mean / max", "training"),
            [_model_row(name, model) for name, model in content["models"].items()],
        ),
        "",
        "Novel views and shapes are compared with the exact objects after one similarity fitted on "
        "validation ones; the input's and the other view are rendered from each model's own cameras, so that "
        f"wrong cameras cost there too. {times_note(content['models'])}",
        "",
    ]
    return "\n".join(lines)


def _model_row(name: str, model: Mapping[str, Any]) -> tuple[str, ...]:
    figures = model["figures"]
    cells = [f"{figures[key]:.{digits}f}" for key, _, digits in COLUMNS]
    if name in PAPER_IOU:
        cells[0] += f" ({PAPER_IOU[name]})"
    mean, worst = (figures[f"camera_rotation_{which}_degrees"] for which in ("mean", "max"))
    cameras = "given" if name == "baseline" else f"{mean:.2f}° / {worst:.2f}°"
    return LABELS[name], *cells, cameras, time_of(model["training"])


def ablation_picture(folder: Path, world: World, multiview: MultiviewSet) -> np.ndarray:
    """Test objects, each as it is and as every pictured model of `folder` makes it from one view (Fig. 6).

    Returns uint8 [H W 3]; columns: input, the same view, another view, six sides.
    """
    test = multiview.split("test")
    rows, others = first_pairs(test, NUM_SHOWN)
    truth = true_cameras(test.views)
    cameras = [take_cameras(truth, test.view_id[chosen]) for chosen in (rows, others)]
    views = {"truth": exact_views(world, test.object_id[rows], cameras)}
    for name, label in PICTURED.items():
        views[label] = rendered_views(folder / name, test, rows, others, turned=True)
    return turned_sheet(test.images[rows], views, ["input", "same view", "another view"])

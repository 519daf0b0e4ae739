"""Table A and Figure E of arXiv:2010.09125, of a finished `camera_comparison`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax.commands.network_pictures import first_pairs, rendered_views
from ganverse_jax.commands.posed_trainings import time_of, times_note
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.pages.grid import labelled_grid
from ganverse_jax.pages.markup import markdown_table

# The paper's Table A: annotation time, training time, 2D IOU; differences mean and max in degrees.
PAPER = {"view": ("1 min", "60 h", "0.952"), "keypoint": ("3-4 h", "60 h", "0.953")}
LABELS = {"view": "view-model", "keypoint": "keypoint-model", "true": "true cameras"}
PAPER_DIFFERENCES = {"axis": (1.43, 2.95), "angle": (0.42, 1.11)}
NUM_SHOWN = 4  # objects in the picture


def markdown(content: Mapping[str, Any]) -> str:
    """The two tables of a `comparison.json`, the paper's figures beside ours."""
    clicks = content["clicks"]
    lines = [
        "# Table A: camera annotations compared on the toy world",
        "",
        f"{content['images']} images of {content['objects']} objects from {content['views']} cameras, "
        f"{content['resolution']} pixels; {content['steps']} steps of batch {content['batch_size']}, seed "
        f"{content['seed']}, on {content['device']}. Keypoint-model: {clicks['clicks']} simulated clicks on "
        f"object {clicks['object']} with {clicks['noise_pixels']:g} pixels of noise; its bundle adjustment "
        f"leaves {clicks['rms_pixels']:.2f} pixels. The paper's figures (39 views of GAN images) stand in "
        f"brackets. {times_note(content['models'])}",
        "",
        "## (a) Time and performance",
        "",
        *markdown_table(
            ("Cameras start from", "Annotation", "Training", "2D IOU", "Novel-view IOU",
             "Camera error before, mean / max", "after, mean / max"),
            [_model_row(name, content) for name in content["models"]],
        ),
        "",
        "## (b) View-model against keypoint-model",
        "",
        *markdown_table(
            ("Difference of", "before, mean / max", "after training, mean", "max"),
            [
                _difference_row(kind, content["view_against_keypoint"])
                for kind in ("axis", "angle", "rotation")
            ],
        ),
        "",
        "An axis says little where the rotation itself is small, as it is near azimuth 0; whole rotations "
        "have no such exception.",
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _model_row(name: str, content: Mapping[str, Any]) -> tuple[str, ...]:
    model, clicks = content["models"][name], content["clicks"]["clicks"]
    start = {
        "view": ("12 view bins, elevation 0 (view-model)", f"{content['views']} bins"),
        "keypoint": ("points clicked on one object (keypoint-model)", f"{clicks} clicks"),
        "true": ("the true cameras", "-"),
    }[name]
    annotation, hours, iou = (f" ({figure})" for figure in PAPER[name]) if name in PAPER else ("", "", "")
    figures = model["figures"]
    return (
        start[0],
        start[1] + annotation,
        time_of(model["training"]) + hours,
        f"{figures['iou_2d']:.3f}{iou}",
        f"{figures['novel_view_iou']:.3f}",
        _pair(model["cameras_before"], "rotation"),
        _pair(model["cameras_after"], "rotation"),
    )


def _difference_row(kind: str, differences: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    label = {"axis": "rotation axes, q_xyz", "angle": "rotation angles, q_w", "rotation": "whole rotations"}
    paper = [f" ({value:.2f}°)" for value in PAPER_DIFFERENCES.get(kind, ())] or ["", ""]
    after = [_degrees(differences["after"], kind, which) for which in ("mean", "max")]
    return label[kind], _pair(differences["before"], kind), after[0] + paper[0], after[1] + paper[1]


def _pair(errors: Mapping[str, float], kind: str) -> str:
    return f"{_degrees(errors, kind, 'mean')} / {_degrees(errors, kind, 'max')}"


def _degrees(errors: Mapping[str, float], kind: str, which: str) -> str:
    value = errors.get(f"camera_{kind}_{which}_degrees")  # rotations of less than a degree have no axis
    return "-" if value is None else f"{value:.2f}°"


def comparison_picture(folders: Mapping[str, Path], multiview: MultiviewSet) -> np.ndarray:
    """Test objects in two views each, and what every model makes of the first one, as in Figure E.

    folders: per model, of finished trainings. Returns uint8 [H W 3]: a row of the set's pictures, by turns
    input and other view, then a row of renders per model.
    """
    test = multiview.split("test")
    rows, others = first_pairs(test, NUM_SHOWN)
    pairs = [np.stack([test.images[rows], test.images[others]], axis=1)]
    pairs += [rendered_views(folder, test, rows, others) for folder in folders.values()]
    return labelled_grid(["input, other view", *(LABELS[name] for name in folders)], pairs)

"""The tables of `launch.evaluate` beside the paper's, as Markdown and as a section of the report."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ganverse_jax.pages.markup import ReportError, Section, escape, markdown_table, table
from ganverse_jax.report import paper
from ganverse_jax.report.artefacts import Run
from ganverse_jax.runtime.checkpoint import read_json

FOLDER, FIGURES, TABLES, PICTURE = "evaluation", "evaluation.json", "tables.md", "evaluation.png"
LABELS = {
    "baseline": "single views, true cameras (Pascal3D model)",
    "ours": "GAN views, cameras found (ours)",
    "posed": "exact multi-view renders, cameras found",
}
# Figure of evaluation.json, its head, digits.
_TRUTH = (
    ("novel_view_iou", "novel-view IOU", 3),
    ("chamfer", "Chamfer", 4),
    ("f_score_0.05", "F-score 0.05", 3),
    ("volumetric_iou", "volumetric IOU", 3),
    ("normal_error_degrees", "normal error", 1),
    ("texture_error", "texture error", 4),
    ("perceptual_distance", "perceptual distance", 3),
)
# Label, figure's name of mean and max (camera_<name>_<which>_degrees), the paper's of Table A (b).
_CAMERAS = (
    ("rotation axis", "axis", "1.43° / 2.95°"),
    ("rotation angle", "angle", "0.42° / 1.11°"),
    ("rotation", "rotation", "–"),
)
_STALE = (
    '<div class="placeholder" role="note"><strong>Of another training</strong><span>What was measured is not '
    "this inverse graphics network; run <code>launch.evaluate</code> again.</span></div>"
)


class Table(NamedTuple):
    """A titled table of plain text: heads, rows, and what to know of it."""

    title: str
    heads: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of an `evaluation.json`."""
    return [_overlap(content), _cameras(content), _truth(content)]


def markdown(content: Mapping[str, Any]) -> str:
    """All tables as one Markdown page."""
    lines = ["# Evaluation beside the paper's", "", _summary(content), ""]
    for part in tables(content):
        lines += [f"## {part.title}", "", *markdown_table(part.heads, part.rows), "", part.note, ""]
    return "\n".join(lines)


def evaluation_sections(run: Run) -> list[Section]:
    """The section "Beside the paper", where `launch.evaluate` has measured this run; else none.

    Where the network was trained anew since, a note says so instead. Raises ReportError for a damaged file.
    """
    path = run.workdir / FOLDER / FIGURES
    if not path.is_file():
        return []
    remedy = "delete it and run launch.evaluate again"
    try:
        content = read_json(path, remedy=remedy)
    except ValueError as error:
        raise ReportError(str(error)) from error
    try:
        if content.get("digest") != _present_digest(run):
            return [Section("beside", "Beside the paper", "", _STALE, ran=False)]
        lede, parts = _summary(content), tables(content)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ReportError(f"{path} is no evaluation ({error!r}); {remedy}") from error
    body = "".join(
        f"<h3>{escape(part.title)}</h3>"
        + table(
            [escape(head) for head in part.heads],
            [[escape(cell) for cell in row] for row in part.rows],
            "compare",
            numeric=range(1, len(part.heads)),
        )
        + f'<p class="note">{escape(part.note)}</p>'
        for part in parts
    )
    return [Section("beside", "Beside the paper", escape(lede), body)]


def _present_digest(run: Run) -> str:
    """The digest of the finished inverse graphics stage; "" where there is none."""
    stage = run.stages.get("inverse_graphics")
    done = stage.json("DONE.json") if stage else None
    return str(done.get("digest", "")) if isinstance(done, dict) else ""


def _summary(content: Mapping[str, Any]) -> str:
    return (
        f"Two networks of {content['steps']:,} steps of batch {content['batch_size']} on "
        f"{content['train_images']:,} images each, {content['resolution']} pixels, seed {content['seed']}, "
        f"on {content['device']}. Ours learned from the GAN's images, the baseline from as many renders of "
        "as many objects, one view and its true camera each, which is what Pascal3D+ is to real pictures."
    )


def _overlap(content: Mapping[str, Any]) -> Table:
    rows = []
    for model, (pascal, stylegan) in paper.TABLE_1B.items():
        real, drawn = content["real_test"][model], content["gan_test"][model]
        cells = _cell(real, "iou_2d", 3), pascal, _cell(real, "iou_2d_fitted_camera", 3)
        rows.append((LABELS[model], *cells, _cell(drawn, "iou_2d", 3), stylegan))
    return Table(
        "2D IOU in the input's view (Table 1b)",
        (
            "model",
            "real test renders",
            "paper: Pascal3D test",
            "real, camera fitted per picture",
            "GAN test images",
            "paper: StyleGAN test",
        ),
        rows,
        f"{content['real_images']} renders of objects and cameras that neither network was trained on, from "
        "their true cameras after one similarity per network, fitted on "
        f"{content['fitting_images']} other objects; {content['gan_test_images']} images of "
        f"{content['gan_test_objects']} held-out GAN objects, from the cameras that our training found for "
        "their views, which favours our network. The figure says nothing of unseen sides.",
    )


def _cameras(content: Mapping[str, Any]) -> Table:
    posed = content["posed"] or {}
    rows = []
    for label, name, printed in _CAMERAS:
        cells = (_cell(posed, f"camera_{name}_{which}_degrees", 2, "°") for which in ("mean", "max"))
        rows.append((label, " / ".join(cells), printed))
    return Table(
        "Cameras (Table A), mean / max",
        ("difference", "ours, from the true cameras", "paper, between two trainings"),
        rows,
        "From 12 azimuth bins, on exact renders (the inverse_graphics_posed stage); the paper knows no true "
        "cameras. launch.compare_cameras makes the paper's own comparison."
        + ("" if posed else " The stage has not run here."),
    )


def _truth(content: Mapping[str, Any]) -> Table:
    models = {
        "ours": content["real_test"]["ours"],
        "baseline": content["real_test"]["baseline"],
        "posed": content["posed"] or {},
    }
    rows = [
        (LABELS[model], *(_cell(figures, name, digits, _unit(name)) for name, _, digits in _TRUTH))
        for model, figures in models.items()
    ]
    features = {"discriminator": "the GAN discriminator's features", "lpips": "LPIPS"}
    return Table(
        "Shape and appearance against the truth",
        ("model", *(head for _, head, _ in _TRUTH)),
        rows,
        "The first two on the real test renders, the third on test objects of its own set. Novel views: four "
        "of each object from random cameras. Normals and colours are compared in pixels that lie wholly on "
        "the true object and on the predicted one; the true colours are lit as in the input, as the networks "
        f"paint what they see. Perceptual distance: {features.get(content['perceptual'], 'not measured')}. "
        "The paper has no such figures, as real objects come without their truth.",
    )


def _unit(name: str) -> str:
    return "°" if name.endswith("degrees") else ""


def _cell(figures: Mapping[str, float], name: str, digits: int, unit: str = "") -> str:
    return f"{figures[name]:.{digits}f}{unit}" if name in figures else "–"

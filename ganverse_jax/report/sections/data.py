"""Sections on what the GAN gives: samples, views, masks."""

import math
from typing import Any

from ganverse_jax.pages.markup import ReportError, Section, bars, escape, figure, number, placeholder
from ganverse_jax.pages.pictures import Pictures, outline_overlay
from ganverse_jax.report.artefacts import Run, StageArtefacts

CONTOUR = (235, 106, 54)
LAYERS_LEDE = (
    "The first four layers hold the camera. Fix them and every content code is seen from one side; change "
    "them and one object turns."
)
CAMERA_LEDE = (
    "This GAN takes a camera beside the content. Hold the camera and every content is seen from one side; "
    "change it and one object turns."
)


def gan_section(run: Run, pictures: Pictures) -> Section:
    """Samples of the GAN."""
    stage = run.stages["gan"]
    told = "random codes and cameras. No mask" if run.takes_cameras else "random codes. No camera, no mask"
    lede = f"Where everything starts: pictures drawn by a StyleGAN2 from {told}, no 3D."
    samples = stage.pictures("samples", 1)
    if samples is None:
        return Section("gan", "Samples of the GAN", lede, placeholder("gan", "Random samples"), ran=False)
    size = f"{samples.shape[2]} × {samples.shape[1]}"
    body = figure(
        pictures.sheet(samples, "GAN sample", 30),
        f"Uncurated samples at {size} pixels. Look at how parts and the ground sit together: "
        "what is wrong here, the later stages inherit.",
    )
    return Section("gan", "Samples of the GAN", lede, body)


def _views(stage: StageArtefacts, count: int) -> list[dict[str, Any]]:
    """Views of viewpoints.json when they fit the picture grid, else unlabelled ones."""
    content = stage.json("viewpoints.json")
    path = stage.directory / "viewpoints.json"
    if content is None:
        return [{} for _ in range(count)]
    views = content.get("views") if isinstance(content, dict) else None
    if not isinstance(views, list) or not all(isinstance(v, dict) for v in views):
        raise ReportError(
            f"viewpoints.json has no list of views; delete it and run the viewpoints stage again ({path})"
        )
    return views if len(views) == count else [{} for _ in range(count)]


def _azimuth(view: dict[str, Any]) -> float | None:
    """Degrees: those asked of the GAN, else those of the view's bin, else None."""
    if "azimuth" in view:
        return math.degrees(view["azimuth"])
    azimuth_bin = view.get("azimuth_bin")
    return None if azimuth_bin is None else 30.0 * azimuth_bin


def viewpoints_section(run: Run, pictures: Pictures) -> Section:
    """The paper's Fig. 2: one object per row, one view code per column."""
    stage = run.stages["viewpoints"]
    title = "One object, many views"
    lede = CAMERA_LEDE if run.takes_cameras else LAYERS_LEDE
    grid = stage.pictures("grid", 2)
    if grid is None:
        return Section("views", title, lede, placeholder("viewpoints", "The grid of views"), ran=False)
    views = _views(stage, grid.shape[1])
    azimuths = [_azimuth(view) for view in views]
    order = sorted(range(len(views)), key=lambda i: (azimuths[i] is None, azimuths[i] or 0, i))
    labels = ["–" if azimuths[i] is None else f"{round(azimuths[i], 1):g}°" for i in order]
    rows = [[row[i] for i in order] for row in grid[:8]]
    alts = [[f"Object {r + 1}, view at about {name}" for name in labels] for r in range(len(rows))]
    caption = (
        "Rows are contents, columns are view codes, as in the paper’s Fig. 2; "
        f"{_told(run, stage, views)}. Read down a column: the pose should stay. Read along a row: the "
        "object should."
    )
    annotated = any(azimuth is not None for azimuth in azimuths)
    body = figure(pictures.grid(rows, alts, columns=labels if annotated else ()), caption, "wide")
    return Section("views", title, lede, body)


def _told(run: Run, stage: StageArtefacts, views: list[dict[str, Any]]) -> str:
    """What stands above the columns of views."""
    if all(_azimuth(view) is None for view in views):
        return "no azimuth bins are annotated yet"
    if run.takes_cameras:
        return "above each column the azimuth that was asked of the GAN (0° looks at the front)"
    start = "azimuth" if any("azimuth" in view for view in views) else "azimuth bin, one of twelve,"
    return f"above each column the {start} it starts from (0° looks at the front){_annotator(stage)}"


def _annotator(stage: StageArtefacts) -> str:
    """Who gave the bins, when the summary says so: a regressor's bins must not pass for a person's."""
    name = stage.summary.get("annotated_by")
    return f", annotated by: {escape(str(name).replace('_', ' '))}" if name else ""


def dataset_section(run: Run, pictures: Pictures) -> Section:
    """Masks over pictures, and what the filter turned away."""
    stage = run.stages["multiview_dataset"]
    title = "Masks and what was turned away"
    lede = "Every picture gets a mask; those with a bad one leave the dataset, as in the paper’s Sec. 3.1."
    images, masks = stage.pictures("images", 1), stage.masks("masks")
    if not stage.ran:
        return Section("masks", title, lede, placeholder("multiview_dataset", "Masks and rejects"), ran=False)
    parts = []
    if images is not None and masks is not None:
        if images.shape[:3] != masks.shape:
            raise ReportError(
                f"figures.npz: images {list(images.shape)} and masks {list(masks.shape)} differ; delete it "
                f"and run the multiview_dataset stage again ({stage.directory / 'figures.npz'})"
            )
        overlays = [outline_overlay(i, m, CONTOUR) for i, m in zip(images[:20], masks[:20], strict=True)]
        parts.append(
            figure(
                pictures.sheet(overlays, "GAN picture with its mask outlined", 20),
                "The mask’s outline over the picture, the background faded. Look at thin parts, and at "
                "shadows under the object, which should stay outside.",
            )
        )
    parts.append(_rejects(stage, pictures))
    return Section("masks", title, lede, "".join(parts))


def _rejects(stage: StageArtefacts, pictures: Pictures) -> str:
    rejected, counts = stage.pictures("rejected", 1), stage.summary.get("rejected_by_reason", {})
    reasons = sorted(((name.replace("_", " "), count) for name, count in counts.items()), key=lambda r: -r[1])
    body = ""
    if reasons:
        body += "<h3>Rejected, by reason</h3>" + bars(reasons)
    if rejected is not None:
        total = sum(count for _, count in reasons)
        of_all = f" of {number(total)}" if total > len(rejected) else ""
        body += figure(
            pictures.sheet(rejected, "Rejected picture", 16, "small"),
            f"Some{escape(of_all)} rejected pictures. Look for good ones among them: the filter is then too "
            "strict.",
        )
    return body

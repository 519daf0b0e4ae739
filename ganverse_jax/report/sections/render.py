"""Sections on StyleGAN-R, the GAN turned into a renderer with 3D handles."""

import numpy as np

from ganverse_jax.pages.markup import Section, figure, placeholder
from ganverse_jax.pages.pictures import Pictures
from ganverse_jax.report.artefacts import Run, StageArtefacts

NAME = "stylegan_r"
SWEEPS = (("azimuth_sweep", "azimuth"), ("elevation_sweep", "elevation"), ("scale_sweep", "scale"))
CUTOUT = {"dibr": "cutout"}
SWAPS = (
    ("shape_swap", "shape swap", "box-red"),
    ("texture_swap", "texture swap", "box-green"),
    ("background_swap", "background swap", "box-cyan"),
)


def stylegan_r_section(run: Run, pictures: Pictures) -> Section:
    """Dual renderer (Fig. 7), camera controller (Fig. 9) and swaps (Fig. 10)."""
    stage = run.stages[NAME]
    title = "StyleGAN-R, a renderer with handles"
    lede = "A mapping network feeds mesh, texture, background and camera back into the fine-tuned GAN."
    if not stage.ran:
        gap = placeholder(NAME, "The dual renderer, camera sweeps and swaps")
        return Section("stylegan-r", title, lede, gap, ran=False)
    body = (
        "<h3>Two renderers, one scene</h3>"
        + _dual(stage, pictures)
        + "<h3>Camera handles</h3>"
        + _sweeps(stage, pictures)
        + "<h3>Swapping shape, texture and background</h3>"
        + _swaps(stage, pictures)
    )
    return Section("stylegan-r", title, lede, body)


def _dual(stage: StageArtefacts, pictures: Pictures) -> str:
    columns = [(key, stage.pictures(key, 1)) for key in ("inputs", "dibr", "neural")]
    columns = [(key, array) for key, array in columns if array is not None]
    if not columns:
        return placeholder(NAME, "Input, rasterized mesh and neural rendering")
    names = {"inputs": "input", "dibr": "rasterized", "neural": "StyleGAN-R"}
    count = min(8, *(len(array) for _, array in columns))
    triples = "".join(
        '<div class="triple">'
        + "".join(
            f"<div>{pictures.img(array[n], f'{names[key]}, object {n + 1}', CUTOUT.get(key, ''))}"
            f"<span>{names[key]}</span></div>"
            for key, array in columns
        )
        + "</div>"
        for n in range(count)
    )
    return figure(
        f'<div class="triples">{triples}</div>',
        "As the paper’s Fig. 7. The rasterizer draws the predicted mesh alone; the GAN puts it back "
        "into a picture. "
        "Pose, silhouette and colour should agree across the three.",
        "wide",
    )


def _sweeps(stage: StageArtefacts, pictures: Pictures) -> str:
    result = ""
    for key, name in SWEEPS:
        sweep = stage.pictures(key, 2)
        if sweep is None:
            continue
        rows = [list(row) for row in sweep[:3]]
        alts = [
            [f"Object {r + 1}, {name} step {i + 1}" for i in range(len(row))] for r, row in enumerate(rows)
        ]
        result += figure(
            pictures.grid(rows, alts), f"{name.capitalize()} from low to high, all else held.", "sweep"
        )
    if not result:
        return placeholder(NAME, "Sweeps over azimuth, elevation and scale")
    return (
        f'<div class="sweeps">{result}</div><p class="note">As the paper’s Fig. 9. Look at what '
        f"should not move: "
        "the object’s colour and the background.</p>"
    )


def _swaps(stage: StageArtefacts, pictures: Pictures) -> str:
    sampled = stage.pictures("sampled", 1)
    if sampled is None:
        return placeholder(NAME, "Swaps between three sampled objects")
    present = [(stage.pictures(key, 1), name, box) for key, name, box in SWAPS]
    present = [(array, name, box) for array, name, box in present if array is not None]
    rows, alts, boxes = [], [], {}
    for n in range(len(sampled)):
        rows.append([sampled[n], *(_pick(array, n) for array, _, _ in present)])
        alts.append(
            [f"Sampled object {n + 1}", *(f"Object {n + 1} after the {name}" for _, name, _ in present)]
        )
    for column, (_, name, box) in enumerate(present, start=1):
        source = [swap for _, swap, _ in SWAPS].index(name)
        boxes[(source, column)] = box
        boxes[(source, 0)] = box
    return figure(
        pictures.grid(
            rows, alts, columns=("sampled", *(name for _, name, _ in present)), classes=boxes, gaps=(1,)
        ),
        "As the paper’s Fig. 10. Every object takes the shape of object 1 (red), the texture of object 2 "
        "(green), the background of object 3 (cyan). Framed examples are the source and stay unchanged.",
        "swaps",
    )


def _pick(array: np.ndarray, n: int) -> np.ndarray | None:
    return array[n] if n < len(array) else None

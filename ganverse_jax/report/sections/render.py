"""Sections on StyleGAN-R, the GAN turned into a renderer with 3D handles."""

from ganverse_jax.pages.markup import Section, figure, placeholder
from ganverse_jax.pages.pictures import Pictures
from ganverse_jax.report.artefacts import Run, StageArtefacts

NAME = "stylegan_r"
SWEEPS = ("azimuth", "elevation", "scale")
BOXES = {"shape swap": "box-red", "texture swap": "box-green", "background swap": "box-cyan"}


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
    keys = {"input": "inputs", "rasterized": "dibr", "StyleGAN-R": "neural"}
    columns = {name: stage.pictures(key, 1) for name, key in keys.items()}
    if any(column is None for column in columns.values()):
        return placeholder(NAME, "Input, rasterized mesh and neural rendering")

    def cell(name: str, n: int) -> str:
        css = "cutout" if name == "rasterized" else ""
        return (
            f"<div>{pictures.img(columns[name][n], f'{name}, object {n + 1}', css)}<span>{name}</span></div>"
        )

    triples = "".join(
        f'<div class="triple">{"".join(cell(name, n) for name in columns)}</div>'
        for n in range(min(8, len(columns["input"])))
    )
    return figure(
        f'<div class="triples">{triples}</div>',
        "As the paper’s Fig. 7. The rasterizer draws the predicted mesh alone; the GAN puts it back into a "
        "picture. Pose, silhouette and colour should agree across the three.",
        "wide",
    )


def _sweeps(stage: StageArtefacts, pictures: Pictures) -> str:
    result = ""
    for name in SWEEPS:
        sweep = stage.pictures(f"{name}_sweep", 2)
        if sweep is None:
            continue
        rows = [list(row) for row in sweep[:3]]
        steps = range(sweep.shape[1])
        alts = [[f"Object {r + 1}, {name} step {i + 1}" for i in steps] for r in range(len(rows))]
        caption = f"{name.capitalize()} from low to high, all else held."
        result += figure(pictures.grid(rows, alts), caption, "sweep")
    if not result:
        return placeholder(NAME, "Sweeps over azimuth, elevation and scale")
    return (
        f'<div class="sweeps">{result}</div><p class="note">As the paper’s Fig. 9. Look at what should not '
        "move: the object’s colour and the background.</p>"
    )


def _swaps(stage: StageArtefacts, pictures: Pictures) -> str:
    sampled = stage.pictures("sampled", 1)
    swapped = [stage.pictures(name.replace(" ", "_"), 1) for name in BOXES]
    if sampled is None or any(array is None for array in swapped):
        return placeholder(NAME, "Swaps between three sampled objects")
    rows = [list(row) for row in zip(sampled, *swapped, strict=True)]
    alts = [
        [f"Sampled object {n + 1}", *(f"Object {n + 1} after the {name}" for name in BOXES)]
        for n in range(len(rows))
    ]
    boxes = {(n, column): box for n, box in enumerate(BOXES.values()) for column in (0, n + 1)}
    return figure(
        pictures.grid(rows, alts, columns=("sampled", *BOXES), classes=boxes, gaps=(1,)),
        "As the paper’s Fig. 10. Every object takes the shape of object 1 (red), the texture of object 2 "
        "(green), the background of object 3 (cyan). Framed examples are the source and stay unchanged.",
        "swaps",
    )

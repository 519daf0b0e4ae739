"""Pictures and figures of what each layer of a generator holds (Appendix B of arXiv:2010.09125)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax.commands.finished_networks import finished_generator, toy_perception
from ganverse_jax.commands.visualize_layers import splits
from ganverse_jax.evaluation import layer_pictures
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.style_space import VIEW_LAYERS
from ganverse_jax.pages.frame import assemble
from ganverse_jax.pages.grid import image_grid
from ganverse_jax.pages.markup import markdown_table
from ganverse_jax.pages.pictures import Pictures
from ganverse_jax.pipeline.experiment import Experiment
from ganverse_jax.report.sections import layers
from ganverse_jax.runtime.checkpoint import write_json, write_png, write_text
from ganverse_jax.stages.gan.settings import Settings

FOLDER = "layers"
_SEEDS = 5 * 10**12
_FIXED = 4  # pictures that are taken apart; deviations are averaged over them


def run(
    experiment: Experiment, workdir: Path, *, num_samples: int, num_views: int, num_contents: int
) -> Path:
    """Write pictures, figures and a page into ``workdir``/layers; returns the page's path.

    num_samples: codes in every row of pictures; num_views, num_contents: codes that the splits are measured
    on, where the config has a toy world and its perception networks a pose regressor. Raises ValueError for
    counts below two and for a generator that takes a camera.
    """
    _check_counts(num_samples=num_samples, num_views=num_views, num_contents=num_contents)
    gan, settings = finished_generator(experiment, workdir), experiment.stages["gan"]
    if gan.camera is not None:
        raise ValueError(
            f"generator {gan.fingerprint} is told its camera, so no layers hold a view and there is nothing "
            "to split; look at one that is not, e.g. with --config=configs/toy_car_round1.py"
        )
    resolution = gan.module.resolution
    batch_size = max(4, min(64, 4096 // resolution))
    generator = MultiviewGenerator(gan, batch_size=batch_size, crop=settings.crop)
    folder = Path(workdir) / FOLDER
    drawn = draw(generator, settings, num_samples, experiment.seed)
    _write_pictures(drawn, folder)
    content = _measure(experiment, workdir, generator, num_views=num_views, num_contents=num_contents)
    if content is not None:
        write_json(folder / layers.FILE, content)
        write_text(folder / "splits.svg", layers.standalone(layers.splits_chart(content)))
    sections = layers.picture_sections(drawn, content, Pictures(min(192, resolution)))
    lede = f"Generator {gan.fingerprint}, {resolution} pixels, {gan.module.num_ws} layers of ws."
    page = assemble(
        sections,
        title="What each layer of the generator holds",
        name=Path(workdir).absolute().name,
        opening=f'<p class="lede">{lede}</p>',
    )
    write_text(folder / "index.html", page)
    return folder / "index.html"


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if count < 2:
            raise ValueError(f"{name} = {count}; nothing varies with fewer than 2")


def _measure(
    experiment: Experiment, workdir: Path, generator: MultiviewGenerator, **counts: int
) -> dict[str, Any] | None:
    """The table of splits with the generator's fingerprint, or None where no network reads viewpoints."""
    perception = toy_perception(experiment, workdir)
    if perception is None:
        print("[layers] no toy world to measure with: the splits are drawn, not measured", flush=True)
        return None
    print("[layers] measuring every split of the layers", flush=True)
    truncations = {
        "view_truncation": experiment.stages["viewpoints"].view_truncation,
        "content_truncation": experiment.stages["gan"].truncation,
    }
    yardsticks = splits.make_yardsticks(perception, experiment)
    figures = splits.measure_splits(generator, yardsticks, seed=experiment.seed, **counts, **truncations)
    print("\n".join(markdown_table(layers.SPLIT_HEADS, layers.split_rows(figures))), flush=True)
    return {"fingerprint": generator.gan.fingerprint} | figures


def draw(generator: MultiviewGenerator, settings: Settings, num_samples: int, seed: int) -> dict[str, Any]:
    """All pictures of one generator, truncated and cropped as the GAN's settings say.

    samples uint8 [4 h w 3] and blocks, of each sample the pictures of its blocks; groups, the rows of ws that
    vary together, and varied uint8 [groups n h w 3]; split [contents views h w 3]; deviation_maps [num_ws h w
    3], their means `deviations` [num_ws] and their common scale `deviation_range`.
    """
    num_ws = generator.module.num_ws
    seeds = _SEEDS + 10**7 * seed + np.arange(_FIXED + 2 * num_samples)
    codes = generator.codes(seeds, settings.truncation)
    fixed, others, views = np.split(codes, [_FIXED, _FIXED + num_samples])
    ws = np.repeat(fixed[:, None], num_ws, axis=1)
    print("[layers] drawing blocks, groups and the split", flush=True)
    groups = layer_pictures.layer_groups(num_ws)
    varied = [layer_pictures.vary_layers(ws[0], others, rows) for rows in groups]
    parts = [ws, *varied, splits.split_ws(views, fixed, VIEW_LAYERS, num_ws)]
    ends = np.cumsum([len(ws), len(groups) * num_samples])
    samples, varied, split = np.split(generator.images(np.concatenate(parts)), ends)
    shape = samples.shape[1:]
    deviations = layer_deviations(generator, ws, others)
    return {
        "samples": samples,
        "blocks": _blocks(generator, ws, settings.crop),
        "groups": groups,
        "varied": varied.reshape(len(groups), num_samples, *shape),
        "split": np.swapaxes(split.reshape(num_samples, _FIXED, *shape), 0, 1),
        "deviations": deviations.mean(axis=(1, 2)),
        "deviation_range": float(deviations.max()),
        "deviation_maps": layer_pictures.heat_map(deviations, float(deviations.max())),
    }


def _blocks(
    generator: MultiviewGenerator, ws: np.ndarray, crop: tuple[int, int] | None
) -> list[list[np.ndarray]]:
    """Of each ws the pictures of all blocks [h w 3], enlarged to the image's pixels and cropped as it is."""
    side = generator.module.resolution
    top, bottom = crop or (0, side)
    pictures = layer_pictures.block_pictures(generator.module, generator.gan.variables, ws)
    large = [
        p.repeat(side // p.shape[1], axis=1).repeat(side // p.shape[1], axis=2)[:, top:bottom]
        for p in pictures
    ]
    return [list(row) for row in zip(*large, strict=True)]


def layer_deviations(generator: MultiviewGenerator, ws: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Standard deviation per pixel [num_ws h w] when one layer of ws [f num_ws w] takes the codes others
    [n w], root mean square over the f pictures."""
    maps = []
    for layer in range(ws.shape[1]):
        print(f"[layers] layer {layer + 1} of {ws.shape[1]} varies alone", flush=True)
        varied = [layer_pictures.vary_layers(base, others, [layer]) for base in ws]
        images = np.split(generator.images(np.concatenate(varied)), len(ws))
        squares = [layer_pictures.pixel_deviation(part) ** 2 for part in images]
        maps.append(np.sqrt(np.mean(squares, axis=0)))
    return np.stack(maps)


def _write_pictures(drawn: Mapping[str, Any], folder: Path) -> None:
    """Each part of the page as one PNG."""
    blocks = [[*row, image] for row, image in zip(drawn["blocks"], drawn["samples"], strict=True)]
    first = np.repeat(drawn["samples"][:1], len(drawn["groups"]), axis=0)
    sheets = {
        "blocks": np.array(blocks),
        "groups": np.concatenate([first[:, None], drawn["varied"]], axis=1),
        "split": drawn["split"],
        "deviation": drawn["deviation_maps"][None],
    }
    for name, sheet in sheets.items():
        picture = image_grid(sheet.reshape(-1, *sheet.shape[2:]), sheet.shape[1])
        write_png(folder / f"{name}.png", picture)

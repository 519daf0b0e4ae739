"""The texts of an import: per-layer shapes, config snippet, card."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganverse_jax.interchange.stylegan2.imported_gan import ImportedGAN
from ganverse_jax.models.stylegan2.networks import Generator
from ganverse_jax.models.stylegan2.style_space import style_layout


def shape_report(gan: ImportedGAN) -> str:
    """Every parameter's shape, count and root mean square, and W*'s layers with their offsets."""
    lines = [f"generator {gan.generator_settings}", f"discriminator {gan.discriminator_settings}"]
    trees = {"generator": gan.ema, "discriminator": gan.discriminator}
    for network, tree in trees.items():
        leaves = jax.tree_util.tree_leaves_with_path(tree)
        total = sum(leaf.size for _, leaf in leaves)
        lines += ["", f"{network}: {total} numbers", f"{'name':44} {'shape':>20} {'numbers':>10} {'rms':>10}"]
        for path, leaf in leaves:
            name = ".".join(str(part.key) for part in path)
            rms = float(np.sqrt(np.mean(np.square(leaf, dtype=np.float64))))
            shape = "x".join(map(str, leaf.shape)) or "scalar"
            lines.append(f"{name:44} {shape:>20} {leaf.size:10d} {rms:10.4g}")
    return "\n".join([*lines, "", *_style_table(Generator(**gan.generator_settings))]) + "\n"


def _style_table(generator: Generator) -> list[str]:
    if generator.num_ws <= 4:
        return ["W*: too few layers to split view from content"]
    layout = style_layout(generator)
    parts = f"{layout.size} = view {layout.view_size} + content {layout.content_size}"
    lines = [f"W*: {parts}", f"{'style':14} {'offset':>8} {'width':>6}  part"]
    for name, width, offset in zip(layout.names, layout.widths, layout.offsets, strict=True):
        part = "view" if name in layout.view_names else "content"
        lines.append(f"{name:14} {offset:8d} {width:6d}  {part}")
    return lines


def config_text(gan: ImportedGAN, out: Path, rows: tuple[int, int] | None) -> str:
    """Python text of `apply(config)`, which points an experiment's config at the imported weights."""
    resolution = gan.generator_settings["resolution"]
    shape = (
        f"{resolution} px"
        if rows is None
        else f"{resolution} px, the picture in rows {rows[0]}-{rows[1] - 1}"
    )
    return f'''"""Settings for the imported StyleGAN2 ({shape}).

Call apply(config) at the end of a get_config().
"""


def apply(config):
    """Point the stages of an experiment (see configs/car.py) at these weights."""
    config.gan.pretrained = {str(out)!r}
    config.gan.crop = {rows!r}
    return config
'''


def card_text(gan: ImportedGAN, card: dict[str, Any]) -> str:
    """Markdown card: files, origin, licence, architecture."""
    g, d = gan.generator_settings, gan.discriminator_settings
    files = "".join(
        f"- `{_plain(name)}`, SHA-256 {digest}\n"
        for name, digest in zip(card["imported_from"], card["sha256"], strict=True)
    )
    picture = "the whole image" if card["crop"] is None else f"rows {card['crop'][0]}-{card['crop'][1] - 1}"
    raw = (
        ""
        if gan.generator is None
        else "- `generator_raw.safetensors`: the trained generator, not averaged\n"
    )
    return f"""# Imported StyleGAN2

Read as data by `launch.import_stylegan2`; nothing of the source was executed.

## Origin

{files}- written by: {card["family"]}
- origin: {_plain(card["origin"])}
- **licence**: {_plain(card["licence"])}

## Network

- {g["resolution"]} px, z {g["z_dim"]}, w {g["w_dim"]}, {g["mapping_layers"]} mapping layers, channels
  min({g["channel_base"]} / r, {g["channel_max"]}), clamp {g["conv_clamp"]}
- discriminator: clamp {d["conv_clamp"]}, groups of {d["mbstd_group"] or "the whole batch"} for the deviation
- picture: {picture}
- fingerprint of the averaged generator: {card["fingerprint"]}

## Files

- `generator.safetensors`: averaged generator (the one to draw with), `discriminator.safetensors`
{raw}- `checkpoint/`: the same as an Orbax checkpoint (g, ema, d, w_avg, noise)
- `samples.png`: truncation 0.7, stored noise; `shapes.txt`: every layer; `config_snippet.py`: settings
"""


def _plain(text: str) -> str:
    """Text of a user for one line of Markdown."""
    return " ".join(text.replace("`", "'").split())

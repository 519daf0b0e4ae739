"""Stand-ins for other people's files, in their true formats and sizes: random weights that nobody may mistake
for theirs, and ellipses for masks.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ganverse_jax.data.masks.folder import WANTED
from ganverse_jax.models.features.lpips import LAYERS, TAPS
from ganverse_jax.models.stylegan2.networks import block_resolutions, channels_at
from tests.interchange.conftest import pickled, tf_network, torch_file

WIDTH = 512  # of z, w and the widest layers of configs e and f
CONFIG_E, CONFIG_F = 16384, 32768  # channels at resolution r: that / r, at most WIDTH


def write_stylegan2(path: Path, resolution: int, channel_base: int) -> None:
    """A pickle of (G, D, Gs) as NVIDIA's TensorFlow code wrote it."""
    rng = np.random.default_rng(0)
    fmap_base = channel_base // 2  # TensorFlow's counts by blocks
    sizes = dict(num_channels=3, resolution=resolution, label_size=0, fmap_base=fmap_base)
    synthesis = tf_network("G_synthesis_stylegan2", _synthesis(rng, resolution, channel_base), **sizes)
    dense = {f"Dense{i}/weight": 100 * _normal(rng, WIDTH, WIDTH) for i in range(8)}
    mapping = tf_network("G_mapping", dense | {f"Dense{i}/bias": _zero(WIDTH) for i in range(8)})
    parts = {"mapping": mapping, "synthesis": synthesis}
    average = {"lod": np.float32(0), "dlatent_avg": 0.1 * _normal(rng, WIDTH)}
    generator, averaged = (tf_network("G_main", average, parts, **sizes) for _ in range(2))
    critic = tf_network("D_stylegan2", _critic(rng, resolution, channel_base), **sizes)
    path.write_bytes(pickled((generator, critic, averaged)))


def _normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape, np.float32)


def _zero(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def _synthesis(rng: np.random.Generator, resolution: int, channel_base: int) -> dict[str, np.ndarray]:
    before = channels_at(4, channel_base, WIDTH)
    found = {"4x4/Const/const": _normal(rng, 1, before, 4, 4)}

    def layer(name: str, inputs: int, outputs: int, kernel: int = 3) -> None:
        found[f"{name}/weight"] = _normal(rng, kernel, kernel, inputs, outputs)
        found[f"{name}/mod_weight"], found[f"{name}/mod_bias"] = _normal(rng, WIDTH, inputs), _zero(inputs)
        found[f"{name}/bias"] = _zero(outputs)
        if kernel == 3:
            found[f"{name}/noise_strength"] = np.float32(0.05)

    for side in block_resolutions(resolution):
        width = channels_at(side, channel_base, WIDTH)
        scope = f"{side}x{side}"
        if side == 4:
            layer(f"{scope}/Conv", before, width)
        else:
            layer(f"{scope}/Conv0_up", before, width)
            layer(f"{scope}/Conv1", width, width)
        layer(f"{scope}/ToRGB", width, 3, kernel=1)
        before = width
    for i in range(2 * len(block_resolutions(resolution)) - 1):
        side = 2 ** ((i + 5) // 2)
        found[f"noise{i}"] = _normal(rng, 1, 1, side, side)
    return found


def _critic(rng: np.random.Generator, resolution: int, channel_base: int) -> dict[str, np.ndarray]:
    sides = block_resolutions(resolution)[::-1]
    width = channels_at(resolution, channel_base, WIDTH)
    name = f"{resolution}x{resolution}/FromRGB"
    found = {f"{name}/weight": _normal(rng, 1, 1, 3, width), f"{name}/bias": _zero(width)}
    for side in sides[:-1]:
        scope, after = f"{side}x{side}", channels_at(side // 2, channel_base, WIDTH)
        found |= {
            f"{scope}/Conv0/weight": _normal(rng, 3, 3, width, width),
            f"{scope}/Conv0/bias": _zero(width),
        }
        found |= {f"{scope}/Conv1_down/weight": _normal(rng, 3, 3, width, after)}
        found |= {
            f"{scope}/Conv1_down/bias": _zero(after),
            f"{scope}/Skip/weight": _normal(rng, 1, 1, width, after),
        }
        width = after
    found |= {"4x4/Conv/weight": _normal(rng, 3, 3, width + 1, width), "4x4/Conv/bias": _zero(width)}
    found |= {"4x4/Dense0/weight": _normal(rng, 16 * width, width), "4x4/Dense0/bias": _zero(width)}
    return found | {"Output/weight": _normal(rng, width, 1), "Output/bias": _zero(1)}


def write_lpips(vgg: Path, linear: Path) -> None:
    """torchvision's VGG16 without its classifier, and LPIPS v0.1's linear layers."""
    rng, inputs, state = np.random.default_rng(0), 3, {}
    for index, outputs in LAYERS.items():
        scale = np.float32(np.sqrt(2 / (9 * inputs)))  # keeps what goes through it of one size
        state[f"features.{index}.weight"] = scale * _normal(rng, outputs, inputs, 3, 3)
        state[f"features.{index}.bias"] = _zero(outputs)
        inputs = outputs
    torch_file(vgg, state)
    weights = {
        f"lin{number}.model.1.weight": np.abs(_normal(rng, 1, LAYERS[index], 1, 1))
        for number, index in enumerate(TAPS)
    }
    torch_file(linear, weights)


def write_pictures(folder: Path, count: int, side: int) -> None:
    """PNGs of one colour each with a rectangle."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for i in range(count):
        picture = Image.new("RGB", (side, side), tuple(map(int, rng.integers(0, 256, 3))))
        corner = rng.integers(0, side // 2, 2)
        ImageDraw.Draw(picture).rectangle(
            [*corner, *(corner + side // 3)], fill=tuple(map(int, rng.integers(0, 256, 3)))
        )
        picture.save(folder / f"{i:03d}.png")


def fill_masks(folder: Path, limit: int | None = None) -> int:
    """An ellipse for every picture (or `limit` of them) that `folder` was asked for and has no mask of; how
    many."""
    wanted = [path for path in sorted((folder / WANTED).glob("*.png")) if not (folder / path.name).exists()]
    for path in wanted[:limit]:
        with Image.open(path) as picture:
            width, height = picture.size
        rng = np.random.default_rng(int(path.stem[-8:], 16))
        centre = np.array([width, height]) * (0.5 + rng.uniform(-0.02, 0.02, 2))
        radii = np.array([width, height]) * rng.uniform((0.27, 0.22), (0.33, 0.28))
        mask = Image.new("L", (width, height))
        ImageDraw.Draw(mask).ellipse([*(centre - radii), *(centre + radii)], fill=255)
        mask.save(folder / path.name)
    return len(wanted[:limit])

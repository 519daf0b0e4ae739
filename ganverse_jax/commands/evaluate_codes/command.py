"""What the view and the content of a GAN hold, measured on a grid of views x contents (DESIGN.md, section 5).

Shape and texture are read by the inverse graphics network of the posed set, which never saw a GAN; poses and
identity by the yardsticks of `visualize_layers`. The same network's shares on true renders stand beside them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.commands.finished_networks import finished_generator, toy_perception
from ganverse_jax.commands.visualize_layers.splits import Yardsticks, make_yardsticks
from ganverse_jax.evaluation.cameras import commanded_cameras, commanded_errors
from ganverse_jax.evaluation.disentanglement import identity_agreement, two_way_shares, view_disentanglement
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.inverse_graphics.prediction import predict_in_batches
from ganverse_jax.models.inverse_graphics.stored import load_folder
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.stored import LoadedGenerator
from ganverse_jax.pipeline.experiment import Experiment, make_world
from ganverse_jax.runtime.checkpoint import write_json
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics_posed import stage as posed

FILE = "codes_evaluation.json"
_VIEW_SEEDS, _CONTENT_SEEDS = 5 * 10**12, 6 * 10**12  # apart from those of other commands


class Reader(NamedTuple):
    """The network of the posed set, with its parameters, and the yardsticks."""

    network: InverseGraphics
    params: Any
    yardsticks: Yardsticks

    def shares(self, images: np.ndarray) -> dict[str, dict[str, float]]:
        """Of a grid uint8 [views contents h w 3]: two-way shares of shape, texture, background colour."""
        flat, grid = images.reshape(-1, *images.shape[2:]), images.shape[:2]
        masks = self.yardsticks.perception.segmenter(flat)
        read = predict_in_batches(self.network, self.params, flat, np.round(255 * masks).astype(np.uint8))
        behind = 1.0 - masks[..., None]
        colour = (flat / 255.0 * behind).sum(axis=(1, 2)) / np.maximum(behind.sum(axis=(1, 2)), 1.0)
        values = {"shape": read.displacements, "texture": read.texture, "background": colour}
        return {name: two_way_shares(np.reshape(value, (*grid, -1))) for name, value in values.items()}


def run(
    experiment: Experiment, workdir: Path, *, posed_workdir: Path, num_views: int, num_contents: int
) -> dict[str, Any]:
    """Measure the workdir's generator, or the one its config takes; writes <workdir>/codes_evaluation.json.

    posed_workdir: of the run whose inverse_graphics_posed stage reads the shapes. Raises FileNotFoundError
    for missing networks, ValueError where no toy world is there to measure with.
    """
    gan, reader = finished_generator(experiment, workdir), make_reader(experiment, workdir, posed_workdir)
    counts, perception = (num_views, num_contents), reader.yardsticks.perception
    content = {"fingerprint": gan.fingerprint, "num_views": num_views, "num_contents": num_contents}
    content |= measure(gan, reader, experiment, *counts)
    content["truth"] = {"shares": reader.shares(_true_grid(experiment, perception, *counts))}
    write_json(workdir / FILE, content)
    return content


def make_reader(experiment: Experiment, workdir: Path, posed_workdir: Path) -> Reader:
    """What reads the pictures of a run's GAN; raises as :func:`run`."""
    perception = toy_perception(experiment, workdir)
    if perception is None:
        raise ValueError("what codes hold is measured on toy worlds, whose pose network this run lacks")
    folder = posed_workdir / posed.NAME / inverse_graphics.NAME
    network, params, _ = load_folder(folder, f"run --stages={posed.NAME} there")
    return Reader(network, params["network"], make_yardsticks(perception, experiment))


def measure(
    gan: LoadedGenerator, reader: Reader, experiment: Experiment, num_views: int, num_contents: int
) -> dict[str, Any]:
    """Shares, poses and identity of a generator's pictures, and how it obeys cameras where it takes one."""
    generator = MultiviewGenerator(gan, crop=experiment.stages["gan"].crop)
    grid = _grid(generator, experiment, num_views, num_contents)
    content: dict[str, Any] = {"shares": reader.shares(grid)} | _poses(reader, grid)
    if gan.camera is not None:
        content["commanded"] = _commanded(reader, generator, experiment, num_contents)
    return content


def _grid(generator: MultiviewGenerator, experiment: Experiment, num_views: int, num_contents: int):
    """Images uint8 [views contents h w 3] of random views and contents."""
    stages, seed = experiment.stages, 10**7 * experiment.seed
    views = generator.view_codes(
        _VIEW_SEEDS + seed + np.arange(num_views), stages["viewpoints"].view_truncation
    )
    return np.swapaxes(generator.grid(views, _contents(generator, experiment, num_contents)), 0, 1)


def _contents(generator: MultiviewGenerator, experiment: Experiment, count: int) -> np.ndarray:
    seeds = _CONTENT_SEEDS + 10**7 * experiment.seed + np.arange(count)
    return generator.codes(seeds, experiment.stages["gan"].truncation)


def _true_grid(experiment: Experiment, perception, num_views: int, num_contents: int) -> np.ndarray:
    """As `_grid`, rendered: objects of the test split from random cameras."""
    world = make_world(experiment, perception.pose_regressor.resolution, "test")
    random = np.random.default_rng([experiment.seed, 5])
    azimuth, elevation = random.uniform(0, 2 * np.pi, num_views), random.uniform(*world.elevations, num_views)
    objects = np.tile(np.arange(num_contents), num_views)
    cameras = np.repeat(azimuth, num_contents), np.repeat(elevation, num_contents)
    images = world.render_views(objects, *cameras)["image"]
    return images.reshape(num_views, num_contents, *images.shape[1:])


def _poses(reader: Reader, images: np.ndarray) -> dict[str, float]:
    """Azimuth spread within a view (degrees) and identity agreement of a grid [views contents h w 3]."""
    shape = images.shape[:2]
    azimuths, embeddings = reader.yardsticks.read(images.reshape(-1, *images.shape[2:]))
    figures = view_disentanglement(azimuths.reshape(shape))
    return {
        "azimuth_spread": figures["within_view"],
        "azimuth_spread_median": figures["within_view_median"],
        "identity_agreement": identity_agreement(embeddings.reshape(*shape, -1)),
    }


def _commanded(reader: Reader, generator: MultiviewGenerator, experiment, num_contents: int) -> dict:
    """Commanded cameras against those read off the pictures."""
    cameras = commanded_cameras()
    contents = _contents(generator, experiment, num_contents)
    images = np.swapaxes(generator.grid(generator.camera_codes(cameras), contents), 0, 1)
    pose = reader.yardsticks.perception.pose_regressor(images.reshape(-1, *images.shape[2:]))
    asked = (np.repeat(cameras[:, i], num_contents) for i in range(2))
    return commanded_errors(pose[:2], *asked)


def table(content: Mapping[str, Any]) -> str:
    """The figures as text."""
    lines = [f"generator {content['fingerprint']}, {content['num_views']} views x {content['num_contents']}"]
    for name, values in content["shares"].items():
        true = content["truth"]["shares"][name]
        lines.append(
            f"  {name:10s} content {values['content']:.2f}  view {values['view']:.2f}   "
            f"(true renders {true['content']:.2f}, {true['view']:.2f})"
        )
    lines.append(
        f"  azimuth spread within a view, mean / median {content['azimuth_spread']:.1f} / "
        f"{content['azimuth_spread_median']:.1f} degrees; identity {content['identity_agreement']:.2f}"
    )
    if told := content.get("commanded"):
        lines.append(
            f"  commanded azimuth off by {told['azimuth_error']:.1f} (median "
            f"{told['azimuth_error_median']:.1f}) degrees, {told['azimuth_within_15']:.0%} within 15; "
            f"elevation by {told['elevation_error']:.1f}"
        )
    return "\n".join(lines)

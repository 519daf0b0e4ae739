"""Chooses which dimensions of W* are the view's, by how far they tell the pose of many labelled samples.

The paper lets the first four layers carry the view and picks 144 of their 2048 dimensions for g_v (section
3.3), ranked on the annotated views alone. In a small GAN these layers carry the body too. Here samples are
labelled by the pose network of `self_labels`, and all other dimensions of the first four layers come from the
content.
"""

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganverse_jax.commands.evaluate_codes import command as evaluate_codes
from ganverse_jax.commands.finished_networks import finished_gan, finished_generator
from ganverse_jax.models.perception.pose_regressor import LearnedPoseRegressor
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.stored import LoadedGenerator, arguments_of, save_generator
from ganverse_jax.models.stylegan2.style_space import flatten_styles, style_layout, styles_of
from ganverse_jax.models.stylegan_r.latent_mapper import camera_features, camera_reference, view_correlation
from ganverse_jax.pages.markup import markdown_table
from ganverse_jax.pipeline.experiment import Experiment
from ganverse_jax.pipeline.remedies import absent, check_all_there
from ganverse_jax.runtime.batched import in_batches
from ganverse_jax.runtime.checkpoint import write_json
from ganverse_jax.stages.gan.stage import discriminator_path, generator_path
from ganverse_jax.stages.gan.teacher import POSE

FILE = "view_dims.json"
_SEEDS = 7 * 10**12  # apart from those of other commands


@dataclasses.dataclass(frozen=True)
class Question:
    """labels: folder of the pose network; posed_workdir: as for `evaluate_codes`; counts: of view dimensions
    to measure; num_samples: labelled for the ranking; out: where a generator of the one count is written."""

    labels: Path
    posed_workdir: Path
    counts: Sequence[int]
    num_samples: int = 4000
    num_views: int = 24
    num_contents: int = 24
    out: Path | None = None


def run(experiment: Experiment, workdir: Path, asked: Question) -> dict[str, Any]:
    """Rank the dimensions, measure each count, write <workdir>/view_dims.json (and the generator to `out`).

    Raises FileNotFoundError for missing networks; ValueError for counts that the generator has not, for a
    generator that takes a camera, for several counts with `out`, and where no toy world is there to measure
    with.
    """
    pose_path = asked.labels / POSE
    check_all_there(absent("--labels", pose_path, "run --stages=self_labels, and give its folder"))
    gan = finished_generator(experiment, workdir)
    if gan.camera is not None:
        raise ValueError(f"generator {gan.fingerprint} takes a camera: its view is no part of W*")
    if asked.out is not None and len(asked.counts) != 1:
        raise ValueError(
            f"--out writes a generator of one count, not of {list(asked.counts)}; give one --counts"
        )
    size = style_layout(gan.module, include_torgb=True).view_size
    for count in asked.counts:
        if not 0 < count <= size:
            raise ValueError(f"--counts={count} is not in 1..{size}, the view dimensions of this generator")
    reader = evaluate_codes.make_reader(experiment, workdir, asked.posed_workdir)
    correlation = rank(gan, LearnedPoseRegressor.load(pose_path), asked.num_samples, experiment.seed)
    rows = {}
    for count in asked.counts:
        chosen = gan._replace(view_mask=mask_of(gan, correlation, count))
        grid = asked.num_views, asked.num_contents
        rows[str(count)] = evaluate_codes.measure(chosen, reader, experiment, *grid)
    if asked.out is not None:
        card = gan.metadata | {"view_dims": asked.counts[0], "made_from": gan.fingerprint}
        stored = gan.variables, gan.w_avg, card
        path = asked.out / generator_path(workdir).name
        save_generator(path, arguments_of(gan.module), *stored, view_mask=chosen.view_mask)
        critic = discriminator_path(workdir).name  # beside it: a stage takes both
        shutil.copyfile(finished_gan(experiment, workdir) / critic, asked.out / critic)
    content = {"fingerprint": gan.fingerprint, "dimensions": size, "counts": rows}
    write_json(workdir / FILE, content)
    return content


def rank(gan: LoadedGenerator, pose: LearnedPoseRegressor, count: int, seed: int) -> np.ndarray:
    """Multiple correlation [n] of every view dimension of the full flat code with what `pose` reads off
    `count` samples (`view_correlation`)."""
    layout = style_layout(gan.module, include_torgb=True)

    @jax.jit
    def styles(w):
        flat = flatten_styles(styles_of(gan.module, gan.variables, w), layout)
        return flat[:, : layout.view_size]

    generator = MultiviewGenerator(gan)
    w = generator.codes(_SEEDS + 10**7 * seed + np.arange(count), 1.0)
    images, _ = generator.pairs(w, w)
    read = pose(images)
    reference = camera_reference(read.elevation, read.distance)
    features = np.asarray(camera_features(read.azimuth, read.elevation, read.distance, reference))
    return view_correlation(in_batches(styles, w, size=64), features)


def mask_of(gan: LoadedGenerator, correlation: np.ndarray, count: int) -> np.ndarray:
    """bool [n] over the full flat code: the `count` view dimensions of greatest correlation."""
    mask = np.zeros(style_layout(gan.module, include_torgb=True).size, bool)
    mask[np.argsort(-correlation, kind="stable")[:count]] = True
    return mask


def table(content: Mapping[str, Any]) -> str:
    """A Markdown table, a row per count."""
    of_views = "azimuth spread, median / mean"
    heads = ("view dimensions", "shape: content / view", "texture: content / view", of_views, "identity")
    rows = []
    for count, told in content["counts"].items():
        shares = [told["shares"][name] for name in ("shape", "texture")]
        spread = f"{told['azimuth_spread_median']:.1f} / {told['azimuth_spread']:.1f}"
        cells = [f"{share['content']:.2f} / {share['view']:.2f}" for share in shares]
        rows.append(
            [f"{count} of {content['dimensions']}", *cells, spread, f"{told['identity_agreement']:.2f}"]
        )
    return "\n".join(markdown_table(heads, rows))

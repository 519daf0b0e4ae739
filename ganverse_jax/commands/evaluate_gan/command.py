"""Figures of a GAN as a whole: distance to the real pictures, precision and recall, perceptual path length.

With Inception's weights the distance is FID and with LPIPS' the path length is PPL; both are files the user
points at. Without them features of the toy world's pose network stand in, and every figure is named a proxy.
Precision and recall are taken in the same features as the distance (their authors used VGG16's).
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from ganverse_jax.commands.finished_networks import finished_generator, toy_perception
from ganverse_jax.evaluation.distributions import frechet_distance, precision_recall
from ganverse_jax.evaluation.path_length import EPSILON, make_path_lengths, mean_path_length
from ganverse_jax.evaluation.toy_features import ToyFeatures
from ganverse_jax.interchange.metric_weights import (
    GET_INCEPTION,
    GET_LPIPS,
    GET_VGG,
    load_inception,
    load_linear,
    load_lpips,
    load_vgg,
)
from ganverse_jax.models.features.inception import NUM_FEATURES, Inception, inception_input
from ganverse_jax.models.features.lpips import LPIPS
from ganverse_jax.models.stylegan2.networks import Generator, truncate
from ganverse_jax.models.stylegan2.stored import LoadedGenerator
from ganverse_jax.pipeline.experiment import Experiment
from ganverse_jax.pipeline.remedies import absent, check_all_there
from ganverse_jax.runtime.batched import in_batches
from ganverse_jax.runtime.checkpoint import write_json
from ganverse_jax.runtime.pixels import gan_to_uint8
from ganverse_jax.stages.gan.data import real_images
from ganverse_jax.stages.gan.settings import Data

FILE = "gan_evaluation.json"
NEIGHBOURS = 3
_BATCH = 32
_STREAMS = {"samples": 11, "paths": 12, "real": 13}  # of random numbers


class Judge(NamedTuple):
    """features(images uint8 [n h w 3]) -> [n dimensions], and what figures in them are called."""

    features: Callable[[np.ndarray], np.ndarray]
    dimensions: int
    name: str
    distance_name: str
    prefix: str  # of precision and recall


class PathJudge(NamedTuple):
    """distance(params, a, b) of images in [-1, 1], and what a path length in it is called."""

    distance: Callable[..., jax.Array]
    params: Any
    name: str
    length_name: str


def run(
    experiment: Experiment,
    workdir: Path,
    *,
    num_images: int,
    num_paths: int,
    truncation: float = 1.0,
    real: str | None = None,
    inception: str | None = None,
    vgg: str | None = None,
    lpips: str | None = None,
) -> dict[str, Any]:
    """Measure the workdir's generator, or the one its config takes; writes ``workdir``/gan_evaluation.json.

    real: a folder or .zip of pictures in place of the config's `gan.data`; inception, vgg, lpips: weights
    files (interchange/metric_weights.py). Returns what is written; a path length is left out where nothing
    can measure it. Raises FileNotFoundError for missing files, ValueError for counts and weights of no use.
    """
    workdir, crop, seed = Path(workdir), experiment.stages["gan"].crop, experiment.seed
    _check_files({"--real": real, "--inception": inception, "--vgg": vgg, "--lpips": lpips})
    gan = finished_generator(experiment, workdir)
    judge, path_judge = _judges(experiment, workdir, inception, vgg, lpips)
    if num_images <= judge.dimensions or num_paths < 1:
        raise ValueError(
            f"{num_images} images and {num_paths} paths are too few: the covariance of {judge.dimensions} "
            "features needs more images than that; raise --num_images and --num_paths"
        )
    pictures = _real_pictures(experiment, workdir, gan.module.resolution, 2 * num_images, real, crop)
    print(f"[gan_evaluation] {judge.name}: {num_images} generated and real images", flush=True)
    figures = _compare(gan, judge, pictures, num_images, psi=truncation, seed=seed, crop=crop)
    content = {"fingerprint": gan.fingerprint, "features": judge.name}
    if path_judge is not None:
        print(f"[gan_evaluation] {path_judge.name}: {num_paths} paths", flush=True)
        lengths = path_lengths(gan, path_judge, num_paths, seed=seed, crop=crop)
        figures[path_judge.length_name] = mean_path_length(lengths)
        content["path_distance"] = path_judge.name
    content |= dict(num_images=num_images, num_paths=num_paths, truncation=truncation, seed=seed)
    content |= {"device": jax.devices()[0].device_kind, "figures": figures}
    write_json(workdir / FILE, content)
    return content


def _check_files(paths: Mapping[str, str | None]) -> None:
    """Raise FileNotFoundError for all files together that are named by their flags and not there, or of
    another kind, ValueError for one of LPIPS' two."""
    if (paths["--vgg"] is None) != (paths["--lpips"] is None):
        raise ValueError(f"LPIPS needs --vgg and --lpips, both or neither; {GET_VGG}; {GET_LPIPS}")
    told = absent("--real", paths["--real"], "name a folder or a .zip of pictures") if paths["--real"] else []
    weights = {"--inception": (GET_INCEPTION, load_inception), "--vgg": (GET_VGG, load_vgg)}
    for flag, (how_to_get, load) in (weights | {"--lpips": (GET_LPIPS, load_linear)}).items():
        if paths[flag] is not None:
            told += absent(flag, paths[flag], how_to_get, functools.partial(load, shapes_only=True))
    check_all_there(told)


def _compare(
    gan: LoadedGenerator, judge: Judge, pictures, count: int, *, psi, seed, crop
) -> dict[str, float]:
    """Figures of `count` generated images against as many pictures; where there are twice as many, also the
    distance between two sets of pictures, which a perfect generator would reach."""
    if len(pictures) < count:
        raise ValueError(f"{len(pictures)} real images, {count} asked for; lower --num_images")
    rows = slice(*(crop or (0, gan.module.resolution)))
    order = np.random.default_rng([seed, _STREAMS["real"]]).permutation(len(pictures))
    sets = [np.sort(order[:count]), np.sort(order[count : 2 * count])]
    known, others = (_features(judge, (pictures[block][:, rows] for block in _blocks(part))) for part in sets)
    made = _features(judge, samples(gan, count, psi=psi, seed=seed, rows=rows))
    precision, recall = precision_recall(known, made, neighbours=NEIGHBOURS)
    figures = {judge.distance_name: frechet_distance(known, made)}
    if len(others) == count:
        figures[f"{judge.distance_name}_real"] = frechet_distance(known, others)
    return figures | {f"{judge.prefix}precision": precision, f"{judge.prefix}recall": recall}


def _features(judge: Judge, batches: Iterable[np.ndarray]) -> np.ndarray:
    parts = [judge.features(batch) for batch in batches]
    return np.concatenate(parts) if parts else np.zeros((0, judge.dimensions))


def _judges(experiment, workdir: Path, inception, vgg, lpips) -> tuple[Judge, PathJudge | None]:
    """What the weights at hand allow. Raises ValueError where no distance can be measured."""
    perception = toy_perception(experiment, workdir)
    toy = None if perception is None else ToyFeatures(perception.pose_regressor)
    if inception is None and toy is None:
        raise ValueError(
            "this experiment has no network of the toy world to stand in for Inception; pass --inception: "
            + GET_INCEPTION
        )
    judge = _toy_judge(toy) if inception is None else _inception_judge(inception)
    if vgg is not None:
        module, params = LPIPS(), load_lpips(vgg, lpips)

        def distance(params, a, b):
            return module.apply({"params": params}, a, b)

        return judge, PathJudge(distance, params, "LPIPS (VGG16)", "ppl_w")
    if toy is None:
        return judge, None
    return judge, PathJudge(toy.distance, toy.params, "toy proxy, not PPL", "toy_path_length_w")


def _toy_judge(features: ToyFeatures) -> Judge:
    return Judge(features, features.dimensions, "toy proxy, not FID", "toy_frechet_distance", "toy_")


def _inception_judge(path: str) -> Judge:
    weights, module = load_inception(path), Inception()
    apply = jax.jit(lambda params, images: module.apply({"params": params}, inception_input(images)))

    def features(images):
        return in_batches(functools.partial(apply, weights.params), images, size=_BATCH)

    if weights.is_fid:
        return Judge(features, NUM_FEATURES, "Inception of 2015-12-05", "fid", "")
    name = "Inception with other weights than FID's"
    return Judge(features, NUM_FEATURES, name, "other_inception_frechet_distance", "other_inception_")


def _real_pictures(experiment, workdir: Path, resolution: int, count: int, real: str | None, crop):
    """Images by position, uint8 [n r r 3]."""
    data = experiment.stages["gan"].data
    if real is not None:
        data = Data(kind="images", path=real, fit="wide" if crop else "crop")
    elif experiment.stages["gan"].generator is None:
        raise ValueError(
            "this experiment trains no GAN of its own (gan.generator is None), so gan.data names no real "
            "images; pass --real=FOLDER of pictures"
        )
    return real_images(workdir / "cache", resolution, data, shared=experiment, num_images=count).images


def _blocks(rows: np.ndarray) -> Iterator[np.ndarray]:
    return (rows[start : start + 8 * _BATCH] for start in range(0, len(rows), 8 * _BATCH))


def samples(
    gan: LoadedGenerator, count: int, *, psi: float, seed: int, rows: slice = slice(None)
) -> Iterator[np.ndarray]:
    """Batches of images uint8 [b h w 3], `count` in all, each with fresh noise (and a real picture's camera).

    Raises ValueError for images that are not finite.
    """
    module = gan.module

    @jax.jit
    def draw(variables, w_avg, z, cameras, key):
        ws = module.apply(
            variables, module.apply(variables, z, method=Generator.map), method=Generator.broadcast
        )
        ws = gan.seen_from(variables, w_avg, truncate(ws, w_avg, psi), cameras)
        images = module.apply(variables, ws, noise="random", key=key, method=Generator.synthesis)
        return gan_to_uint8(images[:, rows]), jax.numpy.isfinite(images).all()

    batch = max(4, min(64, 8192 // module.resolution))
    key = jax.random.fold_in(jax.random.key(seed), _STREAMS["samples"])
    for start in range(0, count, batch):
        random = np.random.default_rng([seed, _STREAMS["samples"], start])
        z = random.standard_normal((batch, module.z_dim)).astype(np.float32)
        cameras = gan.cameras_of(start + np.arange(batch))
        images, finite = draw(gan.variables, gan.w_avg, z, cameras, jax.random.fold_in(key, start))
        if not finite:
            raise ValueError(
                f"generator {gan.fingerprint} draws pictures that are not finite; use other weights"
            )
        yield np.asarray(images)[: count - start]


def path_lengths(gan: LoadedGenerator, judge: PathJudge, count: int, *, seed: int, crop=None) -> np.ndarray:
    """Lengths [count] of random short paths of the contents in W, see `make_path_lengths`."""
    module, batch = gan.module, max(2, min(32, 4096 // gan.module.resolution))
    cameras = np.tile(gan.cameras_of(np.arange(batch)), (2, 1))  # one for both ends of a path
    lengths = make_path_lengths(
        module,
        judge.distance,
        epsilon=EPSILON,
        crop=crop,
        see=lambda variables, ws: gan.seen_from(variables, gan.w_avg, ws, cameras),
    )
    parts = []
    for start in range(0, count, batch):
        random = np.random.default_rng([seed, _STREAMS["paths"], start])
        z = random.standard_normal((2, batch, module.z_dim)).astype(np.float32)
        t = random.uniform(0, 1, batch).astype(np.float32)
        parts.append(np.asarray(lengths(gan.variables, judge.params, z, t))[: count - start])
    return np.concatenate(parts) if parts else np.zeros(0)


def table(content: Mapping[str, Any]) -> str:
    """The figures as text, with what each means."""
    lines = [
        f"generator {content['fingerprint']}, truncation {content['truncation']}, on {content['device']}"
    ]
    for name, value in content["figures"].items():
        lines.append(f"  {name:34s} {value:10.5g}   {_meaning(name, content)}")
    note = f"{content['num_images']} images a side; figures of other counts or features are not comparable"
    return "\n".join([*lines, f"  ({note})"])


def _meaning(name: str, content: Mapping[str, Any]) -> str:
    if name.endswith("_real"):
        return "the same between two sets of real images: what a perfect generator would reach"
    if name.endswith("_w"):
        return f"{content['path_distance']}, {content['num_paths']} paths, epsilon {EPSILON:g}"
    shares = {
        "precision": "share of generated images within the real ones' manifold",
        "recall": "share of real images within the generated ones' manifold",
    }
    return shares.get(name.rpartition("_")[2], content["features"])

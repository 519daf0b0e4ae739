"""The networks that turn a photo into a mesh, and how a photo's object and camera are found for them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.data.crops import Crop, cut, inside
from ganverse_jax.data.framing import Framing, crop_like
from ganverse_jax.data.photos import Photo, PhotoError
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.inverse_graphics.prediction import predict_meshes
from ganverse_jax.models.inverse_graphics.stored import FILE, load_folder
from ganverse_jax.pipeline.remedies import make
from ganverse_jax.runtime.shipped import check_sources, shipped_with
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS
from ganverse_jax.scene.camera_fit import FittedCamera, bin_starts, fit_camera
from ganverse_jax.scene.cameras import as_cameras, mean_camera
from ganverse_jax.scene.meshes import PredictedMeshes
from ganverse_jax.stages.perception import load as perception

STAGE = "inverse_graphics"  # whose network this is
PARTS = (perception.FILES[0], STAGE)  # of a shipped world that can reconstruct
FITTED_SIDE = 96  # pixels of the picture that a camera is fitted to
MIN_SCALE = 0.5  # a photo's pixels per pixel of the network, at least
REGRESSED, BINNED = "pose regressor, fitted", "best of 12 azimuth bins, fitted"


class Reconstructor(NamedTuple):
    """A trained network with what it was trained on: its parameters, how objects stand in its pictures, its
    vertical field of view (radians), and the mean elevation (radians), distance and offset of its cameras;
    fingerprint: of the GAN it was trained on, where its card tells one."""

    network: InverseGraphics
    params: Mapping[str, Any]
    framing: Framing
    fov_y: float
    elevation: float
    distance: float
    offset: tuple[float, float] = (0.0, 0.0)
    fingerprint: str | None = None


def networks_of(workdir=None, network=None, shipped=None):
    """The network's folder, the network, and perception's segmenter and pose regressor (None without it).

    workdir: of a run; network: another folder; shipped: a world whose networks come with the package
    (`shipped_with`), the default one's where all are None. Raises as `load` and `shipped_with`, and
    ValueError for `shipped` beside another.
    """
    check_sources(shipped, workdir=workdir, network=network)
    if workdir is None and network is None:
        perceiving = shipped_with(perception.FILES[0], shipped)
        folder = shipped_with(STAGE, shipped) / STAGE
    else:
        folder = Path(workdir) / STAGE if network is None else Path(network)
        perceiving = None if workdir is None else Path(workdir) / perception.NAME
    reconstructor = load(folder)
    if perceiving is None or not perceiving.is_dir():
        return folder, reconstructor, None, None
    found = perception.load_folder(perceiving)
    return folder, reconstructor, _segment(found.segmenter), found.pose_regressor


def load(folder: Path) -> Reconstructor:
    """The network in a folder of the inverse_graphics stage. Raises as `load_framed`."""
    network, params, card = load_framed(folder)
    framing, fov_y = Framing.from_card(card["framing"]), float(np.radians(card["fov_degrees"]))
    means = mean_camera(as_cameras(params["cameras"]))
    means["fingerprint"] = card.get("fingerprint")
    return Reconstructor(network, params["network"], framing, fov_y, **means)


def load_framed(folder: Path) -> tuple[InverseGraphics, dict[str, Any], dict[str, Any]]:
    """As `stored.load_folder`; ValueError for a network of before these kept their framing."""
    network, params, card = load_folder(folder, make(STAGE))
    if not card.get("framing"):
        raise ValueError(
            f"{folder / FILE} does not tell how large objects stand in its pictures (it is "
            f"of an earlier version); delete the folder and {make(STAGE)}"
        )
    return network, params, card


def _segment(segmenter) -> Callable[[np.ndarray], np.ndarray]:
    """image uint8 [h w 3] -> masks [k h w]: the instances where the segmenter tells them apart."""
    if hasattr(segmenter, "detect"):
        return lambda image: segmenter.detect(image[None])[0]
    return lambda image: segmenter(image[None])


def crop_of(reconstructor: Reconstructor, photo: Photo, path: str | Path) -> Crop:
    """The crop in which the photo's object stands as in the network's pictures. Raises PhotoError, naming
    `path`, when the object is too small."""
    crop = crop_like(photo.mask > 127, reconstructor.framing)
    if crop.scale < MIN_SCALE:
        height, width = (round(side * crop.scale) for side in crop.size)
        raise PhotoError(
            f"{path} shows the object too small: its surroundings of {width} x {height} pixels would be "
            f"enlarged to the network's {crop.size[1]} x {crop.size[0]}; give a larger photo"
        )
    return crop


def predict(r: Reconstructor, photo: Photo, crop: Crop) -> tuple[np.ndarray, np.ndarray, PredictedMeshes]:
    """The photo's part `crop`, uint8 [h w 3], its mask, uint8 [h w], and the one mesh predicted of them."""
    image, mask = cut(photo.image, crop), cut(photo.mask, crop)
    return image, mask, predict_meshes(r.network, r.params, image[None], mask[None])


def find_camera(
    r: Reconstructor, meshes: PredictedMeshes, photo: Photo, crop: Crop, regress
) -> tuple[FittedCamera, str]:
    """The camera of a photo's crop, and what it was fitted from: REGRESSED or BINNED.

    The pose regressor's reading is one start beside the 12 bins, as it errs on photos unlike its toy world;
    the bins' start has the mean elevation, distance and offset of the network's own cameras.
    """
    starts = bin_starts(r.elevation, r.distance, r.offset)
    if regress is not None:
        pose = regress(cut(photo.image, crop)[None])
        reading = {"azimuth": pose.azimuth, "elevation": pose.elevation, "distance": [r.distance]}
        reading["offset"] = [r.offset]
        starts = {name: np.concatenate([starts[name], reading[name]]) for name in starts}
    coarser = max(1, round(max(crop.size) / FITTED_SIDE))
    small = crop._replace(scale=crop.scale * coarser, size=tuple(side // coarser for side in crop.size))
    picture = cut(photo.image, small) / 255.0, cut(photo.mask, small) / 255.0
    found = fit_camera(meshes, 0, *picture, starts, r.fov_y, seen=inside(photo.mask, small))
    return found, BINNED if found.start < NUM_AZIMUTH_BINS else REGRESSED

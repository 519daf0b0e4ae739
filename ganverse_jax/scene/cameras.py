"""One learnable camera per view code, started from a 12-bin azimuth (arXiv:2010.09125, Appendix D).

Gauge: a common azimuth offset (all objects turned about +y) and a common scale (objects and distances)
leave every picture unchanged, so only differences between cameras are determined; a left-right symmetric
mesh settles the offset up to the fit of its mirror plane, and the movement and Laplacian terms lean on the
scale. Evaluation fits both once.

Offset (optional): where the origin is seen in the picture, (x, y) in NDC (right and up, 1 is half the
picture's width or height, so o pixels to the right are 2 o / width), for objects that do not stand in the
middle; see `rasterizer.Camera`. Its gauge: a translation of all objects is nearly an offset, the same in
every view where it is upwards, and as the sine of the azimuth where it is sideways, so that part is
determined by the movement term alone (and, across the mirror plane, by the symmetric mesh).

Elevation starts at exactly 0. The derivative there is finite and in general not zero, but a template that is
symmetric up and down has the same silhouette from +e and -e: the first push comes from colour and from the
shape as soon as it differs top from bottom.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

import rasterizer
from ganverse_jax.runtime.checkpoint import read_json, write_json
from ganverse_jax.scene.bins import NUM_AZIMUTH_BINS

CAMERA_NAMES = ("azimuth", "elevation", "distance")
# azimuth, elevation (radians), distance and, where learned, offset [n 2]: one entry per image or per view
Cameras = Mapping[str, np.ndarray]


def initial_cameras(azimuth_bins: Sequence[int], distance: float) -> dict[str, np.ndarray]:
    """Camera parameters of k views: azimuth [k] = 30 degrees x bin, elevation [k] = 0, log_distance [k];
    radians.

    Raises ValueError for a bin outside 0..11 or a distance that is not positive.
    """
    bins = np.asarray(azimuth_bins)
    if bins.size == 0 or bins.min() < 0 or bins.max() >= NUM_AZIMUTH_BINS:
        raise ValueError(
            f"azimuth bins {sorted(set(bins.tolist()))} are not all in 0..11; annotate every view"
        )
    if not distance > 0:
        raise ValueError(f"camera distance {distance} must be positive; set camera.distance")
    return {
        "azimuth": (bins * (2 * np.pi / NUM_AZIMUTH_BINS)).astype(np.float32),
        "elevation": np.zeros(len(bins), np.float32),
        "log_distance": np.full(len(bins), np.log(distance), np.float32),
    }


def given_cameras(views: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Camera parameters of k views whose azimuth, elevation (radians) and distance are known.

    Raises ValueError for a view without them.
    """
    for view in views:
        if not {"azimuth", "elevation", "distance"} <= set(view):
            raise ValueError(f"view {view.get('id')} has no known camera; set camera_origin to 'bins'")
    table = {name: np.array([view[name] for view in views], np.float32) for name in ("azimuth", "elevation")}
    return table | {"log_distance": np.log(np.array([view["distance"] for view in views], np.float32))}


def with_offsets(cameras: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Camera parameters [k] that also learn an "offset" [k 2] in the picture (NDC), from 0."""
    return dict(cameras) | {"offset": np.zeros((len(cameras["azimuth"]), 2), np.float32)}


def select_cameras(
    cameras: Mapping[str, Float[Array, "k"]], view: Int[Array, "b"], fov_y: float
) -> rasterizer.Camera:
    """The cameras of views [b], of camera parameters; fov_y (vertical) in radians, shared and fixed."""
    offset = cameras.get("offset")
    return rasterizer.Camera(
        azimuth=jnp.asarray(cameras["azimuth"])[view],
        elevation=jnp.asarray(cameras["elevation"])[view],
        distance=jnp.exp(jnp.asarray(cameras["log_distance"])[view]),
        fov_y=jnp.full(view.shape, fov_y, jnp.float32),
        offset=None if offset is None else jnp.asarray(offset)[view],
    )


def rasterizer_cameras(cameras: Cameras, rows: Int[np.ndarray, "b"], fov_y: float) -> rasterizer.Camera:
    """The rasterizer's cameras of rows [b]; fov_y (vertical) in radians."""
    fields = [np.asarray(cameras[name], np.float32)[rows] for name in CAMERA_NAMES]
    offset = cameras.get("offset")
    return rasterizer.Camera(
        *fields,
        np.full(len(rows), fov_y, np.float32),
        None if offset is None else np.asarray(offset, np.float32)[rows],
    )


def take_cameras(cameras: Cameras, view: np.ndarray) -> dict[str, np.ndarray]:
    """The cameras of views [n]."""
    return {name: np.asarray(values)[view] for name, values in cameras.items()}


def mean_camera(cameras: Cameras) -> dict[str, Any]:
    """The mean elevation, distance and offset (x, y), (0, 0) where none is learned."""
    means = {name: float(np.mean(cameras[name])) for name in ("elevation", "distance")}
    offset = cameras.get("offset")
    return means | {"offset": (0.0, 0.0) if offset is None else tuple(np.asarray(offset).mean(axis=0))}


def stack_cameras(cameras: Mapping[str, np.ndarray]) -> Float[np.ndarray, "k c"]:
    """Cameras as columns: azimuth, elevation, distance, and offset x, y where they have one (c = 3 or 5)."""
    columns = [np.asarray(cameras[name])[:, None] for name in CAMERA_NAMES]
    columns += [np.asarray(cameras["offset"])] if "offset" in cameras else []
    return np.concatenate(columns, axis=1).astype(np.float32)


def unstack_cameras(columns: Float[np.ndarray, "k c"]) -> dict[str, np.ndarray]:
    """What `stack_cameras` stacked."""
    cameras = dict(zip(CAMERA_NAMES, columns.T[:3], strict=True))
    return cameras | {"offset": columns[:, 3:]} if columns.shape[1] > 3 else cameras


def unstacked_camera(columns: Sequence[Float[Array, "b"]], fov_y: Float[Array, "b"]) -> rasterizer.Camera:
    """The rasterizer's cameras of the columns that `stack_cameras` stacked."""
    offset = jnp.stack(columns[3:], axis=-1) if len(columns) > 3 else None
    return rasterizer.Camera(*columns[:3], fov_y, offset)


def camera_records(cameras: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Plain records for JSON, in view order: azimuth and elevation in degrees, distance, and [x, y] as offset
    where there is one."""
    records = [
        {
            "azimuth_degrees": float(np.degrees(azimuth)),
            "elevation_degrees": float(np.degrees(elevation)),
            "distance": float(np.exp(log_distance)),
        }
        for azimuth, elevation, log_distance in zip(
            cameras["azimuth"], cameras["elevation"], cameras["log_distance"], strict=True
        )
    ]
    if "offset" in cameras:
        for record, offset in zip(records, cameras["offset"], strict=True):
            record["offset"] = [float(value) for value in offset]
    return records


def as_cameras(params: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Camera parameters as azimuth, elevation (radians), distance, and offset [k 2] where learned."""
    cameras = {
        "azimuth": np.asarray(params["azimuth"]),
        "elevation": np.asarray(params["elevation"]),
        "distance": np.exp(np.asarray(params["log_distance"])),
    }
    return cameras | {"offset": np.asarray(params["offset"])} if "offset" in params else cameras


def write_cameras(
    path: Path,
    views: Sequence[Mapping[str, Any]],
    before: Mapping,
    after: Mapping,
    fov_degrees: float,
    poses=None,
) -> None:
    """cameras.json: {"fov_degrees", "views": [{"id", "azimuth_bin", "before", "after", "regressor"}]}, in
    degrees.

    poses: {"azimuth", "elevation"} per view in radians (None: no image), what a pose regressor reads.
    """
    records = []
    for index, (view, old, new) in enumerate(
        zip(views, camera_records(before), camera_records(after), strict=True)
    ):
        record = {
            "id": view.get("id", index),
            "azimuth_bin": int(view["azimuth_bin"]),
            "before": old,
            "after": new,
        }
        if poses is not None and poses["azimuth"][index] is not None:
            record["regressor"] = {
                f"{angle}_degrees": float(np.degrees(poses[angle][index]))
                for angle in ("azimuth", "elevation")
            }
        records.append(record)
    write_json(path, {"fov_degrees": fov_degrees, "views": records})


def read_cameras(path: str | Path) -> dict[str, np.ndarray]:
    """The trained cameras of a cameras.json: azimuth, elevation (radians), distance, and offset [k 2] where
    learned, per view."""
    after = [view["after"] for view in read_json(path)["views"]]
    cameras = {
        "azimuth": np.radians([camera["azimuth_degrees"] for camera in after]),
        "elevation": np.radians([camera["elevation_degrees"] for camera in after]),
        "distance": np.array([camera["distance"] for camera in after]),
    }
    if all("offset" in camera for camera in after):
        cameras["offset"] = np.array([camera["offset"] for camera in after])
    return cameras

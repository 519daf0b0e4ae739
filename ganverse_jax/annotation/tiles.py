"""Encoded pictures of views in contents, as one file that names the views it shows."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ganverse_jax.pages.pictures import Pictures
from ganverse_jax.runtime.checkpoint import read_npz, write_npz

_LOOKED_AT = Pictures(256, 88)


def encode_tile(picture: np.ndarray, *, whole: bool = False) -> bytes:
    """uint8 [h w 3] as WebP: at most 256 pixels long, or with `whole` without any loss."""
    if not whole:
        return _LOOKED_AT.encoded(picture)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


def write_tiles(path: Path, digest: str, pictures: np.ndarray, *, whole: bool = False, **more) -> None:
    """Write pictures uint8 [views contents h w 3] of the views that `digest` names; more: arrays beside."""
    encoded = [[encode_tile(picture, whole=whole) for picture in row] for row in pictures]
    data = np.frombuffer(b"".join(tile for row in encoded for tile in row), np.uint8)
    lengths = np.array([[len(tile) for tile in row] for row in encoded], np.int64)
    write_npz(path, data=data, lengths=lengths, digest=np.array(digest), **more)


def read_tiles(path: Path, digest: str, *more: str) -> tuple[list[list[bytes]], dict[str, np.ndarray]]:
    """WebP pictures [views][contents], and the arrays beside them named in `more`.

    Raises FileNotFoundError; ValueError when they show other views than `digest` names, or the file is
    damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no pictures at {path}; run launch.annotate again")
    arrays = read_npz(path)
    missing = {"digest", "data", "lengths", *more} - set(arrays)
    if missing or arrays["lengths"].ndim != 2 or arrays["lengths"].sum() != arrays["data"].size:
        raise ValueError(f"{path} holds no whole set of pictures; delete it and run launch.annotate again")
    if str(arrays["digest"]) != digest:
        raise ValueError(
            f"{path} shows other views than are proposed; delete it and run launch.annotate again"
        )
    data, ends = arrays["data"].tobytes(), np.cumsum(arrays["lengths"]).reshape(arrays["lengths"].shape)
    rows = zip(ends.tolist(), arrays["lengths"].tolist(), strict=True)
    tiles = [[data[end - length : end] for end, length in zip(*row, strict=True)] for row in rows]
    return tiles, {name: arrays[name] for name in more}

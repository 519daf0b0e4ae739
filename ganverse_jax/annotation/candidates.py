"""The proposed views in a run's `viewpoints` folder.

candidates.json: the GAN's fingerprint, codes, scores; candidates.npz: their pictures as WebP.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.annotation.tiles import read_tiles, write_tiles
from ganverse_jax.annotation.view_records import check_views
from ganverse_jax.runtime.checkpoint import read_json, write_json

CANDIDATES, PICTURES = "candidates.json", "candidates.npz"


class Candidates(NamedTuple):
    """Proposed views as in candidates.json, the GAN they belong to, and a digest that names exactly them."""

    views: list[dict[str, Any]]
    fingerprint: str
    digest: str


def _digest(fingerprint: str, views: list[dict[str, Any]]) -> str:
    codes = [[view["w_seed"], view["w"]] for view in views]
    return hashlib.sha256(json.dumps([fingerprint, codes]).encode()).hexdigest()[:16]


def write_candidates(folder: Path, fingerprint: str, views: list[dict], pictures: np.ndarray) -> None:
    """Write proposed views and their pictures uint8 [views contents h w 3]."""
    write_tiles(folder / PICTURES, _digest(fingerprint, views), pictures)
    write_json(folder / CANDIDATES, {"fingerprint": fingerprint, "views": views})


def read_candidates(folder: Path, fingerprint: str | None = None, w_dim: int | None = None) -> Candidates:
    """The views proposed in `folder`. Raises FileNotFoundError; ValueError when they are of another GAN than
    `fingerprint` (when given), their codes are not `w_dim` long (when given), or the file is no such file.
    Messages name file and remedy."""
    path = Path(folder) / CANDIDATES
    if not path.is_file():
        raise FileNotFoundError(f"no candidate views at {path}; run launch.annotate or launch.train first")
    remedy = "delete it and run launch.annotate again"
    content = read_json(path, remedy=remedy)
    try:
        owner, views = content["fingerprint"], content["views"]
        digest = _digest(owner, views)
    except (TypeError, KeyError) as error:
        raise ValueError(f"{path} holds no candidate views ({error!r}); {remedy}") from error
    if fingerprint is not None and owner != fingerprint:
        raise ValueError(
            f"the candidate views in {path} belong to GAN {owner}, but this GAN is {fingerprint}; use that "
            f"GAN, or delete {Path(folder)} to propose views of this one"
        )
    check_views(views, path, remedy, w_dim=w_dim)
    return Candidates(views, owner, digest)


def read_pictures(folder: Path, candidates: Candidates) -> list[list[bytes]]:
    """WebP pictures [views][contents] of the candidates. Raises as `read_tiles` does."""
    return read_tiles(Path(folder) / PICTURES, candidates.digest)[0]

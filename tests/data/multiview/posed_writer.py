"""Writes a set as a folder of posed pictures, as a person's own script would."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from ganverse_jax.data.multiview.posed_folder import FORMAT, INDEX
from ganverse_jax.data.multiview.set import MultiviewSet


def write_posed_folder(
    folder: Path, images: MultiviewSet, cameras: dict[str, np.ndarray], fov: float
) -> None:
    """cameras: azimuth, elevation [k] (radians), distance [k]; fov: degrees."""
    entries = []
    for i, (view, number) in enumerate(zip(images.view_id.tolist(), images.object_id.tolist(), strict=True)):
        name = f"{number:06d}_{view:03d}.png"
        for kind, array in (("images", images.images[i]), ("masks", images.masks[i])):
            (folder / kind).mkdir(exist_ok=True)
            Image.fromarray(array).save(folder / kind / name)
        entries.append(
            {"file": f"images/{name}", "mask": f"masks/{name}", "object": f"{number:06d}", "camera": view}
        )
    poses = [
        {
            "azimuth_degrees": float(np.degrees(cameras["azimuth"][k])),
            "elevation_degrees": float(np.degrees(cameras["elevation"][k])),
            "distance": float(cameras["distance"][k]),
        }
        for k in range(len(images.views))
    ]
    content = {"format": FORMAT, "fov_degrees": fov, "cameras": poses, "images": entries}
    (folder / INDEX).write_text(json.dumps(content))

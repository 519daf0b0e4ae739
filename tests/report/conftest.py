"""Small made workdirs for the report."""

import json

import numpy as np
import pytest
from PIL import Image

SIZE = 16


def pictures(*shape: int, seed: int = 0) -> np.ndarray:
    """Random uint8 pictures [*shape h w 3]."""
    return np.random.default_rng(seed).integers(0, 256, (*shape, SIZE, SIZE, 3), np.uint8)


def camera(azimuth: float, elevation: float) -> dict[str, float]:
    return {"azimuth_degrees": azimuth, "elevation_degrees": elevation, "distance": 4.2}


def splits(fingerprint: str, count: int = 6) -> dict:
    """A table as launch.visualize_layers measures it, of `count` splits."""
    rows = [
        {"view_layers": k, "azimuth_spread": 80.0 * (1 - k / (count - 1)), "azimuth_spread_median": 10.0,
         "within_15": 0.5, "identity_agreement": 1 - k / (count - 1)}
        for k in range(count)
    ]  # fmt: skip
    held_out = {
        "azimuth_error": 3.5,
        "azimuth_error_median": 2.7,
        "identity_same": 0.83,
        "identity_auc": 0.98,
    }
    return {
        "fingerprint": fingerprint,
        "splits": rows,
        "held_out": held_out,
        "num_views": 4,
        "num_contents": 3,
    }


def write_json(path, content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def write_figures(workdir, stage: str, **arrays) -> None:
    (workdir / stage).mkdir(exist_ok=True)
    np.savez_compressed(workdir / stage / "figures.npz", **arrays)


def _write_mesh(path, texture: bool = True) -> None:
    """A textured tetrahedron as .glb; the texture is red on top and blue below."""
    import trimesh

    vertices = np.array([[0, 1, 0], [1, -1, 0], [-1, -1, 1], [-1, -1, -1]], float)
    faces = np.array([[0, 2, 1], [0, 3, 2], [0, 1, 3], [1, 2, 3]])
    colours = np.zeros((32, 32, 3), np.uint8)
    colours[:16, :, 0], colours[16:, :, 2] = 255, 255
    uv = np.array([[0.5, 0.9], [0.1, 0.1], [0.5, 0.2], [0.9, 0.3]])
    visual = None
    if texture:
        material = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.fromarray(colours))
        visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
    path.parent.mkdir(parents=True, exist_ok=True)
    trimesh.Trimesh(vertices, faces, visual=visual, process=False).export(path)


def _write_turntable(path) -> None:
    """Two frames of noise as an animated WebP."""
    first, second = (Image.fromarray(picture) for picture in pictures(2))
    path.parent.mkdir(parents=True, exist_ok=True)
    first.save(path, "WEBP", save_all=True, append_images=[second], duration=75, loop=0)


@pytest.fixture
def write_turntable():
    """write_turntable(path): an animated WebP."""
    return _write_turntable


@pytest.fixture
def write_mesh():
    """write_mesh(path, texture=True): a textured tetrahedron as .glb."""
    return _write_mesh


@pytest.fixture
def workdir(tmp_path):
    """A run in which every stage has left its artefacts."""
    views = [{"id": 0, "azimuth_bin": 7}, {"id": 1, "azimuth_bin": 0}, {"id": 2, "azimuth_bin": None}]
    write_figures(tmp_path, "gan", samples=pictures(4))
    write_json(tmp_path / "gan" / "summary.json", {"fingerprint": "5eed"})
    write_json(tmp_path / "layers" / "layers.json", splits("5eed"))
    write_json(tmp_path / "perception" / "summary.json", {"iou_clean": 0.97})
    write_figures(tmp_path, "viewpoints", grid=pictures(2, 3))
    write_json(tmp_path / "viewpoints" / "viewpoints.json", {"fingerprint": "ab", "views": views})
    masks = np.zeros((3, SIZE, SIZE), np.uint8)
    masks[:, 4:12, 4:12] = 255
    write_figures(tmp_path, "multiview_dataset", images=pictures(3), masks=masks, rejected=pictures(2))
    write_json(
        tmp_path / "multiview_dataset" / "summary.json",
        {"kept": 31, "rejected_by_reason": {"small_mask": 7, "more_than_one": 2}},
    )
    write_figures(
        tmp_path, "inverse_graphics", inputs=pictures(2), reconstructions=pictures(2), views=pictures(2, 6),
        shape_views=pictures(2, 6), textures=pictures(2),
        failures_inputs=pictures(2), failures_reconstructions=pictures(2), failures_views=pictures(2, 6),
        failures_others=pictures(2), failures_other_views=pictures(2), failures_value=np.array([0.61, 0.24]),
        failures_by=np.array(["2D IOU", "colour error, another view"]),
    )  # fmt: skip
    write_figures(tmp_path, "inverse_graphics_posed", inputs=pictures(2), reconstructions=pictures(2))
    write_json(tmp_path / "inverse_graphics" / "evaluation.json", {"iou_2d": 0.8125, "colour_error": 0.04})
    cameras = [{"id": i, "azimuth_bin": i, "before": camera(30 * i, 0), "after": camera(30 * i + 5, 12)}
               for i in range(3)]  # fmt: skip
    write_json(tmp_path / "inverse_graphics" / "cameras.json", {"views": cameras})
    _write_mesh(tmp_path / "inverse_graphics" / "meshes" / "object_01.glb")
    _write_turntable(tmp_path / "inverse_graphics" / "meshes" / "object_01.webp")
    trio = {name: pictures(3) for name in ("sampled", "shape_swap", "texture_swap", "background_swap")}
    write_figures(
        tmp_path, "stylegan_r", inputs=pictures(2), dibr=pictures(2), neural=pictures(2),
        azimuth_sweep=pictures(2, 5), elevation_sweep=pictures(2, 5), scale_sweep=pictures(2, 5), **trio,
    )  # fmt: skip
    write_json(tmp_path / "config.json", {"name": "toy_car", "seed": 0})
    (tmp_path / "versions.txt").write_text("jax 0.10.2\n")
    rows = [{"stage": "inverse_graphics", "step": s, "loss": 1.0 / (s + 1)} for s in range(0, 100, 10)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path

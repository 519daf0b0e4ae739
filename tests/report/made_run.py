"""A small made workdir for the report."""

import json

import numpy as np

from tests.pages.made import SIZE, pictures, write_mesh, write_turntable


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


def write_run(folder) -> None:
    """A run in which every stage has left its artefacts."""
    views = [{"id": 0, "azimuth_bin": 7}, {"id": 1, "azimuth_bin": 0}, {"id": 2, "azimuth_bin": None}]
    write_figures(folder, "gan", samples=pictures(4))
    write_json(folder / "gan" / "summary.json", {"fingerprint": "5eed"})
    write_json(folder / "layers" / "layers.json", splits("5eed"))
    write_json(folder / "perception" / "summary.json", {"iou_clean": 0.97})
    write_figures(folder, "viewpoints", grid=pictures(2, 3))
    write_json(folder / "viewpoints" / "viewpoints.json", {"fingerprint": "ab", "views": views})
    masks = np.zeros((3, SIZE, SIZE), np.uint8)
    masks[:, 4:12, 4:12] = 255
    write_figures(folder, "multiview_dataset", images=pictures(3), masks=masks, rejected=pictures(2))
    write_json(
        folder / "multiview_dataset" / "summary.json",
        {"kept": 31, "rejected_by_reason": {"small_mask": 7, "more_than_one": 2}},
    )
    write_figures(
        folder, "inverse_graphics", inputs=pictures(2), reconstructions=pictures(2), views=pictures(2, 6),
        shape_views=pictures(2, 6), textures=pictures(2),
        failures_inputs=pictures(2), failures_reconstructions=pictures(2), failures_views=pictures(2, 6),
        failures_others=pictures(2), failures_other_views=pictures(2), failures_value=np.array([0.61, 0.24]),
        failures_by=np.array(["2D IOU", "colour error, another view"]),
    )  # fmt: skip
    write_figures(folder, "inverse_graphics_posed", inputs=pictures(2), reconstructions=pictures(2))
    write_json(folder / "inverse_graphics" / "evaluation.json", {"iou_2d": 0.8125, "colour_error": 0.04})
    cameras = [{"id": i, "azimuth_bin": i, "before": camera(30 * i, 0), "after": camera(30 * i + 5, 12)}
               for i in range(3)]  # fmt: skip
    write_json(folder / "inverse_graphics" / "cameras.json", {"views": cameras})
    write_mesh(folder / "inverse_graphics" / "meshes" / "object_01.glb")
    write_turntable(folder / "inverse_graphics" / "meshes" / "object_01.webp")
    trio = {name: pictures(3) for name in ("sampled", "shape_swap", "texture_swap", "background_swap")}
    write_figures(
        folder, "stylegan_r", inputs=pictures(2), dibr=pictures(2), neural=pictures(2),
        azimuth_sweep=pictures(2, 5), elevation_sweep=pictures(2, 5), scale_sweep=pictures(2, 5), **trio,
    )  # fmt: skip
    write_json(folder / "config.json", {"name": "toy_car", "seed": 0})
    (folder / "versions.txt").write_text("jax 0.10.2\n")
    rows = [{"stage": "inverse_graphics", "step": s, "loss": 1.0 / (s + 1)} for s in range(0, 100, 10)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

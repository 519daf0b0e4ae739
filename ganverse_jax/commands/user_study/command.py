"""The paper's user study (Appendix F): two networks' predictions side by side for people to judge.

`make` writes FOLDER/index.html, which needs neither network nor server, and FOLDER/key.json, which tells the
sides apart and stays with the experimenter; `collect` turns the saved answers into Tables 1c and B.
"""

import glob
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ganverse_jax.commands.folders import masks_folder
from ganverse_jax.commands.reconstruct.networks import Reconstructor, crop_of, load
from ganverse_jax.commands.reconstruct.photo import SHOWN_HEIGHT
from ganverse_jax.commands.user_study.held_out import held_out
from ganverse_jax.commands.user_study.page import Hit, build_study_page
from ganverse_jax.data.crops import cut
from ganverse_jax.data.photos import Photo, PhotoError, find_photos, read_photo, result_names
from ganverse_jax.evaluation import user_study as study
from ganverse_jax.evaluation.user_study import AGREEMENTS, NO_PREFERENCE, QUESTIONS
from ganverse_jax.models.inverse_graphics.prediction import predict_meshes
from ganverse_jax.pages.grid import image_grid
from ganverse_jax.pages.markup import markdown_table
from ganverse_jax.runtime.checkpoint import write_json, write_text
from ganverse_jax.runtime.names import legible
from ganverse_jax.scene.drawing import CLAY_LIGHT, clay, turn_round
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics_posed import stage as inverse_graphics_posed

Inputs = Mapping[str, Photo]
Sheets = list[tuple[np.ndarray, np.ndarray]]
_PER_ROW = 3  # of the six views


def make(
    runs: Sequence[str],
    out: str | Path,
    *,
    inputs: str | Path | None = None,
    masks: str | Path | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Write a study of two networks to the folder `out`; returns its key.

    runs: two finished workdirs, or folders with a network.safetensors. inputs: a folder of photos, their
    masks from alpha or from the folder `masks`, or a run whose test split is used (by default the first
    run's), one picture per object. limit: no more than that many inputs. seed: of the sides.
    Raises ValueError or FileNotFoundError for other than two runs, no network, no input, a photo that cannot
    be used, or a folder with another study.
    """
    if len(runs) != 2:
        raise ValueError(f"a study compares two networks, {len(runs)} are named; pass --runs=A,B")
    if limit is not None and limit < 1:
        raise ValueError(f"limit {limit} leaves no input; use 1 or more")
    networks = [load(network_folder(run)) for run in runs]
    shown = read_inputs(inputs, runs[0], masks=masks, limit=limit)
    print(f"[user_study] {len(shown)} inputs", flush=True)
    sheets = [predicted_sheets(network, shown) for network in networks]
    key = study.make_key(_name_of(sheets), [str(run) for run in runs], list(shown), seed)
    hits = [
        Hit(name, photo.image, sheets[places["A"]][index], sheets[places["B"]][index])
        for index, ((name, places), photo) in enumerate(zip(key["hits"].items(), shown.values(), strict=True))
    ]
    page, out = build_study_page(key["study"], hits), Path(out)
    record = out / "key.json"
    if record.exists() and study.read_key(record) != key:
        raise ValueError(f"{out} holds another study, whose answers need its key; use another --out")
    write_json(record, key)
    write_text(out / "index.html", page)
    return key


def network_folder(run: str | Path) -> Path:
    """The folder of a run's network.safetensors. Raises FileNotFoundError that names where it was sought."""
    posed = Path(inverse_graphics_posed.NAME) / inverse_graphics.NAME
    tried = [Path(run) / inner for inner in ("", inverse_graphics.NAME, posed)]
    for folder in tried:
        if (folder / "network.safetensors").is_file():
            return folder
    raise FileNotFoundError(
        f"no network.safetensors in any of {', '.join(map(str, tried))}; finish the run's inverse_graphics "
        "stage, or correct --runs"
    )


def read_inputs(
    path: str | Path | None,
    first_run: str | Path,
    *,
    masks: str | Path | None = None,
    limit: int | None = None,
) -> dict[str, Photo]:
    """Pictures with masks by name: see `make`. A folder with a config.json is a run."""
    if path is None or (Path(path) / "config.json").is_file():
        if masks is not None:
            raise ValueError(f"--masks={masks} goes with a folder of photos; pass --inputs=FOLDER")
        split = held_out(first_run if path is None else path, limit)
        return {
            f"object {label}": Photo(image, mask, "test split")
            for label, image, mask in zip(split.object_id, split.images, split.masks, strict=True)
        }
    masks = masks_folder(masks)
    photos, intake = find_photos(path)
    intake.leave_out("beyond the limit", count=len(photos[limit:]) if limit else 0)
    photos, shown = photos[:limit], {}
    for name, photo in zip(result_names(photos), photos, strict=True):
        try:
            shown[name] = read_photo(photo, masks=masks)
        except PhotoError as error:  # of this photo; the others are independent of it
            intake.leave_out("that cannot be used", f"{photo.name}: {legible(error)}")
            continue
        for note in shown[name].notes:
            intake.note(note, photo.name)
    for line in intake.lines():
        print(f"[user_study] {line}", flush=True)
    if not shown:
        raise ValueError(f"no photo of {path} can be used; mend them or correct --inputs")
    return shown


def predicted_sheets(network: Reconstructor, inputs: Inputs) -> Sheets:
    """Per input the prediction's six views, in clay and textured, each a sheet uint8 [h w 3].

    A picture of the network's own size is taken as it is, others are cut out around their object as in
    `reconstruction`.
    """
    framed = [_framed(network, photo, name) for name, photo in inputs.items()]
    images, cut_masks = (np.stack(part) for part in zip(*framed, strict=True))
    meshes = predict_meshes(network.network, network.params, images, cut_masks)
    times = -(-SHOWN_HEIGHT // network.framing.size[0])
    size = tuple(side * times for side in network.framing.size)
    around = (np.arange(len(images)), {"distance": [network.distance]}, size, network.fov_y)
    shapes = turn_round(clay(meshes), *around, lighting=CLAY_LIGHT)
    textured = turn_round(meshes, *around)
    return [
        tuple(image_grid(views, _PER_ROW) for views in pair) for pair in zip(shapes, textured, strict=True)
    ]


def _framed(network: Reconstructor, photo: Photo, name: str) -> tuple[np.ndarray, np.ndarray]:
    if photo.image.shape[:2] == network.framing.size:
        return photo.image, photo.mask
    crop = crop_of(network, photo, name)
    return cut(photo.image, crop), cut(photo.mask, crop)


def _name_of(sheets: Sequence[Sheets]) -> str:
    """16 hex digits of all pictures: what names a study without telling its sides."""
    digest = hashlib.sha256()
    for of_network in sheets:
        for pair in of_network:
            for sheet in pair:
                digest.update(sheet.tobytes())
    return digest.hexdigest()[:16]


def collect(pattern: str, key_path: str | Path) -> dict[str, Any]:
    """The figures of the answer files that a pattern (or several, with commas between) names, see `tally`.

    Raises FileNotFoundError when a part of it names no file; ValueError for a file that cannot be used.
    """
    key, found = study.read_key(key_path), {}
    for part in pattern.split(","):
        paths = sorted(glob.glob(part))
        if not paths:
            raise FileNotFoundError(f"no file of answers at {part}; correct --collect")
        found |= {path: study.read_answers(path, key) for path in paths}
    study.check_annotators(found)
    return study.tally(key, list(found.values()))


def markdown(content: Mapping[str, Any]) -> str:
    """Tables 1c and B of a `collect`, the paper's figures beside ours."""
    first, second = content["runs"]
    labels = {"first": f"A: {first}", "second": f"B: {second}", NO_PREFERENCE: "no preference"}
    papers = dict(zip(labels, study.PAPER_PREFERENCE.values(), strict=True))
    rows = [
        (label, *_cells([content["preference"][q][name] for q in QUESTIONS], papers[name]))
        for name, label in labels.items()
    ]
    rows.append(("votes for the left side", *_cells([content["left"][q] for q in QUESTIONS])))
    lines = [
        f"{content['votes']} votes on each question: {content['hits']} inputs, "
        f"{len(content['annotators'])} annotators. In brackets the paper's (220 inputs, three annotators "
        "each; its model, the PASCAL-model, no preference).",
        "",
        *markdown_table(("", *QUESTIONS), rows),
        "",
    ]
    if len(content["annotators"]) < 2:
        return "\n".join([*lines, "Agreement needs two annotators or more.", ""])
    rows = [
        (name, *_cells([content["agreement"][q][name] for q in QUESTIONS], study.PAPER_AGREEMENT[name]))
        for name in AGREEMENTS
    ]
    return "\n".join([*lines, *markdown_table(("", *QUESTIONS), rows), ""])


def _cells(values: Sequence[float], papers: Sequence[float] | None = None) -> list[str]:
    beside = [f" ({paper:.1f}%)" for paper in papers] if papers else [""] * len(values)
    return [f"{value:.1f}%{paper}" for value, paper in zip(values, beside, strict=True)]

"""Photos, or samples of the GAN, drawn anew by StyleGAN-R: what `launch.edit` does.

Per photo NAME.png (every edit in a row by StyleGAN-R, and in one by DIB-R) and NAME_EDIT.webp, the edit's
frames in motion; index.html with a slider for each; edits.json with every camera and error.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ganverse_jax.commands.edit.editor import NEEDED, Drawn, Editor, Subject
from ganverse_jax.commands.edit.edits import PROPERTIES, Edit, asked
from ganverse_jax.commands.edit.page import Edited, edits_page
from ganverse_jax.commands.folders import check_own, masks_folder, outcome
from ganverse_jax.commands.guess import serving
from ganverse_jax.data.photos import PhotoError, find_photos, result_names
from ganverse_jax.pages.grid import labelled_grid
from ganverse_jax.runtime.checkpoint import write_atomic, write_json, write_png, write_text
from ganverse_jax.runtime.names import legible, path_of
from ganverse_jax.scene.turntables import encode

RECORD, PAGE = "edits.json", "index.html"
_SHOWN = 8  # frames of an edit on the sheet
_ENLARGED = 256  # pixels of a frame's side in motion, about
_FRAME_MILLISECONDS, _SLOWEST = 120, 600


class Summary(NamedTuple):
    """The photos that were drawn, the errors of the others by name, the page of all, what drew them, and
    lines on what else the folder holds."""

    done: list[Subject]
    failed: dict[str, str]
    page: str
    editor: Editor
    notes: Sequence[str]

    def text(self) -> str:
        """What to print at the end."""
        return outcome("drawn anew", len(self.done), self.failed, self.page, self.notes)


def run(
    out: str | Path,
    *,
    images: str | Path | None = None,
    samples: int = 0,
    seed: int = 0,
    workdir: str | Path | None = None,
    shipped: str | None = None,
    masks: str | Path | None = None,
    cameras: Sequence[str] = (),
    donors: Mapping[str, str | Path] | None = None,
    steps: int = 6,
) -> Summary:
    """Edit a photo, each of a folder, or samples of the GAN, into the folder `out`.

    images: as for launch.reconstruct; samples, seed: how many pictures of the GAN's own instead; workdir: a
    run with a finished stylegan_r, or the networks of the `shipped` world (None: guessed from the photos, the
    default's for samples); masks: a folder of STEM.png; cameras: --camera of each edit (`edits.camera_edit`);
    donors: photo by property of PROPERTIES; steps: of a property's exchange. Photos that fail are named in
    the summary. Raises FileNotFoundError or ValueError without networks or photos, for an edit that cannot
    be, or when `out` holds others' files.
    """
    out, donors = Path(out), dict(donors or {})
    if bool(images) == bool(samples):
        raise ValueError("give --images=PHOTO or --samples=COUNT, one of them")
    folder = masks_folder(masks)
    edits = asked(cameras, [name for name in PROPERTIES if name in donors], steps)
    found = None if samples else find_photos(images)
    if found is not None:
        shipped = serving(shipped, [*found.photos, *donors.values()], NEEDED, workdir)
    editor = Editor(workdir, shipped)
    editor.check(edits)
    readers = _samples(editor, samples, seed) if found is None else _photos(editor, found.photos, folder)
    check_own(out, RECORD, {name: _files(name, edits) for name in readers}, [PAGE], "edit")
    given = {name: _donor(editor, Path(path), name, folder) for name, path in donors.items()}
    made, failed = _draw_each(editor, readers, edits, given, out)
    write_json(out / RECORD, _record(made, failed, donors))
    write_text(out / PAGE, edits_page(made, given, failed, legible(Path(out.absolute().name))))
    notes = [*editor.doubts(edits), *([] if found is None else found.intake.lines())]
    return Summary([one.subject for one in made], failed, legible(out / PAGE), editor, notes)


def _draw_each(
    editor: Editor,
    readers: Mapping[str, Callable[[], Subject]],
    edits: Sequence[Edit],
    donors: Mapping[str, Subject],
    out: Path,
) -> tuple[list[Edited], dict[str, str]]:
    """What became of each photo, written, and the errors of those that cannot be read, by name."""
    made, failed = [], {}
    for number, (name, read) in enumerate(readers.items(), start=1):
        try:
            subject = read()
        except PhotoError as error:
            failed[name] = legible(error)
            print(f"[edit] {number}/{len(readers)} {name}: failed, {failed[name]}", flush=True)
            continue
        drawn = editor.draw(subject, edits, donors)
        _write(out, subject, edits, drawn)
        made.append(Edited(subject, edits, drawn))
        print(f"[edit] {number}/{len(readers)} {name}: {sum(map(len, edits))} pictures", flush=True)
    return made, failed


def _photos(editor: Editor, paths: Sequence[Path], masks: Path | None) -> dict[str, Callable[[], Subject]]:
    names = result_names(paths)
    return {
        name: lambda path=path, name=name: editor.read(path, name, masks)
        for path, name in zip(paths, names, strict=True)
    }


def _samples(editor: Editor, count: int, seed: int) -> dict[str, Callable[[], Subject]]:
    return {name: lambda subject=subject: subject for name, subject in editor.samples(count, seed).items()}


def _donor(editor: Editor, path: Path, of: str, masks: Path | None) -> Subject:
    if not path.is_file():
        raise FileNotFoundError(f"no photo at {path}; correct --{of}_from")
    return editor.read(path, path.stem, masks)


def _files(name: str, edits: Sequence[Edit]) -> list[str]:
    """Of a photo: the sheet, and each edit that moves."""
    return [f"{name}.png", *(f"{name}_{edit.name}.webp" for edit in edits if len(edit) > 1)]


def _write(out: Path, subject: Subject, edits: Sequence[Edit], drawn: Sequence[Drawn]) -> None:
    """The sheet, and what moves."""
    out.mkdir(parents=True, exist_ok=True)
    first, *others = (out / path_of(file) for file in _files(subject.name, edits))
    write_png(first, sheet(subject, edits, drawn))
    moving = ((edit, frames) for edit, frames in zip(edits, drawn, strict=True) if len(edit) > 1)
    for path, (edit, frames) in zip(others, moving, strict=True):
        content = encode(side_by_side(frames), milliseconds(edit))
        write_atomic(path, lambda temporary, content=content: temporary.write_bytes(content))


def sheet(subject: Subject, edits: Sequence[Edit], drawn: Sequence[Drawn]) -> np.ndarray:
    """A picture uint8 [H W 3] of all edits: the photo and up to _SHOWN frames of each, in both renderers."""
    rows, labels = [], []
    for edit, frames in zip(edits, drawn, strict=True):
        chosen = np.unique(np.linspace(0, len(edit) - 1, _SHOWN).round().astype(int))
        for kind, pictures in zip(("StyleGAN-R", "DIB-R"), frames, strict=True):
            first = subject.picture if kind == "StyleGAN-R" else np.full_like(subject.picture, 255)
            row = np.full((_SHOWN + 1, *first.shape), 255, np.uint8)
            row[: len(chosen) + 1] = np.concatenate([first[None], pictures[chosen]])
            rows.append(row[None])
            labels.append(f"{edit.name[:14]}" if kind == "StyleGAN-R" else "DIB-R")
    return labelled_grid(labels, rows)


def side_by_side(frames: Drawn) -> np.ndarray:
    """StyleGAN-R left and DIB-R right, enlarged: uint8 [f H W 3]."""
    both = np.concatenate(frames, axis=2)
    times = max(1, round(_ENLARGED / both.shape[1]))
    size = (both.shape[2] * times, both.shape[1] * times)
    enlarged = (Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC) for frame in both)
    return np.stack([np.asarray(frame) for frame in enlarged])


def milliseconds(edit: Edit) -> int:
    """Of a frame: few frames stay longer."""
    return int(np.clip(2400 / len(edit), _FRAME_MILLISECONDS, _SLOWEST))


def _record(made: Sequence[Edited], failed: Mapping[str, str], donors: Mapping[str, Any]) -> dict[str, Any]:
    photos = {}
    for one in made:
        azimuth, elevation, distance, *offset = one.subject.camera.tolist()
        photos[one.subject.name] = {
            "azimuth_degrees": float(np.degrees(azimuth)),
            "elevation_degrees": float(np.degrees(elevation)),
            "distance": distance,
            "offset": offset,
            "edits": {edit.name: edit.labels() for edit in one.edits},
        }
    return {
        "photos": photos,
        "failed": dict(failed),
        "donors": {of: legible(path) for of, path in donors.items()},
    }

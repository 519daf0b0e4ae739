"""Photos -> textured meshes with a trained inverse graphics network: what `launch.reconstruct` does.

Per photo NAME.glb, obj/NAME.obj, NAME.webp (a turntable), NAME.png (input, mask, the mesh in the same view,
six sides), NAME.overlay.jpg (the mesh laid on the photo) and NAME.camera.json; index.html, where the meshes
can be turned; reconstruction.json with every camera and error.
"""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

from ganverse_jax.commands.folders import masks_folder, outcome
from ganverse_jax.commands.guess import serving
from ganverse_jax.commands.reconstruct.folder import ResultsFolder, writing
from ganverse_jax.commands.reconstruct.networks import PARTS, networks_of
from ganverse_jax.commands.reconstruct.page import Reconstruction
from ganverse_jax.commands.reconstruct.photo import reconstruct
from ganverse_jax.data.photos import Photo, find_photos, read_photo, result_names
from ganverse_jax.runtime.names import legible
from ganverse_jax.scene.files import Material


@dataclasses.dataclass(frozen=True)
class Summary:
    """Names of the photos that became meshes, the errors of the others by name, lines on what their folder
    holds besides, and the page of all."""

    done: list[str]
    failed: dict[str, str]
    notes: list[str]
    page: str

    def text(self) -> str:
        """What to print at the end."""
        return outcome("reconstructed", len(self.done), self.failed, self.page, self.notes)


def run(
    images: str | Path,
    out: str | Path,
    *,
    workdir: str | Path | None = None,
    network: str | Path | None = None,
    shipped: str | None = None,
    masks: str | Path | None = None,
    material: Material = "unlit",
    refine: int = 0,
) -> Summary:
    """Reconstruct a photo, or each of a folder, into the folder `out`.

    workdir: a run whose inverse_graphics stage is finished; its perception stage, if any, gives masks and
    cameras. network: another folder with a network.safetensors, in place of the workdir's. Without either
    the networks of the `shipped` world serve, which know its class alone; None: guessed (`guess.serving`).
    masks: a folder of STEM.png. material: of the meshes. refine: steps of Eq. 1 on each photo by itself
    (`refinement.refine`). Photos that fail are named in the summary, the others are done all the same.
    Raises FileNotFoundError or ValueError without network, photo or folder of masks, or when `out` is empty
    or would overwrite what it reads, or files that no earlier call made; OSError when it cannot be written.
    """
    if not str(out):
        raise ValueError("--out is empty; name the folder to write to")
    masks = masks_folder(masks)
    (photos, intake), out = find_photos(images), Path(out)
    shipped = serving(shipped, photos, PARTS, workdir, network)
    folder, reconstructor, segment, regress = networks_of(workdir, network, shipped)
    names = result_names(photos)
    _check_apart(out, photos[0].parent, masks)
    made = ResultsFolder(out, names, folder, intake)
    how = dict(out=out, regress=regress, material=material, refine=refine)
    rebuild = functools.partial(reconstruct, reconstructor, **how)
    try:
        for number, (path, name) in enumerate(zip(photos, names, strict=True), start=1):
            read = functools.partial(read_photo, path, masks=masks, segment=segment)
            told = _attempt(made, read, rebuild, path, name)
            print(f"[reconstruct] {number}/{len(photos)} {name}: {told}", flush=True)
    finally:  # also of what was finished when a person stops it
        page = made.write_page()
    return Summary([result.name for result in made.results], made.failed, intake.lines(), page)


def _check_apart(out: Path, *read: Path | None) -> None:
    if out.resolve() in {folder.resolve() for folder in read if folder is not None}:
        raise ValueError(f"{out} holds photos or masks, which NAME.png would overwrite; use another --out")


def _attempt(
    made: ResultsFolder,
    read: Callable[[], Photo],
    rebuild: Callable[[Photo, Path, str], Reconstruction],
    path: Path,
    name: str,
) -> str:
    """Add one photo's result, or how it failed; returns which in words. The others are independent of it, but
    for faults of the machine: a folder that cannot be written to, no memory, a package that is missing."""
    try:
        photo = read()
        for note in photo.notes:
            made.intake.note(note, Path(path.name))
        with writing(made.out):
            made.add(rebuild(photo, path, name))
    except (OSError, ImportError, MemoryError):
        raise
    except Exception as error:
        kind = "" if isinstance(error, ValueError) else f"{legible(path)}: {type(error).__name__}: "
        made.fail(name, f"{kind}{legible(error)}")
        return f"failed, {made.failed[name]}"
    return made.results[-1].line()

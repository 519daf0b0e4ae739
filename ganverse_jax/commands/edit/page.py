"""The page of edited photos: a slider over the frames of every edit, both renderers side by side."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ganverse_jax.commands.edit.editor import Drawn, Subject
from ganverse_jax.commands.edit.edits import Edit
from ganverse_jax.pages.frame import assemble
from ganverse_jax.pages.markup import Section, escape, figure, table
from ganverse_jax.pages.pictures import Pictures

_PICTURES = Pictures(256, 90)
_LARGEST_STRIP = 16000  # pixels; WebP stores no longer pictures, so frames of longer ones are shrunk


class Edited(NamedTuple):
    """A photo and the frames of its edits."""

    subject: Subject
    edits: Sequence[Edit]
    drawn: Sequence[Drawn]


def edits_page(
    made: Sequence[Edited], donors: Mapping[str, Subject], failed: Mapping[str, str], name: str
) -> str:
    """HTML of the edited photos, one section each; donors by property; name: of the folder."""
    parts = [_section(one, donors, f"photo-{number}") for number, one in enumerate(made)]
    if failed:
        rows = [[escape(photo), escape(error)] for photo, error in failed.items()]
        lede = "These were left out; the others do not depend on them."
        parts.append(Section("failed", "Photos that failed", lede, table(("photo", "why"), rows, "prose")))
    return assemble(
        parts,
        title="The same object, drawn anew",
        name=name,
        opening='<p class="lede">Left StyleGAN-R, a neural renderer with 3D handles; right the mesh and '
        "texture that it was given, drawn by DIB-R. Sliders take the arrow keys, too.</p>",
    )


def _section(one: Edited, donors: Mapping[str, Subject], anchor: str) -> Section:
    subject = one.subject
    azimuth, elevation = np.degrees(subject.camera[:2])
    lede = f"Found in the photo: azimuth {azimuth:.0f}°, elevation {elevation:.0f}°."
    parts = [
        _handle(subject.name, edit, drawn, donors.get(edit.property))
        for edit, drawn in zip(one.edits, one.drawn, strict=True)
    ]
    photo = figure(_PICTURES.img(subject.picture, f"Photo {subject.name}"), "The photo around its object.")
    return Section(anchor, subject.name, lede, f'<div class="handles">{photo}{"".join(parts)}</div>')


def _handle(photo: str, edit: Edit, drawn: Drawn, donor: Subject | None) -> str:
    """One edit: two strips of frames and the slider that walks along both."""
    labels = edit.labels()
    strips = "".join(
        strip(pictures, f"{photo}, {kind}, {edit.name}")
        for pictures, kind in zip(drawn, ("StyleGAN-R", "DIB-R"), strict=True)
    )
    slider = ""
    if len(edit) > 1:
        texts = escape("|".join(labels))
        slider = (
            f'<input type="range" min="0" max="{len(edit) - 1}" value="0" step="1" data-labels="{texts}" '
            f'aria-label="{escape(edit.name)} of {escape(photo)}">'
        )
    given = "" if donor is None else _PICTURES.img(donor.picture, f"Donor of {edit.property}", "donor")
    said = f"<output>{escape(labels[0])}</output>"
    return figure(f'<div class="strips">{strips}{given}</div>{slider}', said, "handle")


def strip(frames: np.ndarray, alt: str) -> str:
    """Frames uint8 [f h w 3] as one picture, of which the page shows one frame."""
    count, height, width = frames.shape[:3]
    uri = Pictures(_LARGEST_STRIP, _PICTURES.quality).uri(np.concatenate(list(frames), axis=1))
    style = f"--frames:{count};aspect-ratio:{width}/{height};background-image:url({uri})"
    return f'<div class="strip" role="img" aria-label="{escape(alt)}" style="{style}"></div>'

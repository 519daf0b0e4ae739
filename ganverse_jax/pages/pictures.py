"""Arrays to `<img>` elements with the picture inside, within a budget of bytes."""

import base64
import dataclasses
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ganverse_jax.pages.markup import escape


def data_uri(webp: bytes) -> str:
    """A WebP picture for the `src` of an image."""
    return "data:image/webp;base64," + base64.b64encode(webp).decode("ascii")


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Encoder settings: pictures are shrunk to `max_side` pixels and stored as WebP of that `quality`;
    turntables move where `animated`, which takes most bytes."""

    max_side: int = 192
    quality: int = 92
    animated: bool = True

    def uri(self, picture: np.ndarray | Image.Image) -> str:
        """uint8 [h w 3] as a data URI."""
        return data_uri(self.encoded(picture))

    def encoded(self, picture: np.ndarray | Image.Image) -> bytes:
        """uint8 [h w 3] as WebP."""
        image = (
            picture if isinstance(picture, Image.Image) else Image.fromarray(np.ascontiguousarray(picture))
        )
        if max(image.size) > self.max_side:
            image = image.copy()
            image.thumbnail((self.max_side, self.max_side), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=self.quality, method=4)
        return buffer.getvalue()

    def img(self, picture: np.ndarray, alt: str, css: str = "") -> str:
        """One `<img>` of a uint8 [h w 3] picture with its alternative text."""
        height, width = picture.shape[:2]
        return (
            f'<img class="px {css}" src="{self.uri(picture)}" alt="{escape(alt)}" width="{width}" '
            f'height="{height}" decoding="async">'
        )

    def sheet(self, pictures: Sequence[np.ndarray], alt: str, limit: int, css: str = "") -> str:
        """A flowing sheet of up to `limit` pictures [h w 3]."""
        cells = "".join(self.img(p, f"{alt} {i + 1}" if i else alt) for i, p in enumerate(pictures[:limit]))
        return f'<div class="sheet {css}">{cells}</div>'

    def grid(
        self,
        rows: Sequence[Sequence[np.ndarray | None]],
        alts: Sequence[Sequence[str]],
        *,
        columns: Sequence[str] = (),
        row_names: Sequence[str] = (),
        classes: dict[tuple[int, int], str] | None = None,
        gaps: Sequence[int] = (),
    ) -> str:
        """A table of pictures: rows of uint8 [h w 3] or None, `columns` heads (text), `row_names` (text),
        `classes` = CSS class of the picture at (row, column), `gaps` = columns after a gap."""
        classes = classes or {}
        lines = []
        if columns:
            lead = "<td></td>" if row_names else ""
            heads = "".join(
                _gap(c in gaps) + f'<th scope="col">{escape(name)}</th>' for c, name in enumerate(columns)
            )
            lines.append(f"<tr>{lead}{heads}</tr>")
        for r, row in enumerate(rows):
            lead = f'<th scope="row">{escape(row_names[r])}</th>' if row_names else ""
            cells = "".join(
                _gap(c in gaps)
                + "<td>"
                + (self.img(p, alts[r][c], classes.get((r, c), "")) if p is not None else "")
                + "</td>"
                for c, p in enumerate(row)
            )
            lines.append(f"<tr>{lead}{cells}</tr>")
        width = max((len(row) for row in rows), default=1)
        return (
            f'<div class="scroll" tabindex="0"><table class="pictures" style="--columns:{width}">'
            f"{''.join(lines)}</table></div>"
        )


def _gap(wide: bool) -> str:
    return '<td class="gap"></td>' if wide else ""


def outline_overlay(
    image: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int], scale: int = 3
) -> np.ndarray:
    """The picture with its background faded and the mask's contour drawn: uint8 [h w 3], mask [h w] in [0, 1]
    -> uint8 [scale*h scale*w 3]. Enlarged first, so that the contour stays thin beside the pixels."""
    height, width = image.shape[:2]
    scale = scale if max(height, width) <= 128 else 1
    size = (width * scale, height * scale)
    large = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC), np.float32)
    soft = Image.fromarray(np.uint8(np.clip(mask, 0, 1) * 255)).resize(size, Image.Resampling.BICUBIC)
    inside = np.asarray(soft, np.float32)[..., None] / 255.0
    grey = large.mean(-1, keepdims=True)
    faded = 0.35 * grey + 0.65 * 215.0
    result = inside * large + (1 - inside) * faded
    inner = solid = inside[..., 0] > 0.5
    for _ in range(max(scale - 1, 1)):
        wide = np.pad(inner, 1, mode="edge")
        inner = wide[1:-1, 1:-1] & wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    result[solid & ~inner] = colour
    return np.uint8(np.clip(result + 0.5, 0, 255))

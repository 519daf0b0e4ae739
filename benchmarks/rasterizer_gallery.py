"""Draws the pictures of rasterizer/README.md with the rasterizer itself.

python benchmarks/rasterizer_gallery.py
"""

import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from PIL import Image, ImageDraw, ImageFont

# Scripts find modules beside them first, and here that is a benchmark called like the package.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

import rasterizer

PICTURES = Path(__file__).parent.parent / "rasterizer" / "pictures"
SIZE, CAPTION = 240, 26
MESH = rasterizer.icosphere(4)
CAMERA = rasterizer.Camera(jnp.array([0.5]), jnp.array([0.35]), 4.5, 0.52)
WHITE_LIGHT = jnp.array([[2.8, 0.9, 0.7, 0.6, 0.0, 0.0, 0.0, 0.0, 0.0]])
# Per channel: ambient, then from above, from the front, from the right (+x).
RGB_LIGHT = (
    jnp.zeros((1, 9, 3))
    .at[0, :4]
    .set(jnp.array([[2.6, 2.0, 2.4], [0.9, 0.3, 0.1], [0.4, 0.4, 0.4], [1.4, 0.2, -1.0]]))
)


def bumpy(amount=0.18):
    x, y, z = jnp.moveaxis(MESH.vertices, -1, 0)
    radius = 0.9 * (1 + amount * jnp.sin(4 * x + 1) * jnp.cos(5 * y) * jnp.cos(4 * z))
    return (radius[:, None] * MESH.vertices)[None]


def board(height=16, width=32):
    squares = jnp.asarray(np.indices((height, width)).sum(axis=0) % 2, jnp.float32)[..., None]
    return (squares * jnp.array([0.95, 0.75, 0.4]) + (1 - squares) * jnp.array([0.15, 0.3, 0.5]))[None]


def drawn(texture=None, vertices=None, **options):
    texture = board() if texture is None else texture
    vertices = bumpy() if vertices is None else vertices
    options = {"background": jnp.ones(3), **options}
    size = options.pop("size", SIZE)
    return rasterizer.render(
        vertices, MESH.faces, MESH.uv, MESH.uv_faces, texture, CAMERA, size, size, **options
    )


def floor(mip_levels):
    """A board that runs to the horizon."""
    vertices = jnp.array([[[-40.0, -1, 1.5], [40, -1, 1.5], [40, -1, -80], [-40, -1, -80]]])
    uv = jnp.array([[0.0, 0], [20, 0], [20, 20], [0, 20]])
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    camera = rasterizer.Camera(jnp.zeros(1), jnp.zeros(1), 2.5, 0.9)
    texture = jnp.repeat(jnp.repeat(board(16, 16), 4, axis=1), 4, axis=2)
    clip = rasterizer.transform(vertices, camera, SIZE, SIZE)
    fragments = rasterizer.rasterize(clip, faces, SIZE, SIZE)
    pixel_uv = rasterizer.interpolate(uv, faces, fragments)
    rgb = rasterizer.sample_texture(texture, pixel_uv, wrap_v="repeat", mip_levels=mip_levels)
    return jnp.where((fragments.face_id >= 0)[..., None], rgb, 1.0)


def outline_gradient():
    """Where the mask wants to grow or shrink as the object turns: d mask / d azimuth, red and blue."""

    def mask(azimuth):
        camera = CAMERA._replace(azimuth=azimuth[None])
        options = {"sigma_inverse": 500.0, "margin": 0.1}
        return rasterizer.render(
            bumpy(0.3), MESH.faces, MESH.uv, MESH.uv_faces, board(), camera, SIZE, SIZE, **options
        ).mask[0, ..., 0]

    # By differences: the kernels' own derivative is of a scalar, and this is a picture.
    change = (mask(jnp.float32(0.52)) - mask(jnp.float32(0.48))) / 0.04
    change = jnp.clip(2.0 * change, -1, 1)[..., None]
    red, blue = jnp.array([0.0, 1.0, 1.0]), jnp.array([1.0, 1.0, 0.0])
    return 1 - jnp.maximum(change, 0) * red - jnp.maximum(-change, 0) * blue


def panels():
    """Caption -> picture [h w 3]."""
    plain = drawn()
    colours = jnp.asarray(np.random.default_rng(0).uniform(0.2, 1, (len(MESH.faces), 3)), jnp.float32)
    ids = plain.fragments.face_id[0]
    depth = jnp.where(ids >= 0, (5.5 - plain.depth[0]) / 2.0, 0)[..., None] * jnp.ones(3)
    normals = rasterizer.compute_vertex_normals(bumpy(), MESH.faces)
    normals = rasterizer.interpolate(normals, MESH.faces, plain.fragments)[0]
    soft = drawn(sigma_inverse=300.0, margin=0.2).mask[0] * jnp.ones(3)
    crop = SIZE // 4
    jagged = drawn(lighting=WHITE_LIGHT, size=crop).rgb[0]
    smooth = drawn(lighting=WHITE_LIGHT, size=crop, supersampling=4).rgb[0]
    grey = jnp.full((1, 4, 4, 3), 0.75)
    return {
        "render, lit, 3x3 samples": drawn(lighting=WHITE_LIGHT, supersampling=3).rgb[0],
        "RGB spherical harmonics": drawn(grey, lighting=RGB_LIGHT, supersampling=3).rgb[0],
        "face ids": jnp.where((ids >= 0)[..., None], colours[jnp.maximum(ids, 0)], 1.0),
        "interpolated normals": jnp.where((ids >= 0)[..., None], 0.5 * normals + 0.5, 1.0),
        "depth": depth,
        "soft mask": soft,
        "d mask / d azimuth": outline_gradient(),
        "bilinear": floor(1)[0],
        "mip-mapped": floor(6)[0],
        "60 pixels, 1 sample": jnp.repeat(jnp.repeat(jagged, 4, axis=0), 4, axis=1),
        "60 pixels, 4x4 samples": jnp.repeat(jnp.repeat(smooth, 4, axis=0), 4, axis=1),
        "affine barycentrics": drawn(lighting=WHITE_LIGHT, supersampling=3, perspective_correct=False).rgb[0],
    }


def gallery():
    pictures = {caption: np.asarray(picture) for caption, picture in panels().items()}
    columns = 4
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (SIZE + 8), rows * (SIZE + CAPTION)), "white")
    draw = ImageDraw.Draw(sheet)
    for n, (caption, picture) in enumerate(pictures.items()):
        x, y = n % columns * (SIZE + 8) + 4, n // columns * (SIZE + CAPTION)
        sheet.paste(Image.fromarray(np.uint8(np.clip(255 * picture + 0.5, 0, 255))), (x, y))
        draw.text((x + 4, y + SIZE + 4), caption, fill="black", font=ImageFont.load_default(14))
    return sheet


def conventions():
    """Three panels: pixels and NDC, the camera's angles from above and the side, texture coordinates."""
    sheet = Image.new("RGB", (980, 300), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)

    def text(x, y, words, colour="black"):
        draw.text((x, y), words, fill=colour, font=font)

    left, top, cell = 40, 50, 44
    for j in range(4):
        for i in range(6):
            box = (left + i * cell, top + j * cell, left + (i + 1) * cell, top + (j + 1) * cell)
            draw.rectangle(box, outline="#999999")
            x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
            draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill="#cc3333")
    text(left, 8, "pixels (row j, column i), H=4, W=6; NDC in blue")
    text(left + 3, top + 2, "0,0")
    text(left + 5 * cell + 3, top + 3 * cell + 2, "3,5")
    middle_x, middle_y = left + 3 * cell, top + 2 * cell
    draw.line((left - 10, middle_y, left + 6 * cell + 14, middle_y), fill="#2255bb", width=2)
    draw.line((middle_x, top + 4 * cell + 10, middle_x, top - 14), fill="#2255bb", width=2)
    text(left + 6 * cell + 4, middle_y + 3, "x=1", "#2255bb")
    text(middle_x + 4, top - 22, "y=1", "#2255bb")
    text(left, top + 4 * cell + 16, "centre: x = (2i+1-W)/W,  y = (H-2j-1)/H")

    cx, cy, r = 500, 135, 78
    text(cx - 100, 8, "from above: azimuth a")
    draw.ellipse((cx - r, cy - r, cx + r, cy + r), outline="#999999")
    draw.ellipse((cx - 16, cy - 26, cx + 16, cy + 26), fill="#dddddd", outline="black")
    text(cx - 18, cy + 30, "front", "black")
    draw.line((cx, cy, cx, cy + r + 22), fill="black")
    text(cx + 4, cy + r + 8, "+z, a = 0")
    draw.line((cx, cy, cx + r + 22, cy), fill="black")
    text(cx + r + 2, cy - 18, "+x, a = 90")
    ex, ey = cx + r * np.sin(0.8), cy + r * np.cos(0.8)
    draw.line((cx, cy, ex, ey), fill="#cc3333", width=2)
    draw.ellipse((ex - 5, ey - 5, ex + 5, ey + 5), fill="#cc3333")
    text(ex + 9, ey, "eye", "#cc3333")
    text(cx - 100, 250, "eye = r (sin a cos e, sin e, cos a cos e)")
    text(cx - 100, 268, "+y up, camera looks down its own -z")

    left, top, side = 730, 50, 176
    text(left, 8, "texture, uv from the bottom-left")
    small = np.asarray(board(4, 4)[0])
    sheet.paste(
        Image.fromarray(np.uint8(255 * small)).resize((side, side), Image.Resampling.NEAREST), (left, top)
    )
    text(left + 5, top + 14, "r=0, s=0", "white")
    text(left - 14, top + side + 4, "(0,0)", "#2255bb")
    text(left + side - 14, top + side + 4, "u=1", "#2255bb")
    text(left - 34, top - 6, "v=1", "#2255bb")
    text(left, top + side + 24, "centre of texel (row r, column s):")
    text(left, top + side + 42, "u = (s+0.5)/tw,  v = 1 - (r+0.5)/th")
    return sheet


def main():
    PICTURES.mkdir(exist_ok=True)
    gallery().save(PICTURES / "gallery.png", optimize=True)
    conventions().save(PICTURES / "conventions.png", optimize=True)
    print(f"written to {PICTURES}")


if __name__ == "__main__":
    main()

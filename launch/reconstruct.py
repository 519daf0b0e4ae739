"""python -m launch.reconstruct --images=photo.png --out=out/ [--workdir=runs/toy_car]

Turns photos (a file, or a folder) into textured meshes (.glb, .obj) with the workdir's inverse graphics
network, lays them on the photos, and shows them in out/index.html. The object's mask is the photo's alpha
channel, a PNG of the same name in --masks=FOLDER, or the workdir's segmenter's. Compiled programs stay in the
user's cache folder. Ends with 1 when any photo failed.
"""

import sys

from absl import flags

from . import command

_IMAGES = flags.DEFINE_string("images", None, "A photo (PNG, JPEG, WebP), or a folder of them")
_OUT = flags.DEFINE_string("out", None, "Folder to write meshes, pictures, cameras and index.html to")
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Run whose networks serve (default: shipped ones, see --shipped)"
)
_SHIPPED = flags.DEFINE_string("shipped", None, command.SHIPPED)
_NETWORK = flags.DEFINE_string("network", None, "Folder with another network.safetensors")
_MASKS = flags.DEFINE_string(
    "masks", None, "Folder of masks: STEM.png, grey or VOC's palette, see docs/photo_to_mesh.md"
)
_MATERIAL = flags.DEFINE_enum(
    "material",
    "unlit",
    ["unlit", "rough"],
    "Of the meshes: the texture's own colours, or a matt surface that the viewer lights",
)
_REFINE = flags.DEFINE_integer(
    "refine", 0, "Steps that fit shape, texture and camera to each photo by itself; 50 do", 0, 10_000
)


def main() -> None:
    from ganverse_jax.commands.reconstruct import command as reconstruction
    from ganverse_jax.runtime.compiled import keep_compiled

    keep_compiled()
    sources = dict(workdir=_WORKDIR.value, network=_NETWORK.value, shipped=_SHIPPED.value, masks=_MASKS.value)
    summary = reconstruction.run(
        _IMAGES.value, _OUT.value, **sources, material=_MATERIAL.value, refine=_REFINE.value
    )
    print(summary.text())
    if summary.failed:
        sys.exit(1)


if __name__ == "__main__":
    command.run_plain(main, "images", "out")

"""python -m launch.edit --images=photo.png --out=out/ [--workdir=runs/toy_car]

Draws the object of a photo (of each in a folder, or of samples of the GAN) anew with StyleGAN-R, beside
DIB-R: from other cameras, and with the shape, texture or background of other photos.

    --camera=azimuth=0:360:24                      once round, 24 pictures
    --camera=elevation=0:30,azimuth=40             up, seen from its front left
    --texture_from=other.png --steps=8             by eight steps into the other's paint

out/index.html has a slider for each edit; with --serve a page with live handles follows, on this machine
alone. Ends with 1 when any photo failed.
"""

import sys
from pathlib import Path

from absl import flags

from .. import command

_IMAGES = flags.DEFINE_string("images", None, "A photo (PNG, JPEG, WebP), or a folder of them")
_SAMPLES = flags.DEFINE_integer("samples", 0, "In place of photos: so many pictures of the GAN's own", 0, 256)
_SEED = flags.DEFINE_integer("seed", 0, "Of the samples", 0, 2**20)
_OUT = flags.DEFINE_string("out", None, "Folder to write NAME.png, NAME_EDIT.webp and index.html to")
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Run whose networks serve (default: shipped ones, see --shipped)"
)
_SHIPPED = flags.DEFINE_string("shipped", None, command.SHIPPED)
_MASKS = flags.DEFINE_string("masks", None, "Folder of masks: STEM.png, as for launch.reconstruct")
_CAMERA = flags.DEFINE_multi_string(
    "camera",
    [],
    "HANDLE=VALUE or HANDLE=FROM:TO[:COUNT], comma-separated; azimuth, elevation (degrees), scale",
)
_FROM = {
    name: flags.DEFINE_string(f"{name}_from", None, f"Photo whose {name} replaces the object's")
    for name in ("shape", "texture", "background")
}
_STEPS = flags.DEFINE_integer(
    "steps", 6, "Pictures of each exchange, from the photo's own to the other's", 1, 64
)
_SERVE = flags.DEFINE_bool("serve", False, "Then open a page with live handles, on this machine alone")
_PORT = flags.DEFINE_integer("port", 0, "Local port of that page; 0: any free one", 0, 65535)
_NO_BROWSER = flags.DEFINE_bool("no_browser", False, "Only print that page's address")


def main() -> None:
    from ganverse_jax.runtime.compiled import keep_compiled

    keep_compiled()
    from ganverse_jax.commands.edit import command as editing

    donors = {name: flag.value for name, flag in _FROM.items() if flag.value is not None}
    summary = editing.run(
        _OUT.value,
        images=_IMAGES.value,
        samples=_SAMPLES.value,
        seed=_SEED.value,
        workdir=_WORKDIR.value,
        shipped=_SHIPPED.value,
        masks=_MASKS.value,
        cameras=_CAMERA.value,
        donors=donors,
        steps=_STEPS.value,
    )
    print(summary.text(), flush=True)
    if _SERVE.value and summary.done:
        from ganverse_jax.commands.edit import live

        port, browser = _PORT.value, not _NO_BROWSER.value
        live.serve(summary.editor, summary.done, Path(_OUT.value), port=port, browser=browser)
    if summary.failed:
        sys.exit(1)


if __name__ == "__main__":
    command.run_plain(main, "out")

"""python -m launch.project --images=photo.png --out=out/ [--workdir=runs/toy_car]

Finds the GAN's codes whose pictures are nearest to photos (latent optimisation, the baseline of Fig. 8):
NAME.npz with the code, NAME.png with the photo, its projection, and that content in other views;
projections.json. Ends with 1 when any photo failed.
"""

import sys

from absl import flags

from .. import command

_IMAGES = flags.DEFINE_string("images", None, "A photo (PNG, JPEG, WebP), or a folder of them")
_OUT = flags.DEFINE_string("out", None, "Folder to write NAME.npz, NAME.png and projections.json to")
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Run whose GAN serves (default: a shipped one, see --shipped)"
)
_SHIPPED = flags.DEFINE_string("shipped", None, command.SHIPPED)
_MASKS = flags.DEFINE_string("masks", None, "Folder of masks: STEM.png, as for launch.reconstruct")
_SPACE = flags.DEFINE_enum("space", "w+", ["w", "w+"], "One code for all layers, or one for each")
_STEPS = flags.DEFINE_integer("steps", 200, "Of gradient descent, in each space", 1, 10000)
_SEED = flags.DEFINE_integer("seed", 0, "Of the samples among which each start is the nearest", 0, 2**20)


def main() -> None:
    from ganverse_jax.runtime.compiled import keep_compiled

    keep_compiled()
    from ganverse_jax.commands.project import command as projection

    how = dict(space=_SPACE.value, num_steps=_STEPS.value, seed=_SEED.value)
    sources = dict(workdir=_WORKDIR.value, shipped=_SHIPPED.value, masks=_MASKS.value)
    summary = projection.run(_IMAGES.value, _OUT.value, **sources, **how)
    print(summary.text())
    if summary.failed:
        sys.exit(1)


if __name__ == "__main__":
    command.run_plain(main, "images", "out")

"""python -m launch.import_stylegan2 --generator=G.npz --discriminator=D.npz --out=weights/stylegan2_car

Turns StyleGAN2 weights (state dicts saved as NumPy archives) into a folder the `gan` stage reads.
"""

import sys

from absl import app, flags

_GENERATOR = flags.DEFINE_string("generator", None, "Averaged generator's state dict as .npz")
_DISCRIMINATOR = flags.DEFINE_string("discriminator", None, "Discriminator's state dict as .npz")
_OUT = flags.DEFINE_string("out", None, "Folder to write")


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}")
    from ganverse_jax.interchange.import_stylegan2 import import_networks

    try:
        settings = import_networks(_GENERATOR.value, _DISCRIMINATOR.value, _OUT.value)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    print(f"wrote {_OUT.value}: {settings['generator']}")


if __name__ == "__main__":
    flags.mark_flags_as_required(["generator", "discriminator", "out"])
    app.run(main)

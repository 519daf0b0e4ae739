"""python -m launch.import_stylegan2 --pickle=FILE --out=weights/stylegan2_car

Turns one of NVIDIA's StyleGAN2 pickles (TensorFlow, config e or f, or stylegan2-ada-pytorch) into a folder
the `gan` stage reads, without executing anything of it. Or from state dicts saved as NumPy archives:
--generator=G.npz --discriminator=D.npz.
"""

from absl import app, flags

from . import command

_PICKLE = flags.DEFINE_string("pickle", None, "NVIDIA's network pickle (.pkl)")
_GENERATOR = flags.DEFINE_string("generator", None, "Averaged generator's state dict as .npz")
_DISCRIMINATOR = flags.DEFINE_string("discriminator", None, "Discriminator's state dict as .npz")
_OUT = flags.DEFINE_string("out", None, "Folder to write; must be new or empty")
_CROP = flags.DEFINE_string(
    "crop", "auto", "Rows of the picture: auto (512x384 is noticed), none, TOP:BOTTOM"
)
_LICENCE = flags.DEFINE_string("licence", None, "Licence of the weights, for the card")
_ORIGIN = flags.DEFINE_string("origin", None, "Where the weights came from, for the card")


def main() -> None:
    archives = (_GENERATOR.value, _DISCRIMINATOR.value)
    if (_PICKLE.value is None) == (None in archives) or (_PICKLE.value and any(archives)):
        raise app.UsageError("pass either --pickle, or both --generator and --discriminator")
    from ganverse_jax.interchange.stylegan2.importer import import_networks, import_pickle

    card = {"crop": _CROP.value, "licence": _LICENCE.value, "origin": _ORIGIN.value}
    if _PICKLE.value:
        settings = import_pickle(_PICKLE.value, _OUT.value, **card)
    else:
        settings = import_networks(_GENERATOR.value, _DISCRIMINATOR.value, _OUT.value, **card)
    print(f"wrote {_OUT.value}: {settings['generator']}")
    if settings["crop"]:
        print(f"the picture is in rows {settings['crop'][0]} to {settings['crop'][1] - 1}")
    print(f"licence and origin: {_OUT.value}/CARD.md")


if __name__ == "__main__":
    command.run_plain(main, "out")

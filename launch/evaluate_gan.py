"""python -m launch.evaluate_gan --config=configs/toy_car.py --workdir=runs/toy_car

Distance to the real pictures, precision, recall and path length of the workdir's generator, or of the
shipped one; prints a table and writes WORKDIR/gan_evaluation.json. --inception=FILE gives FID, --vgg=FILE
--lpips=FILE PPL; without them a network trained on the toy world stands in, and the figures say so.
"""

from pathlib import Path

from absl import app, flags, logging
from ml_collections import config_flags

from launch import command

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "Experiment, e.g. configs/toy_car.py", lock_config=True
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run")
_IMAGES = flags.DEFINE_integer("num_images", 2500, "Generated, and real, images; published FIDs use 50,000")
_PATHS = flags.DEFINE_integer("num_paths", 1000, "Paths in W; published lengths use 50,000")
_TRUNCATION = flags.DEFINE_float("truncation", 1.0, "Truncation of the generated images")
_REAL = flags.DEFINE_string("real", None, "Folder or .zip of real pictures (default: the config's gan.data)")
_INCEPTION = flags.DEFINE_string("inception", None, "pt_inception-2015-12-05-6726825d.pth")
_VGG = flags.DEFINE_string("vgg", None, "torchvision's vgg16-397923af.pth")
_LPIPS = flags.DEFINE_string("lpips", None, "LPIPS' weights/v0.1/vgg.pth")


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}; settings are given as --config.name=value")
    import jax

    logging.set_verbosity(logging.WARNING)

    from ganverse_jax.stages import gan_evaluation

    config, workdir = _CONFIG.value.to_dict(), Path(_WORKDIR.value)
    jax.config.update("jax_compilation_cache_dir", str(workdir.absolute() / "cache" / "xla"))
    settings = dict(num_images=_IMAGES.value, num_paths=_PATHS.value, truncation=_TRUNCATION.value)
    files = dict(real=_REAL.value, inception=_INCEPTION.value, vgg=_VGG.value, lpips=_LPIPS.value)
    command.guarded(
        lambda: print(gan_evaluation.table(gan_evaluation.run(config, workdir, **settings, **files)))
    )


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main, flags_parser=command.parse)

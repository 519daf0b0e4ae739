"""python -m launch.evaluate_gan --config=configs/toy_car.py --workdir=runs/toy_car

Distance to the real pictures, precision, recall and path length of the workdir's generator, or of the
shipped one; prints a table and writes WORKDIR/gan_evaluation.json. --inception=FILE gives FID, --vgg=FILE
--lpips=FILE PPL; without them a network trained on the toy world stands in, and the figures say so.
"""

from absl import flags

from . import command

command.experiment_flags("Folder of the run")
_IMAGES = flags.DEFINE_integer("num_images", 2500, "Generated, and real, images; published FIDs use 50,000")
_PATHS = flags.DEFINE_integer("num_paths", 1000, "Paths in W; published lengths use 50,000")
_TRUNCATION = flags.DEFINE_float("truncation", 1.0, "Truncation of the generated images")
_REAL = flags.DEFINE_string("real", None, "Folder or .zip of real pictures (default: the config's gan.data)")
_INCEPTION = flags.DEFINE_string("inception", None, "pt_inception-2015-12-05-6726825d.pth")
_VGG = flags.DEFINE_string("vgg", None, "torchvision's vgg16-397923af.pth")
_LPIPS = flags.DEFINE_string("lpips", None, "LPIPS' weights/v0.1/vgg.pth")


def main(experiment, workdir) -> None:
    from ganverse_jax.commands.evaluate_gan import command as gan_evaluation

    settings = dict(num_images=_IMAGES.value, num_paths=_PATHS.value, truncation=_TRUNCATION.value)
    files = dict(real=_REAL.value, inception=_INCEPTION.value, vgg=_VGG.value, lpips=_LPIPS.value)
    print(gan_evaluation.table(gan_evaluation.run(experiment, workdir, **settings, **files)))


if __name__ == "__main__":
    command.run(main)

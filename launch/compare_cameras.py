"""python -m launch.compare_cameras --config=configs/toy_car.py --workdir=runs/cameras

The paper's Table A on the toy world: the same training from 12 view bins, from cameras solved out of points
clicked on one object (simulated), and from the true cameras. Prints the table; it, its figures and a picture
lie in WORKDIR/camera_comparison. The same command resumes.
"""

from absl import flags

from . import command

command.experiment_flags("Folder of the run")
command.distributed_flags()
_NOISE = flags.DEFINE_float(
    "noise_pixels", None, "Noise of the simulated clicks (default: 0.5 pixels of a 64-pixel picture)"
)


def main(experiment, workdir) -> None:
    from ganverse_jax.commands.compare_cameras import command as comparison

    print(comparison.markdown(comparison.run(experiment, workdir, noise_pixels=_NOISE.value)))


if __name__ == "__main__":
    command.run(main)

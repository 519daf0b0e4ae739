"""python -m launch.evaluate --config=configs/toy_car.py --workdir=runs/toy_car

A finished toy run beside the paper: Table 1b on renders that no GAN made and on the GAN's held-out images,
with the paper's baseline (single views, true cameras; trained here on first use), cameras beside Table A,
shape and appearance against the truth. Prints the tables; they, their figures and a picture lie in
WORKDIR/evaluation. The same command resumes.
"""

from . import command

command.experiment_flags("Folder of the finished run")
command.distributed_flags()


def main(experiment, workdir) -> None:
    from ganverse_jax.commands.evaluate import command as evaluation

    print(evaluation.markdown(evaluation.run(experiment, workdir)))


if __name__ == "__main__":
    command.run(main)

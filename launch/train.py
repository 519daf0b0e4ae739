"""python -m launch.train --config=configs/toy_car.py --workdir=runs/toy_car [--stages=gan,report]

Runs the stages of one experiment in order and resumes where an earlier run of the same command stopped.
"""

from absl import flags

from . import command

command.experiment_flags("Folder for everything the run writes")
command.distributed_flags()
_STAGES = flags.DEFINE_list(
    "stages",
    None,
    "Stages to run (default: all). Naming gan, perception or inverse_graphics trains it, pretrained or not.",
)


def main(experiment, workdir) -> None:
    from ganverse_jax import stages

    stages.pipeline(experiment, workdir).run(_STAGES.value)


if __name__ == "__main__":
    command.run(main)

"""python -m launch.rounds --config=configs/toy_car_labels.py --later=configs/toy_car.py --workdir=LOOP

The loop (docs/loop.md): round 1 is --config's experiment, every later one --later's, whose GAN is trained on
from the round before and taught by its self-labels. LOOP/round1, round2, ...; the same command resumes.
Prints a table of all rounds and writes LOOP/rounds.md and rounds.json.
"""

from absl import flags
from ml_collections import config_flags

from . import command

command.experiment_flags("Folder of all rounds")
command.distributed_flags()
_LATER = config_flags.DEFINE_config_file("later", None, "Experiment of the rounds after the first")
flags.FLAGS["later"].parser = command.ExperimentParser("later")
_ROUNDS = flags.DEFINE_integer("rounds", 2, "How many")


def main(experiment, workdir) -> None:
    from ganverse_jax.commands.rounds import command as rounds

    if _LATER.value is None:
        raise ValueError("--later is not given; see configs/toy_car.py")
    print(rounds.run(experiment, _LATER.value.to_dict(), workdir, _ROUNDS.value))


if __name__ == "__main__":
    command.run(main)

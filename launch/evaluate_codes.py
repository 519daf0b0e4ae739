"""python -m launch.evaluate_codes --config=configs/toy_car.py --workdir=runs/toy_car

What the view and the content of the workdir's generator (or of the shipped one) hold: shares of the variance
of shape, texture and background, azimuth spread within a view, identity; prints a table and writes
WORKDIR/codes_evaluation.json. Needs the inverse_graphics_posed stage, of this run or of --posed=RUN.
"""

from pathlib import Path

from absl import flags

from . import command

command.experiment_flags("Folder of the run")
_POSED = flags.DEFINE_string("posed", None, "Run whose posed network reads the shapes (default: the workdir)")
_VIEWS = flags.DEFINE_integer("num_views", 24, "Random views")
_CONTENTS = flags.DEFINE_integer("num_contents", 24, "Random contents")


def main(experiment, workdir) -> None:
    from ganverse_jax.commands.evaluate_codes import command as codes

    settings = dict(num_views=_VIEWS.value, num_contents=_CONTENTS.value)
    settings |= dict(posed_workdir=Path(_POSED.value or workdir))
    print(codes.table(codes.run(experiment, workdir, **settings)))


if __name__ == "__main__":
    command.run(main)

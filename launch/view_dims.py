"""python -m launch.view_dims --config=configs/toy_car_round1.py --workdir=RUN --labels=LABELS --counts=192

View dimensions in place of view layers (docs/loop.md); LABELS is a folder of self_labels. Ranks the
dimensions of the first four layers by how far they tell the pose of samples, and measures what view and
content hold for each count. --out=FOLDER writes the generator with the one count given, for
--config.gan.pretrained=FOLDER.
"""

from pathlib import Path

from absl import flags

from . import command

command.experiment_flags("Folder of the run")
_LABELS = flags.DEFINE_string("labels", None, "Folder of self_labels, whose pose network labels samples")
_POSED = flags.DEFINE_string("posed", None, "Run whose posed network reads the shapes (default: the workdir)")
_COUNTS = flags.DEFINE_list("counts", ["96", "144", "192", "256", "320"], "Numbers of view dimensions")
_SAMPLES = flags.DEFINE_integer("num_samples", 4000, "Samples that dimensions are ranked on", lower_bound=8)
_OUT = flags.DEFINE_string("out", None, "Where the generator is written with its view dimensions")


def main(experiment, workdir) -> None:
    from ganverse_jax.commands.view_dims import command as view_dims

    if _LABELS.value is None:
        raise ValueError("--labels is not given: the self_labels folder of a run (configs/toy_car_labels.py)")
    if not all(count.isdecimal() for count in _COUNTS.value):
        raise ValueError(
            f"--counts={','.join(_COUNTS.value)} are no whole numbers; give e.g. --counts=144,256"
        )
    asked = view_dims.Question(
        labels=Path(_LABELS.value),
        posed_workdir=Path(_POSED.value or workdir),
        counts=[int(count) for count in _COUNTS.value],
        num_samples=_SAMPLES.value,
        out=None if _OUT.value is None else Path(_OUT.value),
    )
    print(view_dims.table(view_dims.run(experiment, workdir, asked)))


if __name__ == "__main__":
    command.run(main)

"""python -m launch.visualize_layers --config=configs/toy_car_round1.py --workdir=runs/toy_car

Shows what each layer of the generator draws (Appendix B of the paper) in WORKDIR/layers/index.html: the
workdir's generator, or the shipped one. With a toy world it also measures what every split of the layers
separates.
"""

from absl import flags

from . import command

command.experiment_flags("Folder of the run")
_SAMPLES = flags.DEFINE_integer("num_samples", 8, "Codes in every row of pictures")
_VIEWS = flags.DEFINE_integer("num_views", 24, "View codes that the splits are measured on")
_CONTENTS = flags.DEFINE_integer("num_contents", 16, "Contents that the splits are measured on")


def main(experiment, workdir) -> None:
    from ganverse_jax.commands.visualize_layers import command as layer_visualization

    counts = dict(num_samples=_SAMPLES.value, num_views=_VIEWS.value, num_contents=_CONTENTS.value)
    print(f"wrote {layer_visualization.run(experiment, workdir, **counts)}")


if __name__ == "__main__":
    command.run(main)

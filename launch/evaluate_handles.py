"""python -m launch.evaluate_handles --config=configs/toy_car.py --workdir=runs/toy_car

Whether the run's StyleGAN-R obeys its handles: camera, shape, texture and background, on fresh objects of its
GAN and on pictures that no GAN made, before and after fine-tuning. Writes WORKDIR/handles/handles.json and
handles.md and prints the table. Toy worlds only.
"""

from absl import flags

from . import command

command.experiment_flags("Folder of the finished run")
_EXAMPLES = flags.DEFINE_integer("num_examples", 1000, "Fresh objects of the GAN", lower_bound=2)
_REAL = flags.DEFINE_integer("num_real", 200, "Objects of the toy world that no GAN saw", lower_bound=2)
_PROJECTED = flags.DEFINE_bool("projected", False, "Latent optimisation, too: seconds more for each picture")
_COMMANDED = flags.DEFINE_integer("num_commanded", 16, "Of each, turned to all cameras", lower_bound=1)


def main(experiment, workdir) -> None:
    from ganverse_jax.commands.evaluate_handles import command as handles

    counts = dict(num_examples=_EXAMPLES.value, num_real=_REAL.value, num_commanded=_COMMANDED.value)
    content = handles.run(experiment, workdir, **counts, projected=_PROJECTED.value)
    print(handles.table(content), end="")


if __name__ == "__main__":
    command.run(main)

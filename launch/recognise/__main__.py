"""python -m launch.recognise --workdir=runs/recogniser

Trains the small network that tells of which toy world a photo's object is, on renders of all of them, and
writes WORKDIR/recogniser.safetensors. In ganverse_jax/assets it lets launch.reconstruct, launch.edit and
launch.project guess whose photos they are given. The same command resumes.
"""

from pathlib import Path

from absl import flags

from .. import command

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the training")
_RENDERS = flags.DEFINE_integer("num_renders", 1000, "Renders of each world", lower_bound=8)
_STEPS = flags.DEFINE_integer("num_steps", 6000, "Of the training", lower_bound=1)


def main() -> None:
    from ganverse_jax.commands.recognise import command as recognition
    from ganverse_jax.runtime.compiled import keep_compiled

    keep_compiled()
    training = recognition.Training(num_renders=_RENDERS.value, num_steps=_STEPS.value)
    for name, share in recognition.run(Path(_WORKDIR.value), training).items():
        print(f"{name}: {share:.3f} of unseen renders recognised")


if __name__ == "__main__":
    command.run_plain(main, "workdir")

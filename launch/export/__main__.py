"""python -m launch.export --workdir=RUN --out=DIR, or --shipped --out=DIR

Writes the networks of a run (inverse graphics, StyleGAN-R, generator), or the shipped ones, as folders that
others use without this project: parameters, a JAX program (and an ONNX one), a card, samples, load.py. What
lies in DIR is never replaced.
"""

from absl import flags

from .. import command

_OUT = flags.DEFINE_string("out", None, "Folder to write a folder per network to")
_WORKDIR = flags.DEFINE_string("workdir", None, "Run whose networks are exported")
_SHIPPED = flags.DEFINE_bool("shipped", False, "Export the shipped toy networks, a folder per set")
_ONNX = flags.DEFINE_bool("onnx", False, "Write model.onnx too (needs jax2onnx and onnxruntime)")


def main() -> None:
    from ganverse_jax.commands.export import command as exporting

    chosen = dict(workdir=_WORKDIR.value, shipped=_SHIPPED.value, onnx=_ONNX.value)
    print(exporting.run(_OUT.value, **chosen))


if __name__ == "__main__":
    command.run_plain(main, "out")

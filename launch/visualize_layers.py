"""python -m launch.visualize_layers --config=configs/toy_car.py --workdir=runs/toy_car

Shows what each layer of the generator draws (Appendix B of the paper) in WORKDIR/layers/index.html: the
workdir's generator, or the shipped one. With a toy world it also measures what every split of the layers
separates.
"""

from pathlib import Path

from absl import app, flags, logging
from ml_collections import config_flags

from launch import command

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "Experiment, e.g. configs/toy_car.py", lock_config=True
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run")
_SAMPLES = flags.DEFINE_integer("num_samples", 8, "Codes in every row of pictures")
_VIEWS = flags.DEFINE_integer("num_views", 24, "View codes that the splits are measured on")
_CONTENTS = flags.DEFINE_integer("num_contents", 16, "Contents that the splits are measured on")


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}; settings are given as --config.name=value")
    import jax

    logging.set_verbosity(logging.WARNING)

    from ganverse_jax.stages import layer_visualization

    config, workdir = _CONFIG.value.to_dict(), Path(_WORKDIR.value)
    jax.config.update("jax_compilation_cache_dir", str(workdir.absolute() / "cache" / "xla"))
    counts = dict(num_samples=_SAMPLES.value, num_views=_VIEWS.value, num_contents=_CONTENTS.value)
    command.guarded(lambda: print(f"wrote {layer_visualization.run(config, workdir, **counts)}"))


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main, flags_parser=command.parse)

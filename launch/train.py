"""python -m launch.train --config=configs/toy_car.py --workdir=runs/toy_car [--stages=gan,report]

Runs the stages of one experiment in order and resumes where an earlier run of the same command stopped.
"""

from pathlib import Path

from absl import app, flags, logging
from ml_collections import config_flags

from launch import command

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "Experiment, e.g. configs/toy_car.py", lock_config=True
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder for everything the run writes")
_STAGES = flags.DEFINE_list(
    "stages",
    None,
    "Stages to run (default: all). Naming gan or perception trains it, shipped weights or not.",
)
_DISTRIBUTED = flags.DEFINE_bool("distributed", False, "Join a multi-host run (jax.distributed.initialize)")


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}; settings are given as --config.name=value")
    import jax

    logging.set_verbosity(logging.WARNING)  # orbax and tensorflow-datasets tell every file they write

    from ganverse_jax.stages import pipeline

    jax.config.update("jax_compilation_cache_dir", str(Path(_WORKDIR.value).absolute() / "cache" / "xla"))
    if _DISTRIBUTED.value:
        jax.distributed.initialize()
    config, workdir = _CONFIG.value.to_dict(), Path(_WORKDIR.value)
    command.guarded(lambda: pipeline.run(config, workdir, stages=_STAGES.value))


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main, flags_parser=command.parse)

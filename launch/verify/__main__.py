"""python -m launch.verify --workdir=runs/toy_car

Computes the figures of a run again, from its networks and data, by what measured them, and prints a table of
what differs and by how much: figures, files that are gone or changed, settings, data, and code, versions and
machine that are others here. Changes nothing in the run, which may be a copy from another machine. Ends with
1 where a figure differs by more than the tolerance, or a file, a setting or data are not those recorded.
"""

import sys
from pathlib import Path

from absl import flags

from .. import command

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run")
_FACTOR = flags.DEFINE_float(
    "tolerance", 1.0, "By how much the tolerances are multiplied; 0: to the last digit", lower_bound=0.0
)


def main() -> None:
    from ganverse_jax.runtime.compiled import keep_compiled

    keep_compiled()
    from ganverse_jax.commands.verify import command as verifying

    if not verifying.run(Path(_WORKDIR.value), _FACTOR.value):
        sys.exit(1)


if __name__ == "__main__":
    command.run_plain(main, "workdir")

"""python -m launch.annotate --config=configs/toy_car_round1.py --workdir=runs/toy_car

Opens a page on this machine alone, on which a person gives each proposed view its azimuth; it works over an
SSH tunnel. Without a browser: --export=FILE writes a JSON to fill in with a contact sheet beside it,
--import=FILE reads it back. --keypoints asks, after or instead of the azimuths, for named points of one
object in every view, from which the cameras are solved (the paper's Appendix D).
"""

import shlex
from pathlib import Path

from absl import app, flags
from ml_collections import config_flags

from . import command

_CONFIG, _WORKDIR = command.experiment_flags("Folder of the run")
_PORT = flags.DEFINE_integer("port", 0, "Local port of the page; 0: any free one", 0, 65535)
_NO_BROWSER = flags.DEFINE_bool("no_browser", False, "Only print the address")
_KEYPOINTS = flags.DEFINE_bool("keypoints", False, "Ask for named points of one object, not for azimuths")
_EXPORT = flags.DEFINE_string("export", None, "Write the answers to this JSON and a contact sheet beside it")
_IMPORT = flags.DEFINE_string("import", None, "Take the answers in this JSON")


def train_command() -> str:
    """What goes on with the run once its views are annotated."""
    holder = flags.FLAGS["config"]
    overrides = dict(config_flags.get_override_values(holder))
    wanted = {"viewpoints.annotated_by": "keypoints" if _KEYPOINTS.value else "person"}
    if _KEYPOINTS.value:
        wanted["inverse_graphics.camera_origin"] = "given"
    for name, value in wanted.items():
        section, setting = name.split(".")
        if (_CONFIG.value[section] or {}).get(setting) != value:
            overrides[name] = value
    words = [f"--config={config_flags.get_config_filename(holder)}", f"--workdir={_WORKDIR.value}"]
    words += [f"--config.{name}={value}" for name, value in overrides.items()]
    return f"python -m {command.PACKAGE}.train " + shlex.join(words)


def main(experiment, workdir) -> None:
    if _EXPORT.value and _IMPORT.value:
        raise app.UsageError("pass --export or --import, not both")
    from ganverse_jax.commands.annotate.bins import BinAnnotation
    from ganverse_jax.commands.annotate.keypoints import KeypointAnnotation

    annotation = (KeypointAnnotation if _KEYPOINTS.value else BinAnnotation)(experiment, workdir)
    if _EXPORT.value:
        print(annotation.export(Path(_EXPORT.value)))
    elif _IMPORT.value:
        session = annotation.take(Path(_IMPORT.value))
        left = f"{session.num_open} {session.asked} are left to annotate"
        print(left if session.num_open else f"go on with\n{train_command()}")
    else:
        annotation.annotate(command=train_command(), port=_PORT.value, browser=not _NO_BROWSER.value)


if __name__ == "__main__":
    command.run(main)

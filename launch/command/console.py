"""ganverse COMMAND [--FLAG=VALUE ...]: every command by one name, the same as python -m launch.COMMAND."""

import difflib
import runpy
import sys

from . import PACKAGE

COMMANDS = {
    "Use what is trained": {
        "reconstruct": "photos to textured meshes",
        "edit": "photos drawn anew: other cameras, shapes, textures, backgrounds",
        "project": "photos as codes of the GAN, by optimisation",
        "export": "networks as folders that need nothing of this project",
    },
    "Train": {
        "train": "an experiment, stage by stage, with its report",
        "annotate": "give views their azimuths, or keypoints, in a page",
        "recognise": "the network that guesses of which shipped world a photo is",
        "rounds": "the loop: train, label, train the GAN on, again",
        "import_stylegan2": "NVIDIA's weights as a folder that the gan stage reads",
    },
    "Look into a GAN": {
        "evaluate_gan": "distance to the real pictures, precision, recall, path length",
        "evaluate_codes": "what view and content hold",
        "view_dims": "view dimensions in place of view layers",
        "visualize_layers": "what each layer draws",
    },
    "Compare": {
        "evaluate": "a finished run beside the paper",
        "evaluate_handles": "whether StyleGAN-R obeys its handles",
        "ablate": "what each part of the method is worth",
        "compare_cameras": "bins, keypoints and true cameras",
        "user_study": "two runs' predictions, judged by people",
        "verify": "a run's figures, computed again from its networks and data",
    },
}


def listing() -> str:
    """The commands in groups."""
    lines = ["ganverse COMMAND [--FLAG=VALUE ...]; ganverse COMMAND --help lists its flags"]
    for group, commands in COMMANDS.items():
        lines += ["", group, *(f"  {name:<18}{told}" for name, told in commands.items())]
    return "\n".join(lines)


def main() -> None:
    """Run the command that the command line names; an unknown one ends with its nearest, in a line."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "-help", "--help", "help"):
        print(listing())
        return
    known = [name for commands in COMMANDS.values() for name in commands]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        told = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(known)}"
        sys.exit(f"error: {name!r} is no command; {told}")
    del sys.argv[1]
    runpy.run_module(f"{PACKAGE}.{name}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

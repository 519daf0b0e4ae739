"""python -m launch.user_study --runs=runs/OURS,runs/OTHER --out=study/
python -m launch.user_study --collect='answers/*.json' --key=study/key.json

The first command writes study/index.html, a page that needs no network, on which a person compares the two
networks' predictions and saves the answers as a file; study/key.json tells the sides apart: keep it back. The
second prints the percentages of the collected files and how far the annotators agree, as Tables 1c and B of
the paper.
"""

from absl import flags

from . import command

_RUNS = flags.DEFINE_list("runs", [], "Two workdirs, or folders with a network.safetensors")
_OUT = flags.DEFINE_string("out", None, "Folder to write index.html and key.json to")
_INPUTS = flags.DEFINE_string(
    "inputs", None, "Folder of photos, or a run for its test split (default: the first run)"
)
_MASKS = flags.DEFINE_string("masks", None, "Folder of the photos' masks: STEM.png, 255 on the object")
_LIMIT = flags.DEFINE_integer("limit", None, "No more inputs than that")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of which network is on the left")
_COLLECT = flags.DEFINE_string("collect", None, "Pattern of the collected files, in quotes")
_KEY = flags.DEFINE_string("key", None, "The study's key.json")


def main() -> None:
    from ganverse_jax.commands.user_study import command as user_study

    if _COLLECT.value is not None:
        print(user_study.markdown(user_study.collect(_COLLECT.value, _KEY.value)))
        return
    user_study.make(
        _RUNS.value,
        _OUT.value,
        inputs=_INPUTS.value,
        masks=_MASKS.value,
        limit=_LIMIT.value,
        seed=_SEED.value,
    )
    print(f"wrote {_OUT.value}/index.html, and {_OUT.value}/key.json to keep back")


if __name__ == "__main__":
    flags.register_validator("out", lambda out: out or _COLLECT.value, message="or --collect is needed")
    flags.register_validator("key", lambda key: key or not _COLLECT.value, message="goes with --collect")
    command.run_plain(main, hint="put the pattern of --collect in quotes")

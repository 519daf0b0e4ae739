"""Draws the curves of the stages' pages (docs/stages) from a run's metrics.jsonl.

    python benchmarks/stage_curves.py --workdir=runs/toy_car [--device="2 cores of an Intel Xeon"]

For each stage that the run trained, docs/stages/curves/STAGE/NAME.svg, drawn as the report draws them, and in
the stage's page, below its `<!-- curves STAGE -->`, these pictures with the run's experiment, code and device
beneath. Stages that the run did not train, or has not finished, keep the curves they have.
"""

import argparse
import re
import sys
from pathlib import Path

# Scripts find modules beside them first, and here are benchmarks called like packages.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from ganverse_jax.pages.charts import chart_file
from ganverse_jax.report.sections.numbers import stage_series
from ganverse_jax.runtime.checkpoint import read_json, write_text
from ganverse_jax.runtime.loop import Metrics

PAGES = Path(sys.path[0]) / "docs" / "stages"
# Per stage its page, and per training (its name in metrics.jsonl) the figures that the page speaks of.
_GAN = ("loss_d", "loss_g", "logits_real", "logits_fake", "r1", "path_length_penalty")
_SHAPES = ("loss", "iou", "colour", "laplacian", "flatten", "movement")
_CYCLE = ("shape", "texture", "background", "anchor", "critic", "adversarial")
STAGES = {
    "gan": ("gan.md", {"gan": _GAN}),
    "perception": (
        "perception.md",
        {"perception_segmenter": ("loss", "iou_loss"), "perception_pose_regressor": ("loss", "azimuth")},
    ),
    "inverse_graphics": ("inverse_graphics.md", {"inverse_graphics": _SHAPES}),
    # In a folder laid out like a workdir, by the code of inverse_graphics.
    "inverse_graphics_posed": ("inverse_graphics.md", {"inverse_graphics": _SHAPES}),
    "stylegan_r": (
        "stylegan_r.md",
        {"stylegan_r_warmup": ("code", "entropy"), "stylegan_r_finetune": _CYCLE},
    ),
}


def drawn(stage, log):
    """File names and SVG texts of a stage's curves, in the page's order; {} where none was logged."""
    files = {}
    for training, wanted in STAGES[stage][1].items():
        series = stage_series(log, training)
        prefix = training.removeprefix(stage).strip("_") if training.startswith(stage) else ""
        for name in (name for name in wanted if name in series):
            title = f"{prefix} {name}".strip().replace("_", " ")
            files[title.replace(" ", "_") + ".svg"] = title, chart_file(title, *series[name])
    return files


def caption(workdir, stage, device):
    """One line: what was run, with which code, where."""
    config, made_by = (
        read_json(workdir / "config.json"), read_json(workdir / stage / "DONE.json")["made_by"]
    )  # fmt: skip
    return (
        f"*`{stage}` of `configs/toy_{config['object_class']}.py` as it is, on {device}, jax "
        f"{made_by['jax']}, code `{made_by['code']}`. Thin: as logged; thick: running mean; top right: "
        "the last.*"
    )


def into_page(page, stage, block):
    """The page with the block below the stage's mark, in place of the one that was there."""
    mark = f"<!-- curves {stage} -->"
    if mark not in page:
        raise ValueError(f"{STAGES[stage][0]} has no line {mark!r}; add it where the curves shall stand")
    older = re.escape(mark) + rf"(?:\n(?:!\[[^\n]*\]\(curves/{stage}/[^\n]*|\*`{stage}`[^\n]*|)(?=\n))*\n*"
    return re.sub(older, lambda _: f"{mark}\n{block}\n\n", page)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--device", default="2 CPU cores")
    arguments = parser.parse_args()
    for stage, (name, _) in STAGES.items():
        own = arguments.workdir / stage
        files = drawn(stage, Metrics(own if (own / "metrics.jsonl").is_file() else arguments.workdir).read())
        if not files or not (own / "DONE.json").is_file():
            print(f"{stage}: not trained to its end in {arguments.workdir}; its page keeps what it has")
            continue
        for file, (_, svg) in files.items():
            write_text(PAGES / "curves" / stage / file, svg)
        pictures = "\n".join(f"![{title}](curves/{stage}/{file})" for file, (title, _) in files.items())
        block = f"{pictures}\n\n{caption(arguments.workdir, stage, arguments.device)}"
        page = into_page((PAGES / name).read_text(encoding="utf-8"), stage, block)
        write_text(PAGES / name, page)
        print(f"{stage}: {len(files)} curves into docs/stages/{name}")


if __name__ == "__main__":
    main()

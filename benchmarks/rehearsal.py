"""Rehearses real classes at the paper's size, from others' files to the report: time and memory per stage.

    python benchmarks/rehearsal.py --out=/tmp/rehearsal  # car, horse, bird: an hour on two cores
    python benchmarks/rehearsal.py --out=/tmp/rehearsal --only=horse

Pictures, networks and files have their true sizes and formats (`stand_ins`: random weights in NVIDIA's
TensorFlow pickle and in torchvision's files, a folder of elliptic masks); counts and steps are tiny. The
commands are those that a researcher types, in a folder of their own: the configs' relative paths hold.
car: import, masks asked for and made (once in two halves), annotation, set, inverse graphics, StyleGAN-R,
report, a photo, layers, and once more with nothing left to do. horse: import and samples. bird: first steps
of its GAN, a kill, the rest. Prints a table and writes benchmarks/results/rehearsal_<device>.json. A command
that does not end as it should, a stage above its limit of memory and a run that asks for masks more often
than once per stage end it with 1.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

# Scripts find modules beside them first, and here are benchmarks called like packages.
ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

from benchmarks import stand_ins
from benchmarks.records import write_results

# GB that weights taken as they are and measurements may add to what was held before them; of all there is.
LIMITS = {("car", "gan"): 3.0, ("horse", "gan"): 3.0, ("car", "stylegan_r measured"): 3.0}
LIMIT = 8.0
CAR = (
    "perception.segmenter.source=masks",
    "viewpoints.num_views=3",
    "viewpoints.num_candidates=6",
    "viewpoints.num_contents=2",
    "viewpoints.min_usable=0.5",
    "viewpoints.batch_size=4",
    "multiview_dataset.num_objects=10",
    "multiview_dataset.batch_size=4",
    "inverse_graphics.num_steps=3",
    "inverse_graphics.batch_size=2",
    "inverse_graphics.perceptual_start=1",
    "inverse_graphics.log_every=1",
    "stylegan_r.num_examples=8",
    "stylegan_r.num_test=3",
    "stylegan_r.warmup.num_steps=2",
    "stylegan_r.warmup.batch_size=2",
    "stylegan_r.finetune.num_steps=2",
    "stylegan_r.finetune.batch_size=2",
    "stylegan_r.sweep_steps=2",
    "stylegan_r.log_every=1",
)
# --small: the same commands on small networks, to try the rehearsal itself.
SMALL = (
    "inverse_graphics.network.icosphere_level=1",
    "inverse_graphics.network.encoder_width=8",
    "inverse_graphics.network.encoder_blocks=(1, 1)",
    "inverse_graphics.network.code_size=16",
    "inverse_graphics.network.shape_hidden=16",
    "inverse_graphics.network.texture_size=16",
    "inverse_graphics.network.texture_channels=(8, 8)",
    "stylegan_r.mapper.view_dims=16",
    "gan.crop=(8, 56)",
)
SMALL_BIRD = tuple(
    f"gan.{network}.{setting}"
    for network in ("generator", "discriminator")
    for setting in ("resolution=32", "channel_base=512")
)
SMALL_SIDE, SMALL_BASE = 64, 1024
BIRD = (
    "gan.batch_size=2",
    "gan.num_steps=3",
    "gan.log_every=1",
    "gan.save_every=1",
    "gan.compute_dtype=float32",
)


class Rehearsal:
    """Commands of one class in the folder `out`; `rows` gets what each stage or command took."""

    def __init__(self, out: Path, rows: list[dict], name: str, settings: Sequence[str] = ()):
        self.out, self.name, self.rows = out, name, rows
        self.config = [f"--config={name}", f"--workdir=runs/{name}", *(f"--config.{one}" for one in settings)]

    def launch(self, command: str, *flags: str, ends: int = 0, kill_at: str | None = None) -> str:
        """Run `launch.<command>`; its output. kill_at: SIGTERM at a line that begins so. SystemExit where it
        does not end with `ends`."""
        arguments = [sys.executable, "-u", "-m", f"launch.{command}", *flags]
        print(f"$ python -m launch.{command} {' '.join(flags)}", flush=True)
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        with subprocess.Popen(arguments, cwd=self.out, env=environment, **pipes) as process:
            watch, lines = Watch(process.pid, command), []
            for line in process.stdout:
                print(f"  {line}", end="", flush=True)
                lines.append(line)
                watch.read(line)
                if kill_at and line.startswith(kill_at):
                    process.send_signal(signal.SIGTERM)
        self.rows += [row | {"run": self.name} for row in watch.finished()]
        if process.returncode != ends:
            sys.exit(f"launch.{command} ended with {process.returncode}, not {ends}")
        return "".join(lines)

    def train(self, *flags: str, **ends) -> str:
        """`launch.train` with the config."""
        return self.launch("train", *self.config, *flags, **ends)


class Watch:
    """Time and peak memory of a process, apart for every stage that its lines announce."""

    def __init__(self, pid: int, command: str):
        self.pid, self.rows, self._done = pid, [], threading.Event()
        self._begin(command)
        self._thread = threading.Thread(target=self._poll)
        self._thread.start()

    def _begin(self, work: str) -> None:
        self.work, self.started = work, time.monotonic()
        self.spent = self.begun = self._cpu_seconds()
        try:  # from here on the kernel's own peak is that of this stage
            Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        except OSError:
            pass  # it has ended
        self.peak = 0.0
        self._look()
        self.held = self.peak

    def _look(self) -> None:
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return
        self.spent = max(self.spent, self._cpu_seconds())
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        if found:
            self.peak = max(self.peak, int(found[1]) * 1024 / 1e9)

    def _cpu_seconds(self) -> float:
        """Of all the process's threads so far; 0 once it has ended."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _poll(self) -> None:
        while not self._done.wait(0.1):
            self._look()

    def read(self, line: str) -> None:
        """A line of the process: where a stage begins or ends, another row does."""
        name = line[1 : line.find("]")]
        if line.rstrip().endswith("] begins"):
            self._row()
            self._begin(name)
        elif re.match(r"\[\w+\] done in", line):
            self._row()
            self._begin("between stages")
        elif re.match(r"\[stylegan_r\] [\d,]+ pictures with masks", line):
            self._row("stylegan_r trained and drawn")
            self._begin("stylegan_r measured")

    def _row(self, name: str | None = None) -> None:
        self._look()
        taken = time.monotonic() - self.started, self.spent - self.begun
        seconds, cpu_seconds = (round(value, 1) for value in taken)
        row = {"work": name or self.work, "seconds": seconds, "cpu_seconds": cpu_seconds}
        self.rows.append(row | {"held_gb": round(self.held, 2), "peak_gb": round(self.peak, 2)})

    def finished(self) -> list[dict]:
        """All rows, once the process has ended."""
        self._done.set()
        self._thread.join()
        self._row()
        return self.rows


def expect(text: str, wanted: str) -> str:
    """What the regular expression `wanted` finds in a command's output; SystemExit where it finds nothing."""
    found = re.search(wanted, text)
    if not found:
        sys.exit(f"no line like {wanted!r}")
    return found[found.lastindex or 0]


def car(out: Path, rows: list[dict], small: bool) -> None:
    """The paper's car at 512 x 384, with a folder of masks."""
    run, masks = Rehearsal(out, rows, "car", CAR + SMALL * small), out / "masks_car"
    stand_ins.write_stylegan2(
        out / "car.pkl", *((SMALL_SIDE, SMALL_BASE) if small else (512, stand_ins.CONFIG_E))
    )
    run.launch("import_stylegan2", "--pickle=car.pkl", "--out=weights/stylegan2_car")
    asked = int(expect(run.train(ends=1), r"(\d+) images have no mask"))
    assert asked == 6 * 2 == stand_ins.fill_masks(masks)
    expect(run.train(ends=1), "views are proposed")
    run.launch("annotate", *run.config, "--export=views.json")
    answers = json.loads((out / "views.json").read_text())
    for number, view in enumerate(answers["views"]):
        view["azimuth_bin"] = 4 * number
    (out / "views.json").write_text(json.dumps(answers))
    run.launch("annotate", *run.config, "--import=views.json")
    pictures = 10 * len(answers["views"])
    assert int(expect(run.train(ends=1), r"(\d+) images have no mask")) == pictures
    assert stand_ins.fill_masks(masks, pictures // 2) == pictures // 2
    assert int(expect(run.train(ends=1), r"(\d+) images have no mask")) == pictures - pictures // 2
    stand_ins.fill_masks(masks)
    asked = int(expect(run.train(ends=1), r"(\d+) images have no mask"))
    assert asked <= 2 * 5 * 3 and asked == stand_ins.fill_masks(masks)
    expect(run.train(), r"\[report\] done")
    again = run.train()
    assert again.count("done before, skipped") == 6
    run.launch(
        "reconstruct",
        f"--images={_photo(out, masks)}",
        "--workdir=runs/car",
        "--masks=photo_masks",
        "--out=meshes",
    )
    run.launch("visualize_layers", *run.config, "--num_samples=2", "--num_views=2", "--num_contents=2")
    run.launch("evaluate", *run.config, ends=1)  # its truth is not known


def _photo(out: Path, masks: Path) -> str:
    """One of the pictures as a photo with its mask."""
    mask = sorted(masks.glob("*.png"))[0]
    for folder, source in (("photos", masks / stand_ins.WANTED / mask.name), ("photo_masks", mask)):
        (out / folder).mkdir(exist_ok=True)
        shutil.copyfile(source, out / folder / "photo.png")
    return "photos"


def horse(out: Path, rows: list[dict], small: bool) -> None:
    """config f at 256: import and samples; then masks are asked for."""
    run = Rehearsal(out, rows, "horse", (*CAR[:6],))
    stand_ins.write_stylegan2(
        out / "horse.pkl", *((SMALL_SIDE, SMALL_BASE) if small else (256, stand_ins.CONFIG_F))
    )
    run.launch("import_stylegan2", "--pickle=horse.pkl", "--out=weights/stylegan2_horse")
    expect(run.train(ends=1), r"(\d+) images have no mask")


def bird(out: Path, rows: list[dict], small: bool) -> None:
    """First steps of the bird's GAN, killed after the first and gone on with."""
    run = Rehearsal(out, rows, "bird", BIRD + SMALL_BIRD * small)
    stand_ins.write_pictures(out / "data/nabirds/images", 6, 300)
    run.train("--stages=gan", ends=143, kill_at="[gan] 1/3")
    expect(run.train("--stages=gan"), r"\[gan\] 3/3")


def over(row: dict) -> bool:
    """Whether a row took more memory than it may."""
    added = row["peak_gb"] - row["held_gb"]
    return row["peak_gb"] > LIMIT or added > LIMITS.get((row["run"], row["work"]), LIMIT)


def print_rows(rows: list[dict]) -> None:
    """A line for each stage and command."""
    for row in rows:
        taken = f"{row['seconds']:8.1f} s {row['cpu_seconds']:8.1f} CPU s {row['peak_gb']:6.2f} GB"
        print(f"{row['run']:6} {row['work']:30} {taken}" + "  OVER" * over(row))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="a new folder (6 GB)")
    parser.add_argument("--only", default="car,horse,bird")
    parser.add_argument("--small", action="store_true", help="small networks, and no figures written")
    chosen = parser.parse_args()
    weights = chosen.out / "weights"
    weights.mkdir(parents=True, exist_ok=True)
    stand_ins.write_lpips(weights / "vgg16-397923af.pth", weights / "lpips_vgg.pth")
    classes, rows = {"car": car, "horse": horse, "bird": bird}, []
    try:
        for name in chosen.only.split(","):
            classes[name](chosen.out.absolute(), rows, chosen.small)
    finally:  # also of a rehearsal that was stopped
        print_rows(rows)
    if not chosen.small:
        write_results("rehearsal", rows)
    sys.exit(any(map(over, rows)))


if __name__ == "__main__":
    main()

"""Times the multi-view set: making it, reading it, and how long a training step waits for its batch.

    python benchmarks/multiview_dataset.py                  # everything
    python benchmarks/multiview_dataset.py --only reading

Making: the toy run's GAN and segmenter, one part of 16 objects x 12 views: generation, masks with the paper's
filter, PNG and shard, each alone, then together as the stage does it; PNG and shard also at 512x384, the size
of the paper's cars (toy images enlarged, with noise of 2 % so that PNG has something to do). Reading: batches
of 16 pairs, as training asks for them; "disk" decodes in the caller, "disk, threads" through grain with one
thread per core. Training: the step of inverse graphics at the toy's settings, before the perceptual term
joins, from each source; "wait" is the share of a step spent in asking for its batch.
Prints a table and writes benchmarks/results/multiview_dataset_<device>.json.
"""

import argparse
import dataclasses
import sys
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
from PIL import Image

# Scripts find modules beside them first, and here are benchmarks called like packages.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.records import write_results
from configs import toy_car
from ganverse_jax import stages
from ganverse_jax.data.batches import Prefetch, worker_threads
from ganverse_jax.data.masks import instances
from ganverse_jax.data.multiview import shards
from ganverse_jax.data.multiview import stored as multiview
from ganverse_jax.data.multiview.set import azimuth_bins, split_objects
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.pipeline.settings import plain
from ganverse_jax.runtime import parallel
from ganverse_jax.scene.cameras import initial_cameras
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.inverse_graphics import stage as inverse_graphics
from ganverse_jax.stages.inverse_graphics import step as ig_step
from ganverse_jax.stages.multiview_dataset import parts
from ganverse_jax.stages.multiview_dataset import stage as multiview_dataset
from ganverse_jax.stages.multiview_dataset.source import load_source
from ganverse_jax.stages.perception import stage as perception
from ganverse_jax.stages.viewpoints import stage as viewpoints_stage

OBJECTS, VIEWS, BATCH = 16, 12, 16
LARGE = (384, 512)
DRAWING = parts.ObjectDrawing(seed=0, views_per_object=VIEWS, psi=0.8, min_instance=0.02, min_area=0.10)


def rate(run, units, calls):
    """Units per second, the median of `calls` calls after one that is not counted, and the best of them."""
    run()
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return {"per_second": units / float(np.median(times)), "best_per_second": units / min(times)}


def records_of(drawn, size):
    """Records of drawn images at `size` (h, w), enlarged with noise where they are smaller."""
    rng = np.random.default_rng(0)
    for i in range(len(drawn.images)):
        image, mask = drawn.images[i], drawn.masks[i]
        if size != image.shape[:2]:
            image, mask = (np.asarray(Image.fromarray(x).resize(size[::-1])) for x in (image, mask))
            noise = rng.normal(0, 5, image.shape)
            image = (image + noise).clip(0, 255).astype(np.uint8)
        ids = {name: int(getattr(drawn, name)[i]) for name in parts.IDS}
        pictures = {"image": shards.encode_png(image), "mask": shards.encode_png(mask)}
        yield ids | pictures | {"w_star": drawn.w_star[i]}


def measure_making(workdir, folder, calls):
    """Rows of making a set."""
    network, _ = gan.load(workdir)
    views = viewpoints_stage.load(workdir, network.fingerprint)
    segmenter = perception.load(workdir).segmenter
    generator, objects = MultiviewGenerator(network), np.arange(OBJECTS)
    drawn = parts.draw_objects(generator, segmenter, views, objects, DRAWING)
    count = len(drawn.images)
    layout = shards.features(drawn.images.shape[1:3], generator.layout.size)
    large = shards.features(LARGE, generator.layout.size)
    contents = generator.codes(drawn.content_seed, DRAWING.psi)
    part = parts.Part("train", "shard", objects)

    def write(size, layout):
        shards.write_shard(folder / "shard", records_of(drawn, size), layout)

    work = {
        "generation": lambda: generator.pairs(views.w[drawn.view_id], contents),
        "masks and filter": lambda: instances.judge_images(segmenter, drawn.images),
        "PNG and shard": lambda: write(drawn.images.shape[1:3], layout),
        "all of a part": lambda: parts.make_part(
            folder, folder / "notes.npz", part, generator, segmenter, views, DRAWING
        ),
        "PNG and shard, 512x384, enlarging included": lambda: write(LARGE, large),
    }
    for name, run in work.items():
        few = calls if "512" not in name else min(calls, 2)
        yield {"work": "making", "case": name, "unit": "images", **rate(run, count, few)}


def large_set(workdir, folder):
    """A set of a few objects at 512x384, open."""
    network, _ = gan.load(workdir)
    views = viewpoints_stage.load(workdir, network.fingerprint)
    generator, segmenter = MultiviewGenerator(network), perception.load(workdir).segmenter
    path, layout = multiview.path_of(folder), shards.features(LARGE, generator.layout.size)
    path.mkdir(parents=True)
    written, drawn = {}, []
    for split, objects in split_objects(np.arange(2 * OBJECTS)).items():
        drawn.append(parts.draw_objects(generator, segmenter, views, np.sort(objects), DRAWING))
        name = shards.shard_name(split, 0, 1)
        written[split] = [shards.write_shard(path / name, records_of(drawn[-1], LARGE), layout)]
    metadata = {"fingerprint": network.fingerprint, "digest": "", "views": views.views}
    index = {name: np.concatenate([getattr(part, name) for part in drawn]) for name in parts.IDS}
    shards.write_metadata(
        path, written, layout, metadata=metadata | {"num_objects": 2 * OBJECTS}, index=index
    )
    return multiview.open_set(folder)


def measure_reading(stored, calls):
    """Rows of reading pair batches of a set on disk: from memory, from disk, and through threads."""
    sampler, memory = stored.training_pairs(), stored.read().multiview.training_pairs()
    size = f"{stored.size[1]}x{stored.size[0]}"
    several = 8

    def from_threads():
        with Prefetch(
            lambda step: sampler.pair_batch((0, step), BATCH), num_steps=several, threads=worker_threads()
        ) as prepared:
            for step in range(several):
                prepared(step)

    row = {"work": "reading", "unit": "batches"}
    yield row | {"case": f"{size}, memory"} | rate(lambda: memory.pair_batch(0, BATCH), 1, 10 * calls)
    yield row | {"case": f"{size}, disk"} | rate(lambda: sampler.pair_batch(0, BATCH), 1, calls)
    yield row | {"case": f"{size}, disk, threads"} | rate(from_threads, several, calls)
    start = time.perf_counter()
    multiview.StoredSet(stored.path, remedy="")
    seconds = time.perf_counter() - start
    bytes_read = sum(path.stat().st_size for path in stored.path.iterdir())
    yield row | {
        "case": f"{size}, opening with checksums",
        "unit": "MB",
        "per_second": bytes_read / seconds / 1e6,
    }


def measure_training(workdir, experiment, steps):
    """Rows of training steps from each source."""
    settings, mesh = experiment.stages["inverse_graphics"], parallel.data_mesh(1)
    network, _ = gan.load(workdir)
    module = InverseGraphics(**plain(settings.network))
    optimizer = ig_step.make_optimizer(settings)
    fov_y = float(np.radians(experiment.world.fov_degrees))
    step_at = ig_step.make_step_at(module, optimizer, mesh, settings, fov_y=fov_y)
    for name, source, memory_gib in (
        ("memory", "disk", 2.0),
        ("disk", "disk", 0.0),
        ("GAN", "generator", 0.0),
    ):
        taken = dataclasses.replace(settings, source=source, batch_size=BATCH, memory_gib=memory_gib)
        images = load_source(workdir, network, seed=0, settings=taken)
        cameras = initial_cameras(azimuth_bins(images.views), experiment.world.distance)
        params = {"network": inverse_graphics.init_network(module, images.size, 0), "cameras": cameras}
        state = parallel.replicate(ig_step.initial_state(params, optimizer), mesh)
        pairs = images.training_pairs()
        waits, times = [], []
        with Prefetch(
            lambda step, pairs=pairs: pairs.pair_batch((0, step), BATCH),
            num_steps=steps + 3,
            threads=pairs.threads,
        ) as prepared:
            for step in range(steps + 3):
                start = time.perf_counter()
                batch = prepared(step)
                waits.append(time.perf_counter() - start)
                state, _ = step_at(0)(state, batch, key=jax.random.key(step))
                jax.block_until_ready(state)
                times.append(time.perf_counter() - start)
        wait, whole = sum(waits[3:]), sum(times[3:])
        yield {
            "work": "training", "case": f"from {name}", "unit": "steps", "per_second": steps / whole,
            "best_per_second": 1 / min(times[3:]), "wait_ms": 1e3 * wait / steps, "wait_share": wait / whole,
        }  # fmt: skip


def print_row(row):
    text = f"{row['work']:9} {row['case']:44} {row['per_second']:9.1f} {row['unit']}/s"
    if "best_per_second" in row:
        text += f" ({row['best_per_second']:.1f})"
    if "wait_share" in row:
        text += f"  waits {row['wait_ms']:.2f} ms, {row['wait_share']:.1%} of a step"
    print(text, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=["making", "reading", "training"])
    parser.add_argument("--calls", type=int, default=5, help="counted calls of a case")
    parser.add_argument("--steps", type=int, default=30, help="counted training steps of a source")
    options = parser.parse_args()
    wanted, rows = options.only or ["making", "reading", "training"], []
    experiment = stages.experiment_of(toy_car.get_config().to_dict())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        until = "viewpoints" if wanted == ["making"] else "multiview_dataset"
        stages.pipeline(experiment, folder / "run").run(until=until)

        def measured():
            if "making" in wanted:
                yield from measure_making(folder / "run", folder, options.calls)
            if "reading" in wanted:
                yield from measure_reading(multiview_dataset.open_set(folder / "run"), options.calls)
                yield from measure_reading(large_set(folder / "run", folder / "large"), options.calls)
            if "training" in wanted:
                yield from measure_training(folder / "run", experiment, options.steps)

        for row in measured():
            rows.append(row)
            print_row(row)
    write_results("multiview_dataset", rows)


if __name__ == "__main__":
    main()

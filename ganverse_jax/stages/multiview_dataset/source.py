"""Where inverse graphics gets its images: the set in memory, the set on disk, or the GAN itself.

`load_source` chooses. From the GAN no set is needed: the batch of a step is drawn, segmented and filtered
when it is wanted, as a function of seed and step alone, so that training sees new objects for ever.
"""

import copy
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import jax
import numpy as np

from ganverse_jax.data.masks import instances
from ganverse_jax.data.multiview.set import MultiviewSet, MultiviewSource
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.stored import LoadedGenerator
from ganverse_jax.stages.gan import stage as gan_stage
from ganverse_jax.stages.inverse_graphics.settings import Settings
from ganverse_jax.stages.multiview_dataset import stage as multiview_dataset
from ganverse_jax.stages.multiview_dataset.parts import ObjectDrawing, draw_objects
from ganverse_jax.stages.perception import stage as perception
from ganverse_jax.stages.perception.cost import announce, batch_of
from ganverse_jax.stages.viewpoints import stage as viewpoints
from ganverse_jax.stages.viewpoints.stage import Viewpoints

# Contents of training pairs are drawn among these seeds, above all ranges that are counted through.
_SEEDS = (2**50, 2**62)
_MAX_CALLS = 20  # of the generator for one batch


def load_source(workdir: Path, gan: LoadedGenerator, *, seed: int, settings: Settings) -> MultiviewSource:
    """The source that the settings of inverse graphics name.

    "disk": the set of the multiview_dataset stage, read into memory while its decoded images take at most
    `memory_gib` (fastest), else read and decoded for each batch. "generator": `GeneratorSource`.
    """
    if settings.source == "disk":
        stored = multiview_dataset.open_set(workdir, gan.fingerprint)
        height, width = stored.size
        fits = 4 * height * width * len(stored) <= settings.memory_gib * 2**30
        return stored.read().multiview if fits else stored
    segmenter = perception.load(workdir).segmenter
    views = viewpoints.load(workdir, gan.fingerprint, gan.module.w_dim)
    drawn, size = gan_stage.load_drawing(workdir), settings.batch_size // jax.process_count()
    # A few pairs more than a batch, so that rejected ones rarely cost a second call.
    generator = MultiviewGenerator(gan, batch_size=2 * (size + max(size // 8, 1)), crop=drawn.crop)
    on_the_fly = settings.on_the_fly
    drawing = ObjectDrawing(seed, len(views.views), drawn.truncation, **on_the_fly.thresholds())
    held_out = 2 * on_the_fly.num_held_out * len(views.views)
    told = f"{held_out:,} held out, then {generator.batch_size} for each of {settings.num_steps:,} steps"
    announce(
        "inverse_graphics", held_out + settings.num_steps * generator.batch_size, told,
        partial(batch_of, generator), segmenter,
        fewer="inverse_graphics.on_the_fly.num_held_out, inverse_graphics.num_steps",
    )  # fmt: skip
    return GeneratorSource(generator, segmenter, views, drawing, on_the_fly.num_held_out)


class GeneratorSource(MultiviewSource):
    """A source and its `Pairs` in one, which draws, segments and filters images when asked.

    `num_held_out` objects each of validation and test, in all views, are drawn at once and kept in memory; no
    training pair shows one of them.
    """

    num_objects, num_dropped, threads = None, 0, 1
    _single_view = False

    def __init__(
        self,
        generator: MultiviewGenerator,
        segmenter,
        views: Viewpoints,
        drawing: ObjectDrawing,
        num_held_out: int,
    ):
        if len(views.views) < 2:
            raise ValueError(f"{len(views.views)} view leaves nothing to train on; choose two views or more")
        self.views, self.size = views.views, generator.size
        self._generator, self._segmenter, self._w, self._drawing = generator, segmenter, views.w, drawing
        objects = np.split(np.arange(2 * num_held_out), 2)
        self._splits = dict(zip(("validation", "test"), objects, strict=True))
        drawn = [self._draw_held_out(name, views, labels) for name, labels in self._splits.items()]
        names = ("images", "masks", "view_id", "object_id")
        whole = {name: np.concatenate([getattr(part, name) for part in drawn]) for name in names}
        self._held_out = MultiviewSet(**whole, views=views.views, splits=self._splits)
        self.view_id, self.object_id = self._held_out.view_id, self._held_out.object_id

    def training_pairs(self, *, single_view: bool = False) -> "GeneratorSource":
        """Itself: objects without end; with single_view in one view twice, see `PairSampler`."""
        pairs = copy.copy(self)
        pairs._single_view = single_view
        return pairs

    def rows_of(self, name: str, num_objects: int | None = None) -> np.ndarray:
        """See `MultiviewSource.rows_of`, of the held-out images."""
        if name not in self._splits:
            raise ValueError(f"split {name!r} is none of {sorted(self._splits)}")
        return self._held_out.rows_of(name, num_objects)

    def take(self, rows: np.ndarray) -> MultiviewSet:
        """The held-out images `rows`."""
        return self._held_out.take(rows)

    def pair_batch(
        self, step_key: int | Sequence[int], batch_size: int, part: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """See `Pairs.pair_batch`: the first `batch_size` pairs of the key's stream whose images both pass.

        A smaller part has a stream of its own, as which pairs pass of the others is not known without them.
        Raises ValueError with the share of rejected pairs when they are too many.
        """
        if part is not None and len(part) < batch_size:
            step_key, batch_size = (*np.atleast_1d(step_key).tolist(), int(part[0])), len(part)
        stream, at_once = np.random.default_rng(step_key), self._generator.batch_size // 2
        found, kept, reasons = [], 0, Counter()
        for _ in range(_MAX_CALLS):
            images, masks, views, reason = self._draw_pairs(stream, at_once)
            rows = np.flatnonzero((reason == instances.KEPT).all(axis=1))[: batch_size - kept]
            found.append((images[rows], masks[rows], views[rows]))
            reasons.update(reason.reshape(-1).tolist())
            kept += len(rows)
            if kept == batch_size:
                images, masks, views = (np.concatenate(parts) for parts in zip(*found, strict=True))
                return {"images": images, "masks": masks, "views": views}
        told = ", ".join(f"{name} {count}" for name, count in sorted(reasons.items()))
        raise ValueError(
            f"only {kept} of {batch_size} pairs passed the mask filter, of {reasons.total()} images drawn "
            f"({told}); train the GAN longer, choose other views, or lower "
            "inverse_graphics.on_the_fly.min_area"
        )

    def _draw_pairs(self, stream: np.random.Generator, count: int):
        """images [c 2 h w 3], masks [c 2 h w], view ids int32 [c 2] and reasons [c 2] of fresh contents."""
        seeds = stream.integers(*_SEEDS, count)
        first = stream.integers(len(self._w), size=count)
        second = (first + 1 + stream.integers(len(self._w) - 1, size=count)) % len(self._w)
        second = first if self._single_view else second
        views = np.stack([first, second], axis=1).astype(np.int32)
        contents = np.repeat(self._generator.codes(seeds, self._drawing.psi), 2, axis=0)
        images, _ = self._generator.pairs(self._w[views.reshape(-1)], contents)
        verdict = instances.judge_images(
            self._segmenter,
            images,
            min_instance=self._drawing.min_instance,
            min_area=self._drawing.min_area,
        )
        pictures = (images, verdict.masks, np.array(verdict.reason))
        images, masks, reason = (array.reshape(count, 2, *array.shape[1:]) for array in pictures)
        return images, masks, views, reason

    def _draw_held_out(self, name: str, views: Viewpoints, objects: np.ndarray) -> MultiviewSet:
        drawn = draw_objects(self._generator, self._segmenter, views, objects, self._drawing)
        kept = np.flatnonzero(drawn.reason == 0)
        if not len(kept):
            raise ValueError(
                f"the mask filter kept none of {len(drawn.reason)} {name} images; train the GAN longer, "
                "choose other views, or lower inverse_graphics.on_the_fly.min_area"
            )
        held = MultiviewSet(drawn.images, drawn.masks, drawn.view_id, drawn.object_id, views.views)
        return held.take(kept)

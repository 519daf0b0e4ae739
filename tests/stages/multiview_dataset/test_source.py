"""Where inverse graphics gets its images: memory, disk or the GAN, and training cannot tell which.

The GAN is a stand-in of a few arrays: colours by content, brightness by view.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from ganverse_jax.data.batches import Prefetch
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.stages.inverse_graphics.settings import Settings
from ganverse_jax.stages.multiview_dataset import source as multiview_source
from ganverse_jax.stages.multiview_dataset import stage as multiview_dataset
from ganverse_jax.stages.multiview_dataset.parts import ObjectDrawing
from ganverse_jax.stages.multiview_dataset.source import GeneratorSource, load_source
from ganverse_jax.stages.viewpoints.stage import Viewpoints
from tests.stages.tiny_world import DRAWING

SIZE = (6, 8)
VIEWS = [{"id": view, "azimuth_bin": 3 * view, "w": [10.0 * view]} for view in range(4)]
DRAWN = ObjectDrawing(seed=3, views_per_object=4, psi=0.7, min_instance=0.02, min_area=0.1)


class PlainGenerator:
    """Images whose channels are a byte of the content, the view, and a byte that decides about the mask."""

    size = SIZE

    def __init__(self, batch_size=12):
        self.batch_size, self.drawn = batch_size, 0

    def codes(self, seeds, psi):
        return np.stack([np.random.default_rng(int(seed)).integers(0, 256, 2) for seed in seeds])

    def pairs(self, view_w, content_w):
        self.drawn += len(view_w)
        colours = np.stack([content_w[:, 0], view_w[:, 0], content_w[:, 1]], axis=1).astype(np.uint8)
        return np.tile(colours[:, None, None], (1, *SIZE, 1)), np.zeros((len(view_w), 3), np.float32)


def keeps(share):
    """A segmenter that finds the object in about this share of the contents, all over the picture."""

    def segment(images):
        return np.where(images[..., 2] < 256 * share, 1.0, 0.0).astype(np.float32)

    return segment


def source(share=0.8):
    views = Viewpoints(VIEWS, np.array([view["w"] for view in VIEWS], np.float32), "plain")
    return GeneratorSource(PlainGenerator(), keeps(share), views, DRAWN, 3)


def test_a_batch_is_two_views_of_fresh_objects_that_passed_the_filter():
    batch = source().pair_batch((0, 5), 5)
    assert batch["images"].shape == (5, 2, *SIZE, 3) and batch["masks"].shape == (5, 2, *SIZE)
    assert batch["images"].dtype == batch["masks"].dtype == np.uint8 and batch["views"].dtype == np.int32
    first = batch["images"][:, :, 0, 0]
    np.testing.assert_array_equal(first[:, 0, ::2], first[:, 1, ::2])  # one content
    np.testing.assert_array_equal(first[:, :, 1], 10 * batch["views"])
    assert (batch["views"][:, 0] != batch["views"][:, 1]).all()
    assert (batch["masks"] == 255).all() and (first[:, :, 2] < 0.8 * 256).all()


def test_a_batch_depends_on_its_key_alone_and_rejected_pairs_are_drawn_again():
    one, other = source(share=0.4), source(share=0.4)
    other.pair_batch((0, 1), 5)
    before = one._generator.drawn
    for name, value in one.pair_batch((0, 2), 5).items():
        np.testing.assert_array_equal(value, other.pair_batch((0, 2), 5)[name])
    assert one._generator.drawn - before > 12  # six pairs at once do not give five where 40 % pass
    different = one.pair_batch((0, 3), 5)
    assert (different["images"] != other.pair_batch((0, 2), 5)["images"]).any()


def test_batches_prepared_by_a_thread_are_the_same():
    ours, theirs = source(), source()
    with Prefetch(lambda step: ours.pair_batch((0, step), 4), num_steps=6, threads=ours.threads) as prepared:
        for step in (2, 3, 4, 0):
            for name, value in prepared(step).items():
                np.testing.assert_array_equal(value, theirs.pair_batch((0, step), 4)[name])


def test_a_filter_that_passes_nothing_is_told_with_counts_instead_of_drawing_for_ever():
    made = source()
    made._segmenter = keeps(0.0)
    with pytest.raises(
        ValueError, match=r"only 0 of 5 pairs .* of 240 images drawn \(no_object 240\); train"
    ):
        made.pair_batch(0, 5)
    with pytest.raises(ValueError, match="kept none of 12 validation images"):
        source(share=0.0)


def test_held_out_objects_are_fixed_in_all_views_and_apart():
    made, again = source(share=1.0), source(share=1.0)
    validation, test = made.split("validation"), made.split("test")
    assert validation.object_id.tolist() == np.repeat([0, 1, 2], 4).tolist()
    assert test.object_id.tolist() == np.repeat([3, 4, 5], 4).tolist()
    assert test.view_id.tolist() == list(range(4)) * 3
    np.testing.assert_array_equal(test.images, again.split("test").images)
    assert made.split("test", 2).object_id.tolist() == np.repeat([3, 4], 4).tolist()
    with pytest.raises(ValueError, match="split 'train' is none of"):
        made.split("train")


class HeldOnDisk:
    """Stands for a `StoredSet`."""

    size = SIZE

    def __init__(self, whole):
        self._whole = whole

    def __len__(self):
        return len(self._whole)

    def read(self):
        return SimpleNamespace(multiview=self._whole)


@pytest.fixture
def stages(monkeypatch, tmp_path):
    """A workdir whose earlier stages are stand-ins; segmenter and number of images can be changed."""
    images = np.zeros((8, *SIZE, 3), np.uint8)
    whole = MultiviewSet(images, images[..., 0], np.arange(8) % 4, np.arange(8) // 4, VIEWS)
    held = HeldOnDisk(whole)
    found = SimpleNamespace(whole=whole, held=held, reader=SimpleNamespace(segmenter=keeps(1.0)))
    monkeypatch.setattr(multiview_source.gan_stage, "load_drawing", lambda workdir: DRAWING)
    monkeypatch.setattr(multiview_dataset, "open_set", lambda workdir, fingerprint: held)
    monkeypatch.setattr(multiview_source.perception, "load", lambda workdir: found.reader)
    views = Viewpoints(VIEWS, np.array([view["w"] for view in VIEWS], np.float32), "plain")
    monkeypatch.setattr(multiview_source.viewpoints, "load", lambda workdir, fingerprint, w_dim: views)
    monkeypatch.setattr(
        multiview_source, "MultiviewGenerator", lambda gan, batch_size, crop: PlainGenerator(batch_size)
    )
    found.load = lambda name, **changed: load_source(
        tmp_path,
        SimpleNamespace(fingerprint="plain", module=SimpleNamespace(w_dim=4)),
        seed=0,
        settings=Settings(**dict(source=name, batch_size=4, memory_gib=1.0) | changed),
    )
    return found


def test_a_set_is_read_into_memory_while_it_fits(stages):
    assert stages.load("disk") is stages.whole
    size = 8 * 6 * 8 * 4 / 2**30  # eight images and masks
    assert stages.load("disk", memory_gib=size) is stages.whole
    assert stages.load("disk", memory_gib=0.9 * size) is stages.held


def test_the_generator_makes_a_few_more_pairs_at_once_than_a_batch(stages):
    made = stages.load("generator")
    assert isinstance(made, GeneratorSource) and made._generator.batch_size == 2 * 5
    assert made.training_pairs().num_objects is None and made.size == SIZE

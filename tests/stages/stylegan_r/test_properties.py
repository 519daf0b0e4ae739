"""Claims about the examples StyleGAN-R trains on."""

import numpy as np
import pytest

from ganverse_jax.stages.stylegan_r.properties import Properties


def _properties(n=12, **changes):
    rng = np.random.default_rng(0)
    arrays = {
        "images": rng.integers(0, 256, (n, 4, 4, 3), dtype=np.uint8),
        "masks": rng.integers(0, 256, (n, 4, 4), dtype=np.uint8),
        "view_id": np.arange(n) % 3,
        "object_id": np.arange(n) // 3,
        "shapes": rng.normal(size=(n, 5, 3)).astype(np.float32),
        "textures": rng.random((n, 2, 4, 3)).astype(np.float16),
        "content_styles": rng.normal(size=(n, 7)).astype(np.float32),
        "view_styles": rng.normal(size=(3, 6)).astype(np.float32),
        "cameras": np.arange(9, dtype=np.float32).reshape(3, 3),
    }
    return Properties(**arrays | changes)


def test_equal_keys_give_equal_batches_and_others_do_not():
    properties = _properties()
    for draw in (lambda key: properties.rows(key, 8), lambda key: properties.partners(key, np.arange(8))):
        one, two, three = (draw(key) for key in ((0, 1), (0, 1), (0, 2)))
        np.testing.assert_array_equal(one, two)
        assert np.any(one != three)


def test_partners_are_other_objects():
    properties = _properties()
    rows = properties.rows(5, 400)
    partners = properties.partners(5, rows)
    # Nine draws at 1 in 4: fewer than one in a hundred thousand stays with its own object.
    assert np.all(properties.object_id[rows] != properties.object_id[partners])


def test_warmup_batch_pairs_each_image_with_its_own_codes_and_camera():
    properties = _properties()
    batch = properties.warmup_batch(np.array([4]))
    np.testing.assert_array_equal(batch["camera"], [[3.0, 4.0, 5.0]])
    np.testing.assert_array_equal(batch["view_style"], properties.view_styles[[1]])
    np.testing.assert_array_equal(batch["content_style"], properties.content_styles[[4]])


def test_the_papers_batch_exchanges_shape_and_texture_together_and_keeps_the_camera():
    properties = _properties()
    batch = properties.paper_batch(np.array([4]), np.array([9]))
    np.testing.assert_array_equal(batch["shape"][0], properties.shapes[[4, 9]])
    np.testing.assert_array_equal(batch["texture"][0], properties.textures[[4, 9]])
    np.testing.assert_array_equal(batch["camera"][0], properties.cameras[[1, 1]])
    np.testing.assert_array_equal(batch["image"], properties.images[[4]])


def _rows_of(values, given):
    return [int(np.flatnonzero((given == one).reshape(len(given), -1).all(axis=1))[0]) for one in values]


def test_a_swapped_batch_takes_shape_texture_and_camera_each_from_elsewhere():
    properties, rows, jitter = _properties(60), np.arange(40), 0.1
    batch = properties.swapped_batch((0, 1), rows, jitter)
    assert _rows_of(batch["shape"][:, 0], properties.shapes) == list(rows)
    assert _rows_of(batch["texture"][:, 0], properties.textures) == list(rows)
    shapes, textures = (
        np.array(_rows_of(batch[name][:, 1], getattr(properties, f"{name}s")))
        for name in ("shape", "texture")
    )
    cameras = np.abs(batch["camera"][:, 1, None] - properties.cameras).max(-1).argmin(1)
    view, objects = properties.view_id, properties.object_id
    # Forty draws among twenty objects and three views: a few agree by chance.
    agreeing = (objects[shapes] == objects[textures], cameras == view[shapes], cameras == view[rows])
    assert all(np.mean(one) < limit for one, limit in zip(agreeing, (0.3, 0.7, 0.7), strict=True))
    off = np.abs(batch["camera"][:, 1] - properties.cameras[cameras])
    assert off[:, :2].max() <= jitter + 1e-6 and off[:, :2].min() > 0 and off[:, 2].max() == 0  # float32
    again = properties.swapped_batch((0, 1), rows, jitter)
    assert (batch["zoom"] == 1).all()
    nearer = properties.swapped_batch((0, 1), rows, jitter, 0.25)
    np.testing.assert_array_equal(nearer["camera"][:, :, :2], batch["camera"][:, :, :2])
    away = nearer["camera"][:, :, 2] / batch["camera"][:, :, 2]
    np.testing.assert_allclose(nearer["zoom"], away, rtol=1e-5)  # float32
    assert (away[:, 0] == 1).all() and 1 / 1.25 < away[:, 1].min() < 0.9 < 1.1 < away[:, 1].max() < 1.25
    assert all(np.array_equal(batch[name], again[name]) for name in batch)


def test_missing_entries_are_named():
    with pytest.raises(ValueError, match="12 images, but .*'shapes': 3"):
        _properties(shapes=np.zeros((3, 5, 3), np.float32))

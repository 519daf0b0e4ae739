"""What tests of all toy worlds claim of their objects and pictures."""

import numpy as np

import rasterizer
from ganverse_jax.classes.toy import sampling, shapes


def assert_closed_outward(parts) -> None:
    """Every edge of each part (vertices, faces) has its opposite, and what it encloses is positive."""
    for vertices, faces in parts:
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        directed = set(map(tuple, edges.tolist()))
        assert len(directed) == len(edges) and all((b, a) in directed for a, b in directed)
        assert shapes.signed_volume(vertices.astype(float), faces) > 0


def assert_within_the_frame(vertices: np.ndarray, azimuths_degrees) -> None:
    """No vertex [n v 3] is outside the picture from the nearest cameras at these azimuths."""
    n = len(vertices)
    near = np.full(n, 4.2 * (1 - sampling.DISTANCE_JITTER), np.float32)
    fov_y = np.full(n, np.radians(30.0), np.float32)
    for azimuth in np.radians(azimuths_degrees):
        for elevation in sampling.ELEVATION_RANGE:
            camera = rasterizer.Camera(np.full(n, azimuth), np.full(n, elevation), near, fov_y)
            clip = np.asarray(rasterizer.transform(vertices, camera, 32, 32))
            assert np.abs(clip[..., :2] / clip[..., 3:]).max() < 1.0


def assert_independent_of_the_batch(world, together, indices) -> None:
    """What `world` renders of samples `indices` is what `together`, its `render` of 0 to n, has of them."""
    alone = world.render(indices)
    for name, values in together.items():
        np.testing.assert_array_equal(alone[name], values[indices], err_msg=name)


def assert_mask_is_coverage(world, cameras) -> dict[str, np.ndarray]:
    """A world of 2 x 2 samples has one mask on white and before any background, in quarters, white around.

    Returns the views before other objects' backgrounds.
    """
    white = world.render_object(np.arange(16), *cameras, shaded=False)
    views = world.render_views(np.arange(16), *cameras, background_indices=np.arange(16) + 900)
    np.testing.assert_array_equal(white["mask"], views["mask"])
    assert np.all(white["image"][white["mask"] == 0] == 255)
    # Four samples per pixel: coverage is a multiple of a quarter.
    assert set(np.unique(white["mask"])) <= {0, 64, 128, 191, 255}
    return views

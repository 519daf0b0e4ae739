"""Portable kernel in plain JAX: pixels in 16x16 tiles, each tile walking its own list of faces.

The list of a tile is never stored: the n-th face whose box meets the tile is found by binary search
in the running count of such faces, so there is no capacity and no overflow. One image at a time.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from rasterizer.kernels import formulas, reference
from rasterizer.kernels.reference import interpolate, sample_texture  # noqa: F401  (already plain gathers)

TILE = 16
CHUNK = 16  # faces looked up at once per tile; then taken one by one over [tiles, 256] floats


def rasterize(*arguments):
    """-> face_id [b h w], barycentrics [b h w 3], depth [b h w]."""
    return reference.rasterize(*arguments, visible_faces=_visible)


def silhouette(vertices_clip, faces, face_id, sigma_inverse, margin):
    """-> soft mask [b h w]."""

    def one(item):
        clip, faces, face_id = item
        xy, kept = formulas.silhouette_corners(clip, faces)
        return 1 - _keep(xy, kept, face_id >= 0, sigma_inverse, margin)

    return jax.lax.map(one, (vertices_clip, faces, face_id))


def _visible(clip, faces, height, width, cull_backfaces):
    corners, kept = formulas.screen_faces(clip, faces, cull_backfaces)
    x, y = _tiles(height, width, clip.dtype)
    pick, chunks = _walk(*formulas.ndc_box(corners), kept, x, y)

    def body(state):
        i, *best = state
        ids, valid = pick(i)
        best, _ = jax.lax.scan(take, tuple(best), (ids.T, valid.T))
        return i + 1, *best

    def take(best, face):
        nearest, nearest_id = best
        ids, valid = face
        inside, inverse_depth = formulas.coverage(corners[ids][:, None], x, y)
        closer = inside & valid[:, None] & (inverse_depth > nearest)
        return (jnp.where(closer, inverse_depth, nearest), jnp.where(closer, ids[:, None], nearest_id)), None

    start = (0, jnp.zeros_like(x), jnp.full(x.shape, -1, jnp.int32))
    _, _, face_id = jax.lax.while_loop(lambda state: state[0] < chunks, body, start)
    return _untile(face_id, height, width)


@partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def _keep(xy, kept, covered, sigma_inverse, margin):
    """prod_j (1 - p_j) over the faces xy [f 3 2] near each pixel; 0 where covered [h w]."""
    height, width = covered.shape
    x, y = _tiles(height, width, xy.dtype)
    pick, chunks = _walk(jnp.min(xy, 1) - margin, jnp.max(xy, 1) + margin, kept, x, y)

    def body(state):
        i, keep = state
        ids, valid = pick(i)
        return i + 1, _times_misses(keep, xy[ids], valid, x, y, sigma_inverse, margin)

    _, keep = jax.lax.while_loop(lambda state: state[0] < chunks, body, (0, jnp.ones_like(x)))
    return jnp.where(covered, 0, _untile(keep, height, width))


def _keep_forward(xy, kept, covered, sigma_inverse, margin):
    return _keep(xy, kept, covered, sigma_inverse, margin), (xy, kept, covered)


def keep_backward(sigma_inverse, margin, saved, cotangent):
    """Leave-one-out products: prefixes saved per chunk on the way up, the cotangent times the suffix
    carried on the way down; within a chunk, the derivative of a running product does the same.
    """
    xy, kept, covered = saved
    height, width = covered.shape
    x, y = _tiles(height, width, xy.dtype)
    pick, chunks = _walk(jnp.min(xy, 1) - margin, jnp.max(xy, 1) + margin, kept, x, y)
    cotangent = _tile(jnp.where(covered, 0, cotangent), x.shape)
    most = -(-xy.shape[0] // CHUNK)

    def up(state):
        i, keep, prefixes = state
        ids, valid = pick(i)
        prefixes = jax.lax.dynamic_update_index_in_dim(prefixes, keep, i, 0)
        return i + 1, _times_misses(keep, xy[ids], valid, x, y, sigma_inverse, margin), prefixes

    def down(state):
        i, suffix, gradient = state
        ids, valid = pick(i)
        prefix = jax.lax.dynamic_index_in_dim(prefixes, i, 0, keepdims=False)
        _, pull = jax.vjp(
            lambda keep, corners: _times_misses(keep, corners, valid, x, y, sigma_inverse, margin),
            prefix,
            xy[ids],
        )
        suffix, grad_corners = pull(suffix)
        return i - 1, suffix, gradient.at[ids].add(grad_corners)

    start = (0, jnp.ones_like(x), jnp.zeros((most, *x.shape), x.dtype))
    prefixes = jax.lax.while_loop(lambda state: state[0] < chunks, up, start)[2]
    start = (chunks - 1, cotangent, jnp.zeros_like(xy))
    gradient = jax.lax.while_loop(lambda state: state[0] >= 0, down, start)[2]
    return gradient, None, None


_keep.defvjp(_keep_forward, keep_backward)


def _times_misses(keep, xy, valid, x, y, sigma_inverse, margin):
    """keep [tiles p] times the 1 - p of the faces xy [tiles k 3 2] at pixels x, y [tiles p]."""

    def take(keep, face):
        xy, valid = face
        low, high = jnp.min(xy, axis=1)[:, None], jnp.max(xy, axis=1)[:, None]
        near = (x >= low[..., 0] - margin) & (x <= high[..., 0] + margin) & valid[:, None]
        near &= (y >= low[..., 1] - margin) & (y <= high[..., 1] + margin)
        distance2 = formulas.boundary_distance_squared(xy[:, None], x, y)
        return keep * jnp.where(near, 1 - jnp.exp(-sigma_inverse * distance2), 1), None

    return jax.lax.scan(take, keep, (jnp.moveaxis(xy, 1, 0), valid.T))[0]


def _walk(low, high, kept, x, y):
    """-> pick(i) giving the i-th CHUNK of face ids of every tile (and which are real), chunk count."""
    meets = kept & (high[:, 0] >= jnp.min(x, 1)[:, None]) & (low[:, 0] <= jnp.max(x, 1)[:, None])
    meets &= (high[:, 1] >= jnp.min(y, 1)[:, None]) & (low[:, 1] <= jnp.max(y, 1)[:, None])
    running = jnp.cumsum(meets, axis=1, dtype=jnp.int32)
    last = running[:, -1]

    def pick(i):
        order = i * CHUNK + jnp.arange(CHUNK, dtype=jnp.int32)
        ids = jax.vmap(lambda row: jnp.searchsorted(row, order + 1, side="left"))(running)
        return jnp.minimum(ids, meets.shape[1] - 1).astype(jnp.int32), order < last[:, None]

    return pick, -(-jnp.max(last) // CHUNK)


def _tiles(height, width, dtype):
    """Pixel centres by tile, x and y [tiles 256]; tiles stick out over the right and lower border."""
    rows, columns = -(-height // TILE) * TILE, -(-width // TILE) * TILE
    x = (2 * np.arange(columns) + 1 - width) / width
    y = (height - 2 * np.arange(rows) - 1) / height
    x, y = np.broadcast_arrays(x[None, :], y[:, None])
    shape = (rows // TILE, TILE, columns // TILE, TILE)
    return tuple(jnp.asarray(a.reshape(shape).swapaxes(1, 2).reshape(-1, TILE * TILE), dtype) for a in (x, y))


def _tile(image, shape):
    height, width = image.shape
    image = jnp.pad(image, ((0, -height % TILE), (0, -width % TILE)))
    rows, columns = image.shape
    image = image.reshape(rows // TILE, TILE, columns // TILE, TILE)
    return image.swapaxes(1, 2).reshape(shape)


def _untile(tiles, height, width):
    rows, columns = -(-height // TILE), -(-width // TILE)
    image = tiles.reshape(rows, columns, TILE, TILE).swapaxes(1, 2)
    return image.reshape(rows * TILE, columns * TILE)[:height, :width]

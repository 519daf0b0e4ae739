"""Portable kernel in plain JAX: pixels in 16x16 tiles, each tile walking its own list of faces.

The list of a tile is never stored: the n-th face whose box meets the tile is found by binary search
in the running count of such faces, so there is no capacity and no overflow. One image at a time.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from rasterizer.kernels import formulas
from rasterizer.kernels.reference import interpolate, sample_texture  # noqa: F401  (already plain gathers)

TILE = 16
CHUNK = 8  # faces per tile handled at once: [tiles, CHUNK, 256] floats live at a time


def rasterize(vertices_clip, faces, height, width, cull_backfaces, perspective_correct):
    """-> face_id [b h w], barycentrics [b h w 3], depth [b h w]."""

    def one(item):
        clip, faces = item
        visible = _visible(jax.lax.stop_gradient(clip), faces, height, width, cull_backfaces)
        return visible, *formulas.fragments_of(clip, faces, visible, perspective_correct)

    return jax.lax.map(one, (vertices_clip, faces))


def silhouette(vertices_clip, faces, face_id, sigma_inverse, margin):
    """-> soft mask [b h w]."""

    def one(item):
        clip, faces, face_id = item
        if faces.shape[0] == 0:
            return (face_id >= 0).astype(clip.dtype)
        corners = formulas.face_corners(clip, faces)
        kept = formulas.measurable(corners)
        corners = formulas.harmless(corners, kept)
        xy = corners[..., :2] / corners[..., 2:]
        return 1 - _keep(xy, kept, face_id >= 0, sigma_inverse, margin)

    return jax.lax.map(one, (vertices_clip, faces, face_id))


def _visible(clip, faces, height, width, cull_backfaces):
    if faces.shape[0] == 0:
        return jnp.full((height, width), -1, jnp.int32)
    corners = formulas.face_corners(clip, faces)
    kept = formulas.drawable(corners, cull_backfaces)
    corners = formulas.sort_corners(formulas.harmless(corners, kept))
    x, y = _tiles(height, width, clip.dtype)
    pick, chunks = _walk(*formulas.ndc_box(corners), kept, x, y)

    def body(state):
        i, best, best_id = state
        ids, valid = pick(i)
        inside, inverse_depth = formulas.coverage(corners[ids][:, :, None], x[:, None], y[:, None])
        score = jnp.where(inside & valid[..., None], inverse_depth, -jnp.inf)
        nearest = jnp.argmax(score, axis=1)
        top = jnp.max(score, axis=1)
        nearest = jnp.take_along_axis(ids, nearest, axis=1)
        return i + 1, jnp.maximum(best, top), jnp.where(top > best, nearest, best_id)

    start = (0, jnp.full(x.shape, -jnp.inf, x.dtype), jnp.full(x.shape, -1, jnp.int32))
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
        miss = _misses(xy[ids], valid, x, y, sigma_inverse, margin)
        return i + 1, keep * jnp.prod(miss, axis=1)

    _, keep = jax.lax.while_loop(lambda state: state[0] < chunks, body, (0, jnp.ones_like(x)))
    return jnp.where(covered, 0, _untile(keep, height, width))


def _keep_forward(xy, kept, covered, sigma_inverse, margin):
    return _keep(xy, kept, covered, sigma_inverse, margin), (xy, kept, covered)


def _keep_backward(sigma_inverse, margin, saved, cotangent):
    """Leave-one-out products: prefixes saved per chunk on the way up, suffixes carried on the way down."""
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
        miss = _misses(xy[ids], valid, x, y, sigma_inverse, margin)
        return i + 1, keep * jnp.prod(miss, axis=1), prefixes

    def down(state):
        i, suffix, gradient = state
        ids, valid = pick(i)
        prefix = jax.lax.dynamic_index_in_dim(prefixes, i, 0, keepdims=False)
        _, pull = jax.vjp(
            lambda corners: _chunk_product(corners, valid, x, y, sigma_inverse, margin), xy[ids]
        )
        gradient = gradient.at[ids].add(pull(cotangent * prefix * suffix)[0])
        miss = _misses(xy[ids], valid, x, y, sigma_inverse, margin)
        return i - 1, suffix * jnp.prod(miss, axis=1), gradient

    start = (0, jnp.ones_like(x), jnp.zeros((most, *x.shape), x.dtype))
    prefixes = jax.lax.while_loop(lambda state: state[0] < chunks, up, start)[2]
    start = (chunks - 1, jnp.ones_like(x), jnp.zeros_like(xy))
    gradient = jax.lax.while_loop(lambda state: state[0] >= 0, down, start)[2]
    return gradient, None, None


_keep.defvjp(_keep_forward, _keep_backward)


def _chunk_product(xy, valid, x, y, sigma_inverse, margin):
    # jnp.prod's own derivative is by leaving one out, so zeros are safe.
    return jnp.prod(_misses(xy, valid, x, y, sigma_inverse, margin), axis=1)


def _misses(xy, valid, x, y, sigma_inverse, margin):
    """1 - p of faces xy [tiles k 3 2] at pixels x, y [tiles p] -> [tiles k p]."""
    low, high = jnp.min(xy, axis=2)[:, :, None], jnp.max(xy, axis=2)[:, :, None]
    x, y = x[:, None], y[:, None]
    near = (x >= low[..., 0] - margin) & (x <= high[..., 0] + margin) & valid[..., None]
    near &= (y >= low[..., 1] - margin) & (y <= high[..., 1] + margin)
    distance2 = formulas.boundary_distance_squared(xy[:, :, None], x, y)
    return jnp.where(near, -jnp.expm1(-sigma_inverse * distance2), 1)


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

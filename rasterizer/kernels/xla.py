"""Portable kernel in plain JAX: pixels in 16x16 tiles, each tile walking its own list of faces.

The list of a tile is never stored: the n-th face whose box meets the tile is found by binary search
in the running count of such faces, so there is no capacity and no overflow. Walks of many lengths are
taken in blocks of like length, so that short ones do not wait for the longest. The mask's gradient walks
the other way, each face its tiles: gathered, not scattered. The other gradients are JAX's own scatters,
whose order a GPU fixes under XLA_FLAGS=--xla_gpu_deterministic_ops=true alone.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from rasterizer.kernels import formulas
from rasterizer.kernels.reference import interpolate, sample_texture  # noqa: F401  (already plain gathers)

TILE = 16
CHUNK = 16  # faces looked up at once per tile; then taken one by one over [tiles, 256] floats
CPU_BLOCK, GPU_BLOCK = 64, 1024  # walks taken side by side: within a cache, or enough for every core of a GPU
MOST_PAIRS = 1 << 26  # of tiles and faces at once: images beyond this wait for their turn


def rasterize(vertices_clip, faces, height, width, cull_backfaces, perspective_correct):
    """-> face_id [b h w], barycentrics [b h w 3], depth [b h w]."""

    def one(item):
        clip, faces = item
        visible = _visible(jax.lax.stop_gradient(clip), faces, height, width, cull_backfaces)
        return visible, *formulas.fragments_of(clip, faces, visible, perspective_correct)

    return _over_images(one, (vertices_clip, faces), height, width)


def silhouette(vertices_clip, faces, face_id, sigma_inverse, margin):
    """-> soft mask [b h w]."""

    def one(item):
        clip, faces, face_id = item
        xy, kept = formulas.silhouette_corners(clip, faces)
        return 1 - _keep(xy, kept, face_id >= 0, sigma_inverse, margin)

    return _over_images(one, (vertices_clip, faces, face_id), *face_id.shape[1:])


def _over_images(one, items, height, width):
    """Image by image on a CPU, whose cores one image keeps busy; else as many at once as memory allows."""
    faces, batch = items[1].shape[1], items[0].shape[0]
    pairs = faces * -(-height // TILE) * -(-width // TILE)
    at_once = 1 if _on_cpu() else max(1, min(batch, MOST_PAIRS // pairs))
    return jax.lax.map(one, items, batch_size=at_once if at_once > 1 else None)


def _on_cpu():
    return jax.default_backend() == "cpu"


def _over_faces(take, carry, ids, valid):
    """Folds carry = take(carry, ids, valid) over the columns of ids and valid [tiles CHUNK].

    Written out on a GPU, where every turn of a loop costs launches of its own.
    """
    folded = jax.lax.scan(
        lambda c, face: (take(c, *face), None), carry, (ids.T, valid.T), unroll=not _on_cpu()
    )
    return folded[0]


def _visible(clip, faces, height, width, cull_backfaces):
    corners, kept = formulas.screen_faces(clip, faces, cull_backfaces)
    x, y = _tiles(height, width, clip.dtype)
    pick, chunks = _lists(*formulas.ndc_box(corners), kept, x, y)

    def step(best, tiles, n, _):
        def take(best, ids, valid):
            nearest, nearest_id = best
            inside, inverse_depth = formulas.coverage(corners[ids][:, None], x[tiles], y[tiles])
            closer = inside & valid[:, None] & (inverse_depth > nearest)
            return jnp.where(closer, inverse_depth, nearest), jnp.where(closer, ids[:, None], nearest_id)

        return _over_faces(take, best, *pick(tiles, n))

    _, face_id = _walks(step, chunks, (jnp.zeros_like(x), jnp.full(x.shape, -1, jnp.int32)))
    return _untile(face_id, height, width)


@partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def _keep(xy, kept, covered, sigma_inverse, margin):
    """prod_j (1 - p_j) over the faces xy [f 3 2] near each pixel; 0 where covered [h w]."""
    height, width = covered.shape
    x, y = _tiles(height, width, xy.dtype)
    pick, chunks = _lists(jnp.min(xy, 1) - margin, jnp.max(xy, 1) + margin, kept, x, y)
    chunks = jnp.where(jnp.all(_tile(covered, x.shape, True), axis=1), 0, chunks)

    def step(keep, tiles, n, _):
        def take(keep, ids, valid):
            miss, near = _miss(xy[ids], x[tiles], y[tiles], sigma_inverse, margin)
            return keep * jnp.where(near & valid[:, None], miss, 1)

        return _over_faces(take, keep, *pick(tiles, n))

    keep = _walks(step, chunks, jnp.ones_like(x))
    return jnp.where(covered, 0, _untile(keep, height, width))


def _keep_forward(xy, kept, covered, sigma_inverse, margin):
    keep = _keep(xy, kept, covered, sigma_inverse, margin)
    return keep, (xy, kept, keep)


def _keep_backward(sigma_inverse, margin, saved, cotangent):
    """d keep / d face = keep d log(1 - p), summed over the tiles under the face's grown box.

    Where a factor 1 - p is 0 the pixel is on the face's boundary: d = 0, and d(d^2) is 0 as well.
    """
    xy, kept, keep = saved
    height, width = keep.shape
    x, y = _tiles(height, width, xy.dtype)
    weight = _tile(cotangent * keep, x.shape, 0)
    first, across, count = _tiles_of_faces(xy, kept, jnp.any(weight != 0, axis=1), margin, height, width)

    def step(gradient, faces, n, valid):
        columns = jnp.maximum(across[faces], 1)
        tiles = first[faces] + n // columns * -(-width // TILE) + n % columns
        tiles = jnp.where(valid, tiles, 0)
        weights = jnp.where(valid[:, None], weight[tiles], 0)

        def logarithm(corners):
            miss, near = _miss(corners, x[tiles], y[tiles], sigma_inverse, margin)
            usable = near & (miss > 0) & (weights != 0)
            return jnp.sum(jnp.where(usable, weights * jnp.log(jnp.where(usable, miss, 1)), 0))

        return gradient + jax.grad(logarithm)(xy[faces])

    return _walks(step, count, jnp.zeros_like(xy)), None, None


_keep.defvjp(_keep_forward, _keep_backward)


def _miss(xy, x, y, sigma_inverse, margin):
    """1 - p of faces xy [n 3 2] at pixels x, y [n p], and whether these are in the grown boxes."""
    low, high = jnp.min(xy, axis=1)[:, None] - margin, jnp.max(xy, axis=1)[:, None] + margin
    near = (x >= low[..., 0]) & (x <= high[..., 0]) & (y >= low[..., 1]) & (y <= high[..., 1])
    return 1 - jnp.exp(-sigma_inverse * formulas.boundary_distance_squared(xy[:, None], x, y)), near


def _walks(step, lengths, start):
    """Folds carry = step(carry, rows, n, valid) over n < lengths[row], for every row of `start` [rows ...].

    step sees a block of rows at once: their part of the carry, their numbers, and which of them are not over.
    """
    count, block = lengths.shape[0], CPU_BLOCK if _on_cpu() else GPU_BLOCK
    order = jnp.argsort(-lengths, stable=True).astype(jnp.int32)
    padded = jnp.pad(order, (0, -count % block))
    ranked = jnp.pad(lengths[order], (0, -count % block + block))  # one more block, where all is over
    carry = jax.tree.map(lambda rows: rows[padded], start)

    def body(state):
        n, at, carry = state
        piece = jax.tree.map(lambda rows: jax.lax.dynamic_slice_in_dim(rows, at, block), carry)
        valid = n < jax.lax.dynamic_slice_in_dim(ranked, at, block)
        piece = step(piece, jax.lax.dynamic_slice_in_dim(padded, at, block), n, valid)
        carry = jax.tree.map(
            lambda rows, new: jax.lax.dynamic_update_slice_in_dim(rows, new, at, axis=0), carry, piece
        )
        more = ranked[at + block] > n
        return jnp.where(more, n, n + 1), jnp.where(more, at + block, 0), carry

    carry = jax.lax.while_loop(lambda s: ranked[s[1]] > s[0], body, (jnp.int32(0), jnp.int32(0), carry))[2]
    place = jnp.zeros(count, jnp.int32).at[order].set(jnp.arange(count, dtype=jnp.int32), unique_indices=True)
    return jax.tree.map(lambda rows: rows[place], carry)


def _lists(low, high, kept, x, y):
    """-> pick(tiles, i) giving the i-th CHUNK of face ids of tiles (and which are real), chunks per tile."""
    meets = kept & (high[:, 0] >= jnp.min(x, 1)[:, None]) & (low[:, 0] <= jnp.max(x, 1)[:, None])
    meets &= (high[:, 1] >= jnp.min(y, 1)[:, None]) & (low[:, 1] <= jnp.max(y, 1)[:, None])
    running = jnp.cumsum(meets, axis=1, dtype=jnp.int32)

    def pick(tiles, i):
        order = i * CHUNK + jnp.arange(CHUNK, dtype=jnp.int32)
        ids = jax.vmap(lambda row: jnp.searchsorted(row, order + 1, side="left"))(running[tiles])
        return jnp.minimum(ids, meets.shape[1] - 1).astype(jnp.int32), order < running[tiles, -1:]

    return pick, -(-running[:, -1] // CHUNK)


def _tiles_of_faces(xy, kept, is_open, margin, height, width):
    """The rectangle of tiles under each face's grown box: the first, how many in a row, how many in all.

    None at all where no tile of it is open [tiles].
    """
    x, y = (axis.reshape(-1, TILE) for axis in _axes(height, width, xy.dtype))
    low, high = jnp.min(xy, 1) - margin, jnp.max(xy, 1) + margin
    left = jnp.searchsorted(x[:, -1], low[:, 0], side="left")
    right = jnp.searchsorted(x[:, 0], high[:, 0], side="right")
    top = jnp.searchsorted(-y[:, -1], -high[:, 1], side="left")
    bottom = jnp.searchsorted(-y[:, 0], -low[:, 1], side="right")
    right, bottom = jnp.maximum(right, left), jnp.maximum(bottom, top)
    area = jnp.pad(is_open.reshape(y.shape[0], x.shape[0]), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    opened = area[bottom, right] - area[top, right] - area[bottom, left] + area[top, left]
    count = jnp.where(kept & (opened > 0), (right - left) * (bottom - top), 0)
    return top * x.shape[0] + left, right - left, count


def _axes(height, width, dtype):
    """Pixel centres along x and y, as far as whole tiles reach over the right and lower border."""
    columns, rows = -(-width // TILE) * TILE, -(-height // TILE) * TILE
    x = (2 * np.arange(columns) + 1 - width) / width
    y = (height - 2 * np.arange(rows) - 1) / height
    return jnp.asarray(x, dtype), jnp.asarray(y, dtype)


def _tiles(height, width, dtype):
    """Pixel centres by tile, x and y [tiles 256]."""
    x, y = _axes(height, width, dtype)
    x, y = jnp.broadcast_arrays(x[None, :], y[:, None])
    shape = (-(-height // TILE) * -(-width // TILE), TILE * TILE)
    return _tile(x, shape, 0), _tile(y, shape, 0)


def _tile(image, shape, fill):
    """[h w] -> [tiles 256], `fill` where the tiles reach over the border."""
    height, width = image.shape
    image = jnp.pad(image, ((0, -height % TILE), (0, -width % TILE)), constant_values=fill)
    rows, columns = image.shape
    image = image.reshape(rows // TILE, TILE, columns // TILE, TILE)
    return image.swapaxes(1, 2).reshape(shape)


def _untile(tiles, height, width):
    rows, columns = -(-height // TILE), -(-width // TILE)
    image = tiles.reshape(rows, columns, TILE, TILE).swapaxes(1, 2)
    return image.reshape(rows * TILE, columns * TILE)[:height, :width]

"""GPU kernels in Pallas, lowered by Mosaic GPU (Hopper and newer); the same bodies run interpreted.

A block owns one tile of pixels and walks the faces whose box meets it. Which ones do is known from two
bit masks made in plain JAX, a bit per face and column of tiles, a bit per face and row of tiles: their
"and" is the tile's list, in the order of the faces, without sorting, capacity or overflow.

Kernels find the visible faces and fold the silhouette's product. Barycentrics, depth and all
gradients are plain JAX on these results, shared with the "xla" kernel.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl

from rasterizer.kernels import formulas, xla
from rasterizer.kernels.reference import interpolate, sample_texture  # noqa: F401  (already plain gathers)

TILE_ROWS, TILE_COLUMNS = 8, 16  # 128 pixels: one for each thread of a warpgroup
WORD = 32
INTERPRET = False
"""Whether the bodies run as plain JAX on any platform; for tests."""


def rasterize(vertices_clip, faces, height, width, cull_backfaces, perspective_correct):
    """-> face_id [b h w], barycentrics [b h w 3], depth [b h w]."""
    face_id = _visible(jax.lax.stop_gradient(vertices_clip), faces, height, width, cull_backfaces)
    fragments = jax.vmap(partial(formulas.fragments_of, perspective_correct=perspective_correct))
    return face_id, *fragments(vertices_clip, faces, face_id)


def silhouette(vertices_clip, faces, face_id, sigma_inverse, margin):
    """-> soft mask [b h w]."""
    xy, kept = jax.vmap(formulas.silhouette_corners)(vertices_clip, faces)
    return 1 - _keep(xy, kept, face_id >= 0, sigma_inverse, margin)


def _visible(clip, faces, height, width, cull_backfaces):
    corners, kept = jax.vmap(partial(formulas.screen_faces, cull_backfaces=cull_backfaces))(clip, faces)
    orientation = jnp.sign(formulas.double_area(corners))[..., None]
    # An edge holds where its function exceeds this: below zero, yet no denormal, if it is owned.
    thresholds = jnp.where(formulas.owned_edges(corners), -1.2e-38, 0.0)
    records = jnp.concatenate([corners.reshape(*kept.shape, 9), thresholds, orientation], axis=-1)
    low, high = formulas.ndc_box(corners)
    body = partial(_visibility_body, height=height, width=width)
    return _over_tiles(body, low, high, kept, records, height, width, jnp.int32)


def _visibility_body(face_list, records, item, x, y, *, height, width):
    """Lowest face id of the nearest covering face at pixels x, y; -1 where none."""
    x, y = (2 * x + 1 - width) / width, (height - 1 - 2 * y) / height

    def take(face, best):
        nearest, nearest_id = best
        value = [records[item, face, n] for n in range(13)]
        q = [(value[3 * k] - x * value[3 * k + 2], value[3 * k + 1] - y * value[3 * k + 2]) for k in range(3)]
        edges = [q[a][0] * q[b][1] - q[a][1] * q[b][0] for a, b in ((1, 2), (0, 2), (0, 1))]
        edges = [value[12] * edges[0], -value[12] * edges[1], value[12] * edges[2]]
        inside = (edges[0] > value[9]) & (edges[1] > value[10]) & (edges[2] > value[11])
        weighted = edges[0] * value[2] + edges[1] * value[5] + edges[2] * value[8]
        inverse_depth = (edges[0] + edges[1] + edges[2]) / jnp.where(inside, weighted, 1.0)
        closer = inside & (inverse_depth > nearest)
        return jnp.where(closer, inverse_depth, nearest), jnp.where(closer, face, nearest_id)

    start = jnp.zeros(x.shape, jnp.float32), jnp.full(x.shape, -1, jnp.int32)
    return face_list(take, start)[1]


@partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def _keep(xy, kept, covered, sigma_inverse, margin):
    """prod_j (1 - p_j) over the faces xy [b f 3 2] near each pixel; 0 where covered [b h w]."""
    height, width = covered.shape[1:]
    low, high = jnp.min(xy, axis=2) - margin, jnp.max(xy, axis=2) + margin
    records = jnp.concatenate([xy.reshape(*kept.shape, 6), low, high], axis=-1)
    body = partial(_keep_body, height=height, width=width, sigma_inverse=sigma_inverse)
    product = _over_tiles(body, low, high, kept, records, height, width, jnp.float32)
    return jnp.where(covered, 0.0, product)


def _keep_body(face_list, records, item, x, y, *, height, width, sigma_inverse):
    """The product over faces at pixels x, y."""
    x, y = (2 * x + 1 - width) / width, (height - 1 - 2 * y) / height

    def take(face, keep):
        value = [records[item, face, n] for n in range(10)]
        distance2 = None
        for a, b in ((0, 1), (1, 2), (2, 0)):
            along_x, along_y = value[2 * b] - value[2 * a], value[2 * b + 1] - value[2 * a + 1]
            offset_x, offset_y = x - value[2 * a], y - value[2 * a + 1]
            length2 = along_x * along_x + along_y * along_y
            inverse = 1 / jnp.where(length2 > 0, length2, 1.0)
            t = jnp.minimum(jnp.maximum((offset_x * along_x + offset_y * along_y) * inverse, 0.0), 1.0)
            rest_x, rest_y = offset_x - t * along_x, offset_y - t * along_y
            square = rest_x * rest_x + rest_y * rest_y
            distance2 = square if distance2 is None else jnp.minimum(distance2, square)
        near = (x >= value[6]) & (y >= value[7]) & (x <= value[8]) & (y <= value[9])
        return jnp.where(near, keep * (1 - jnp.exp(-sigma_inverse * distance2)), keep)

    return face_list(take, jnp.ones(x.shape, jnp.float32))


def _keep_forward(xy, kept, covered, sigma_inverse, margin):
    return _keep(xy, kept, covered, sigma_inverse, margin), (xy, kept, covered)


def _keep_backward(sigma_inverse, margin, saved, cotangent):
    def one(item):
        *saved, cotangent = item
        return xla.keep_backward(sigma_inverse, margin, tuple(saved), cotangent)[0]

    return jax.lax.map(one, (*saved, cotangent)), None, None


_keep.defvjp(_keep_forward, _keep_backward)


def _over_tiles(body, low, high, kept, records, height, width, dtype):
    """body(face_list, records, item, x, y) at every tile -> [b h w].

    low, high: boxes of the faces in NDC [b f 2]; records: what the body reads of them [b f n].
    face_list(take, start) folds take(face, carry) over the faces that meet the tile.
    """
    rows, columns = -(-height // TILE_ROWS), -(-width // TILE_COLUMNS)
    batch, num_words = kept.shape[0], -(-kept.shape[1] // WORD)
    x = (2 * jnp.arange(columns * TILE_COLUMNS) + 1 - width) / width
    y = (2 * jnp.arange(rows * TILE_ROWS) + 1 - height) / height
    meets_columns = _meeting(low[..., 0], high[..., 0], kept, x.reshape(columns, TILE_COLUMNS))
    meets_rows = _meeting(low[..., 1], high[..., 1], kept, -y.reshape(rows, TILE_ROWS))
    tile = (TILE_ROWS, TILE_COLUMNS)

    def block(item, row, column, by_column, by_row, records, out):
        def face_list(take, start):
            def word(n, carry):
                def step(state):
                    bits, carry = state
                    face = n * WORD + (WORD - 1) - jax.lax.clz(bits & -bits)
                    return bits & (bits - 1), take(face, carry)

                bits = by_column[item, column, n] & by_row[item, row, n]
                return jax.lax.while_loop(lambda state: state[0] != 0, step, (bits, carry))[1]

            return jax.lax.fori_loop(0, num_words, word, start)

        x = (column * TILE_COLUMNS + jax.lax.broadcasted_iota(jnp.int32, tile, 1)).astype(jnp.float32)
        y = (row * TILE_ROWS + jax.lax.broadcasted_iota(jnp.int32, tile, 0)).astype(jnp.float32)
        window = (item, pl.ds(row * TILE_ROWS, TILE_ROWS), pl.ds(column * TILE_COLUMNS, TILE_COLUMNS))
        out[window] = body(face_list, records, item, x, y)

    shape = jax.ShapeDtypeStruct((batch, rows * TILE_ROWS, columns * TILE_COLUMNS), dtype)
    run = _interpreted if INTERPRET else _mosaic
    image = run(block, (batch, rows, columns), shape)(meets_columns, meets_rows, records)
    return image[:, :height, :width]


def _meeting(low, high, kept, centres):
    """Bit masks [b tiles words]: faces [b f] whose range meets that of the centres [tiles n]."""
    first, last = jnp.min(centres, axis=1)[:, None], jnp.max(centres, axis=1)[:, None]
    meets = kept[:, None] & (high[:, None] >= first) & (low[:, None] <= last)
    meets = jnp.pad(meets, ((0, 0), (0, 0), (0, -meets.shape[2] % WORD)))
    bits = meets.reshape(*meets.shape[:2], -1, WORD).astype(jnp.uint32) << jnp.arange(WORD, dtype=jnp.uint32)
    return jax.lax.bitcast_convert_type(jnp.sum(bits, axis=-1, dtype=jnp.uint32), jnp.int32)


def _mosaic(block, grid, shape):
    from jax.experimental.pallas import mosaic_gpu as plgpu

    names = ("item", "row", "column")

    def kernel(*refs):
        block(*map(jax.lax.axis_index, names), *refs)

    semantics = plgpu.CompilerParams(lowering_semantics=plgpu.LoweringSemantics.Warpgroup)
    return plgpu.kernel(kernel, out_type=shape, grid=grid, grid_names=names, compiler_params=semantics)


def _interpreted(block, grid, shape):
    def kernel(*refs):
        block(*map(pl.program_id, range(3)), *refs)

    whole = pl.BlockSpec(memory_space=pl.ANY)
    return pl.pallas_call(
        kernel, out_shape=shape, grid=grid, in_specs=[whole] * 3, out_specs=whole, interpret=True
    )

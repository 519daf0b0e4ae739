"""How the Pallas bodies are run: one block per tile of pixels, or one block per face.

A block is a warpgroup, each thread of which holds one pixel of a tile. The same blocks are lowered by
Mosaic GPU or interpreted as plain JAX.
"""

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl

TILE = TILE_ROWS, TILE_COLUMNS = 8, 16  # 128 pixels: one for each thread of a warpgroup
WORD = 32
BLOCKS = 4096
"""Blocks that keep a GPU busy: with fewer faces, several blocks share the rows of a face's box."""


def for_each_tile(body, low, high, kept, records, height, width, dtype, interpret):
    """body(face_list, records, item, x, y) at every tile -> [b h w].

    low, high: boxes of the faces in NDC [b f 2]; kept [b f]; records: what the body reads of the faces
    [b f n]; x, y: the NDC of the tile's pixels. face_list(take, start) folds take(face, carry) over the
    faces whose box meets the tile.

    Which ones do is known from two bit masks, a bit per face and column of tiles, a bit per face and row
    of tiles: their "and" is the tile's list, in the order of the faces, without sorting, capacity or
    overflow. Words that are 0 are skipped by means of a second pair of masks, a bit per word.
    """
    rows, columns = tile_counts(height, width)
    by_row, by_column = (_bits(meets) for meets in _meeting(low, high, kept, height, width))
    masks = by_row, by_column, _bits(by_row != 0), _bits(by_column != 0)

    def block(item, row, column, by_row, by_column, words_by_row, words_by_column, records, out):
        def face_list(take, start):
            def faces_of_word(n, carry):
                return _walk_bits(by_row[item, row, n] & by_column[item, column, n], n * WORD, take, carry)

            def words_of_word(n, carry):
                bits = words_by_row[item, row, n] & words_by_column[item, column, n]
                return _walk_bits(bits, n * WORD, faces_of_word, carry)

            return jax.lax.fori_loop(0, masks[2].shape[-1], words_of_word, start)

        x, y = _centres(row, column, height, width)
        out[(item, *window(row, column))] = body(face_list, records, item, x, y)

    shape = (rows * TILE_ROWS, columns * TILE_COLUMNS)
    image = _launch(block, (rows, columns), shape, dtype, interpret, *masks, records)
    return image[:, :height, :width]


def for_each_face(body, size, boxes, operands, height, width, interpret):
    """Sums over the pixels of every face's box of tiles -> [b f size], float32.

    boxes: first row, end row, first column, end column, in tiles [b f 4]. operands: arrays [b ...] that
    the body reads; the images among them padded by `pad_to_tiles`.
    body(refs, item, face, row, column, x, y, sums) returns the tuple of `size` sums, one tile of partial
    sums each, with a tile's share added. Their order is fixed by the shapes: same input, same bits.
    """
    batch, num_faces = boxes.shape[:2]
    rows = tile_counts(height, width)[0]
    bands = max(1, min(rows, BLOCKS // (batch * num_faces)))  # of every row of tiles in turn, one band each

    def block(item, band, face, boxes, *refs):
        *refs, out = refs
        first_row, end_row, first_column, end_column = (boxes[item, face, n] for n in range(4))

        def along_row(n, sums):
            row = first_row + band + n * bands

            def at_tile(column, sums):
                x, y = _centres(row, column, height, width)
                return body(refs, item, face, row, column, x, y, sums)

            return jax.lax.fori_loop(first_column, end_column, at_tile, sums)

        own_rows = jax.lax.div(jnp.maximum(end_row - first_row - band + bands - 1, 0), bands)
        start = tuple(jnp.zeros(TILE, jnp.float32) for _ in range(size))
        for n, total in enumerate(jax.lax.fori_loop(0, own_rows, along_row, start)):
            out[item, band, face, n] = jnp.sum(total)

    shape = (bands, num_faces, size)
    sums = _launch(block, (bands, num_faces), shape, jnp.float32, interpret, boxes, *operands)
    return jnp.sum(sums, axis=1)


def tile_counts(height, width):
    """Rows and columns of tiles that hold an image."""
    return -(-height // TILE_ROWS), -(-width // TILE_COLUMNS)


def window(row, column):
    """The pixels of a tile in an image."""
    return pl.ds(row * TILE_ROWS, TILE_ROWS), pl.ds(column * TILE_COLUMNS, TILE_COLUMNS)


def pad_to_tiles(image, value=0):
    """[... h w] -> [... rows columns] of whole tiles."""
    height, width = image.shape[-2:]
    pads = [(0, 0)] * (image.ndim - 2) + [(0, -height % TILE_ROWS), (0, -width % TILE_COLUMNS)]
    return jnp.pad(image, pads, constant_values=value)


def boxes_in_tiles(low, high, kept, height, width):
    """`for_each_face`'s boxes [b f 4] of faces with boxes low, high in NDC [b f 2]; empty where not kept."""
    spans = []
    for meets in _meeting(low, high, kept, height, width):
        first = jnp.argmax(meets, axis=1)  # of tiles that follow one another
        spans += [first, first + jnp.sum(meets, axis=1)]
    return jnp.stack(spans, axis=-1).astype(jnp.int32)


def boxes_of_visible(face_id, num_faces):
    """`for_each_face`'s boxes [b f 4] around the pixels at which faces are visible, face_id [b h w]."""
    height, width = face_id.shape[1:]
    row = jnp.arange(height, dtype=jnp.int32)[:, None] // TILE_ROWS
    column = jnp.arange(width, dtype=jnp.int32) // TILE_COLUMNS

    def one(face_id):
        # Only the ends of runs along a row are looked at. Of integers, any order gives the same least.
        differs = face_id[:, 1:] != face_id[:, :-1]
        starts = jnp.pad(differs, ((0, 0), (1, 0)), constant_values=True) & (face_id >= 0)
        ends = jnp.pad(differs, ((0, 0), (0, 1)), constant_values=True) & (face_id >= 0)
        starts, ends = jnp.where(starts, face_id, num_faces), jnp.where(ends, face_id, num_faces)
        least, most = jnp.full(num_faces, max(height, width), jnp.int32), jnp.zeros(num_faces, jnp.int32)
        return jnp.stack(
            [
                least.at[starts].min(jnp.broadcast_to(row, starts.shape), mode="drop"),
                most.at[starts].max(jnp.broadcast_to(row + 1, starts.shape), mode="drop"),
                least.at[starts].min(jnp.broadcast_to(column, starts.shape), mode="drop"),
                most.at[ends].max(jnp.broadcast_to(column + 1, ends.shape), mode="drop"),
            ],
            axis=-1,
        )

    return jax.vmap(one)(face_id)


def _centres(row, column, height, width):
    """NDC of a tile's pixels; Mosaic GPU's division may miss them by two units in the last place."""
    x = (column * TILE_COLUMNS + jax.lax.broadcasted_iota(jnp.int32, TILE, 1)).astype(jnp.float32)
    y = (row * TILE_ROWS + jax.lax.broadcasted_iota(jnp.int32, TILE, 0)).astype(jnp.float32)
    return (2 * x + 1 - width) / width, (height - 1 - 2 * y) / height


def _meeting(low, high, kept, height, width):
    """Faces whose box meets the pixel centres of rows of tiles [b rows f], of columns [b columns f]."""
    rows, columns = tile_counts(height, width)
    x = (2 * jnp.arange(columns * TILE_COLUMNS) + 1 - width) / width
    y = (height - 1 - 2 * jnp.arange(rows * TILE_ROWS)) / height

    def meet(axis, centres):
        first, last = jnp.min(centres, axis=1)[:, None], jnp.max(centres, axis=1)[:, None]
        return kept[:, None] & (high[:, None, :, axis] >= first) & (low[:, None, :, axis] <= last)

    return meet(1, y.reshape(rows, TILE_ROWS)), meet(0, x.reshape(columns, TILE_COLUMNS))


def _bits(meets):
    """Bit masks [b tiles words] of booleans [b tiles f]."""
    meets = jnp.pad(meets, ((0, 0), (0, 0), (0, -meets.shape[2] % WORD)))
    bits = meets.reshape(*meets.shape[:2], -1, WORD).astype(jnp.uint32) << jnp.arange(WORD, dtype=jnp.uint32)
    return jax.lax.bitcast_convert_type(jnp.sum(bits, axis=-1, dtype=jnp.uint32), jnp.int32)


def _walk_bits(bits, first, take, carry):
    """Folds take(first + place, carry) over the places of the bits that are set, in ascending order."""

    def step(state):
        bits, carry = state
        place = (WORD - 1) - jax.lax.clz(bits & -bits)
        return bits & (bits - 1), take(first + place, carry)

    return jax.lax.while_loop(lambda state: state[0] != 0, step, (bits, carry))[1]


def _launch(block, grid, shape, dtype, interpret, *operands):
    """block(item, *grid position, *operand refs, out ref) for every item and position -> [b, *shape].

    Operands are arrays [b ...]; under vmap the new axis joins the batch.
    """

    @jax.custom_batching.custom_vmap
    def run(*operands):
        batch = operands[0].shape[0]
        out = jax.ShapeDtypeStruct((batch, *shape), dtype)
        launch = _interpreted if interpret else _mosaic
        return launch(block, (batch, *grid), out)(*operands)

    @run.def_vmap
    def fold(axis_size, batched, *operands):
        whole = [
            array if is_batched else jnp.broadcast_to(array, (axis_size, *array.shape))
            for array, is_batched in zip(operands, batched, strict=True)
        ]
        out = run(*(array.reshape(-1, *array.shape[2:]) for array in whole))
        return out.reshape(axis_size, -1, *shape), True

    return run(*operands)


def _mosaic(block, grid, out):
    from jax.experimental.pallas import mosaic_gpu as plgpu

    names = ("item", "second", "third")

    def kernel(*refs):
        block(*map(jax.lax.axis_index, names), *refs)

    semantics = plgpu.CompilerParams(lowering_semantics=plgpu.LoweringSemantics.Warpgroup)
    return plgpu.kernel(kernel, out_type=out, grid=grid, grid_names=names, compiler_params=semantics)


def _interpreted(block, grid, out):
    def kernel(*refs):
        block(*map(pl.program_id, range(3)), *refs)

    def run(*operands):
        whole = pl.BlockSpec(memory_space=pl.ANY)
        specs = {"in_specs": [whole] * len(operands), "out_specs": whole}
        return pl.pallas_call(kernel, out_shape=out, grid=grid, interpret=True, **specs)(*operands)

    return run

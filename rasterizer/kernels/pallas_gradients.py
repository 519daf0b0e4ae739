"""Gradients of the Pallas kernels: sums per face made by blocks, then per vertex in a fixed order.

No float is scattered where two may meet: same input, same bits.
"""

from functools import partial

import jax
import jax.numpy as jnp

from rasterizer.kernels import formulas, pallas_bodies, pallas_launch

CHANNELS = 4  # of attributes taken at once: three sums for each are held in registers


def of_fragments(clip, faces, face_id, grad_barycentrics, grad_depth, perspective_correct, interpret):
    """dL / dclip [b v 4] from the cotangents of `rasterize`.

    With P = [p_0 p_1 p_2] of a face's corners (x, y, w), u = P^-1 (px, py, 1) and du = -P^-1 dP u:
    perspective-correct, beta = u / sum u and dL/dP[c, i] = -sum_k (P^-1)[k, c] N[k, i] with
    N[k, i] = sum (g_k - beta.g - g_depth depth) beta_i over the face's pixels. Affine, beta_k = w_k u_k and
    N[k, i] = sum (w_k (g_k - beta.g) - g_depth depth^2) beta_i / w_i, plus sum (g_i - beta.g) beta_i / w_i
    on w_i.
    """
    corners = jax.vmap(formulas.face_corners)(clip, faces)
    corners = formulas.harmless(corners, formulas.drawable(corners, cull_backfaces=False))
    image = jnp.concatenate([jnp.moveaxis(grad_barycentrics, -1, 1), grad_depth[:, None]], axis=1)
    body = partial(pallas_bodies.fragment_moments, perspective_correct=perspective_correct)
    records = [corners.reshape(*faces.shape[:2], 9)]
    moments = _over_pixels_of(body, 12, face_id, faces.shape[1], records, [image], interpret)
    moments = moments.reshape(*faces.shape[:2], 4, 3)
    spread, of_depth = moments[..., :3, :], moments[..., 3:, :]
    w = corners[..., 2]
    if perspective_correct:
        gradient = _minus_inverse_times(corners, spread - of_depth)
    else:
        n = (w[..., None] * spread - of_depth) / w[..., None, :]
        on_w = jnp.diagonal(spread, axis1=-2, axis2=-1) / w
        gradient = _minus_inverse_times(corners, n) + on_w[..., None] * jnp.array([0.0, 0.0, 1.0])
    return _to_clip(gradient, faces, clip)


def of_mask(clip, faces, keep, cotangent, sigma_inverse, margin, interpret):
    """dL / dclip [b v 4] from the cotangent of `silhouette`; keep = prod (1 - p), 0 where covered."""
    height, width = keep.shape[1:]
    corners = jax.vmap(formulas.face_corners)(clip, faces)
    kept = formulas.measurable(corners)
    xy, to_corners = jax.vjp(lambda c: c[..., :2] / c[..., 2:], formulas.harmless(corners, kept))
    low, high = jnp.min(xy, axis=2) - margin, jnp.max(xy, axis=2) + margin
    records = jnp.concatenate([xy.reshape(*kept.shape, 6), low, high], axis=-1)
    weighted = pallas_launch.pad_to_tiles(jnp.where(keep > 0, cotangent * keep, 0.0))
    rows, columns = pallas_launch.tile_counts(height, width)
    tiles = weighted.reshape(-1, rows, pallas_launch.TILE_ROWS, columns, pallas_launch.TILE_COLUMNS)
    is_open = jnp.any(tiles != 0, axis=(2, 4)).astype(jnp.int32)
    sums = pallas_launch.for_each_face(
        partial(pallas_bodies.mask_gradient, sigma_inverse=sigma_inverse),
        6,
        pallas_launch.boxes_in_tiles(low, high, kept, height, width),
        [records, weighted, is_open],
        height,
        width,
        interpret,
    )
    (gradient,) = to_corners(sums.reshape(xy.shape))
    return _to_clip(gradient, faces, clip)


def of_interpolation(attributes, faces, face_id, barycentrics, cotangent, interpret):
    """Gradients of the attributes [b v c] and the barycentrics [b h w 3]."""
    beta = jnp.moveaxis(barycentrics, -1, 1)
    sums = []
    for first in range(0, attributes.shape[2], CHANNELS):
        image = jnp.moveaxis(cotangent[..., first : first + CHANNELS], -1, 1)
        size, num_faces = 3 * image.shape[1], faces.shape[1]
        group = _over_pixels_of(
            pallas_bodies.corner_sums, size, face_id, num_faces, [], [beta, image], interpret
        )
        sums.append(group.reshape(*faces.shape, -1))
    # As the forward pass reads them.
    known = jnp.clip(faces, 0, attributes.shape[1] - 1)
    grad_attributes = _sum_at_vertices(jnp.concatenate(sums, axis=-1), known, attributes.shape[1])

    def of_barycentrics(attributes, faces, face_id, cotangent):
        gathered = attributes[faces[jnp.maximum(face_id, 0)]]
        dots = jnp.sum(gathered * cotangent[..., None, :], axis=-1)
        return jnp.where((face_id >= 0)[..., None], dots, 0.0)

    return grad_attributes, jax.vmap(of_barycentrics)(attributes, known, face_id, cotangent)


def of_texture(texture, uv, cotangent, wrap_u, wrap_v):
    """Gradient of the texture [b th tw c] from that of its samples at uv [b h w 2]."""
    batch, height, width, channels = texture.shape
    finite = jnp.all(jnp.isfinite(uv), axis=-1)
    footprint = formulas.bilinear_footprint(
        jnp.where(finite[..., None], uv, 0), height, width, wrap_u, wrap_v
    )
    rows, columns, bottom, right = footprint
    texels, shares = [], []
    for row, along_v in zip(rows, (1 - bottom, bottom), strict=True):
        for column, along_u in zip(columns, (1 - right, right), strict=True):
            texels.append(row * width + column)
            shares.append((along_v * along_u)[..., None] * cotangent)
    # Left out, the background has no one texel all to itself.
    used = finite & jnp.any(cotangent != 0, axis=-1)
    texels = jnp.where(used[:, None], jnp.stack(texels, axis=1), -1)
    sums = ordered_sum(
        jnp.stack(shares, axis=1).reshape(batch, -1, channels), texels.reshape(batch, -1), height * width
    )
    return sums.reshape(texture.shape)


def ordered_sum(values, index, size):
    """Adds values [b n c] up where index [b n] says -> [b size c]; the same bits every time.

    XLA's scatter makes its sums in any order on a GPU. Here the values are sorted by index; then the sums
    of 1, 2, 4, ... values that follow one another in a stretch of one index are doubled until they span
    the longest stretch: pairwise sums in log2(longest) steps. Indices out of range are dropped.
    """
    place = jnp.arange(index.shape[1], dtype=jnp.int32)
    index = jnp.where((index >= 0) & (index < size), index, size)
    index, order = jax.lax.sort((index, jnp.broadcast_to(place, index.shape)), num_keys=1, is_stable=True)
    values = jax.vmap(lambda values, order: values[order])(values, order)

    def goes_on(step):
        return (index < size) & (index.at[:, place + step].get(mode="fill", fill_value=size) == index)

    def double(state):
        step, sums = state
        later = sums.at[:, place + step].get(mode="fill", fill_value=0)
        return 2 * step, sums + jnp.where(goes_on(step)[..., None], later, 0)

    _, sums = jax.lax.while_loop(lambda state: jnp.any(goes_on(state[0])), double, (jnp.int32(1), values))
    is_first = index != jnp.pad(index[:, :-1], ((0, 0), (1, 0)), constant_values=-1)
    target = jnp.where(is_first, index, size + place)  # beyond the end: dropped
    zeros = jnp.zeros((size, values.shape[2]), values.dtype)
    return jax.vmap(lambda t, s: zeros.at[t].set(s, mode="drop", unique_indices=True))(target, sums)


def _over_pixels_of(body, size, face_id, num_faces, records, images, interpret):
    """`for_each_face` over the pixels at which each face is visible; images [b ... h w]."""
    height, width = face_id.shape[1:]
    boxes = pallas_launch.boxes_of_visible(face_id, num_faces)
    padded = [pallas_launch.pad_to_tiles(face_id, -1), *map(pallas_launch.pad_to_tiles, images)]
    return pallas_launch.for_each_face(body, size, boxes, [*records, *padded], height, width, interpret)


def _minus_inverse_times(corners, moments):
    """-sum_k (P^-1)[k, c] N[k, i] as gradients of corners [b f i c], P[c, k] = corners [b f k c].

    P is inverted relative to corner 0's place on the screen, x' = x - x_0/w_0 w and likewise y, where
    small faces keep their precision.
    """
    w = corners[..., 2:]
    place = corners[..., :1, :2] / w[..., :1, :]
    relative = jnp.concatenate([corners[..., :2] - place * w, w], axis=-1)
    rows = jnp.cross(jnp.roll(relative, -1, axis=-2), jnp.roll(relative, -2, axis=-2))
    determinant = jnp.sum(relative[..., 0, :] * rows[..., 0, :], axis=-1)
    inverse = rows / jnp.where(determinant == 0, 1, determinant)[..., None, None]
    gradient = -jnp.einsum("bfkc,bfki->bfic", inverse, moments, precision="highest")
    on_w = gradient[..., 2:] - jnp.sum(gradient[..., :2] * place, axis=-1, keepdims=True)
    return jnp.concatenate([gradient[..., :2], on_w], axis=-1)


def _to_clip(gradient, faces, clip):
    """Gradients of corners (x, y, w) [b f 3 3] summed at the vertices [b v 4]."""
    x, y, w = jnp.moveaxis(_sum_at_vertices(gradient, faces, clip.shape[1]), -1, 0)
    return jnp.stack([x, y, jnp.zeros_like(w), w], axis=-1)


def _sum_at_vertices(corners, faces, num_vertices):
    """Sums corners [b f 3 c] at the vertices that faces [b f 3] name -> [b v c]."""
    batch = faces.shape[0]
    return ordered_sum(corners.reshape(batch, -1, corners.shape[-1]), faces.reshape(batch, -1), num_vertices)

"""Gradients of the Pallas kernels: sums per face made by blocks, then per vertex in a fixed order."""

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
    grad_attributes = sum_at_vertices(jnp.concatenate(sums, axis=-1), known, attributes.shape[1])

    def of_barycentrics(attributes, faces, face_id, cotangent):
        gathered = attributes[faces[jnp.maximum(face_id, 0)]]
        dots = jnp.sum(gathered * cotangent[..., None, :], axis=-1)
        return jnp.where((face_id >= 0)[..., None], dots, 0.0)

    return grad_attributes, jax.vmap(of_barycentrics)(attributes, known, face_id, cotangent)


def sum_at_vertices(values, faces, num_vertices):
    """Sums corners [b f 3 c] into the vertices that faces [b f 3] name -> [b v c], deterministically.

    The corners are sorted by vertex; then the sums of 1, 2, 4, ... corners that follow one another
    within a vertex's stretch are doubled until they span any stretch: log2(3 f) steps, whatever the
    valence, with pairwise sums. Corners at no vertex are dropped.
    """

    def one(values, faces):
        vertex, values = faces.reshape(-1), values.reshape(faces.size, -1)
        order = jnp.argsort(vertex, stable=True)
        vertex, values = vertex[order], values[order]
        place = jnp.arange(vertex.size, dtype=jnp.int32)

        def double(n, sums):
            other = place + (1 << n)
            same = vertex.at[other].get(mode="fill", fill_value=-1) == vertex
            return sums + jnp.where(same[:, None], sums.at[other].get(mode="fill", fill_value=0), 0)

        sums = jax.lax.fori_loop(0, (vertex.size - 1).bit_length(), double, values)
        is_first = (vertex != jnp.roll(vertex, 1)) | (place == 0)
        target = jnp.where(is_first & (vertex >= 0), vertex, num_vertices + place)
        zeros = jnp.zeros((num_vertices, values.shape[1]), values.dtype)
        return zeros.at[target].set(sums, mode="drop", unique_indices=True)

    return jax.vmap(one)(values, faces)


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
    x, y, w = jnp.moveaxis(sum_at_vertices(gradient, faces, clip.shape[1]), -1, 0)
    return jnp.stack([x, y, jnp.zeros_like(w), w], axis=-1)

"""The rasterizer's arithmetic in plain JAX, shared by the "reference" and "xla" kernels.

A corner (x, y, w) is a clip coordinate without z. At a pixel (px, py) let q = (x - px w, y - py w);
the edge function of corners a, b is cross(q_a, q_b). Written relative to the pixel it keeps its
precision on small faces far from the image's centre.
"""

import jax.numpy as jnp
import numpy as np

MIN_W = 1e-4
"""Faces with a corner whose w is below this are dropped (near plane by w, no clipping)."""
MAX_NDC = 1e6
"""Faces with a corner farther out than this many half-images are dropped (overflow guard)."""
MIN_DOUBLE_AREA = 1e-9
"""Faces whose doubled NDC area is at most this cover no pixel."""


def pixel_centres(height, width, dtype):
    """NDC of the pixel centres: x [w], y [h]; row 0 on top."""
    x = (2 * np.arange(width) + 1 - width) / width
    y = (height - 2 * np.arange(height) - 1) / height
    return x.astype(dtype), y.astype(dtype)


def face_corners(vertices_clip, faces):
    """One image's corners [f 3 3] as (x, y, w); indices out of range give NaN, so a dropped face."""
    xyw = vertices_clip[:, jnp.array([0, 1, 3])]
    return xyw.at[jnp.where(faces < 0, xyw.shape[0], faces)].get(mode="fill", fill_value=jnp.nan)


def in_view(corners):
    """Which faces [... f] have finite corners in front of the near plane and inside the guard."""
    xy, w = corners[..., :2], corners[..., 2:]
    in_front = jnp.all(w >= MIN_W, axis=(-2, -1)) & jnp.all(jnp.isfinite(corners), axis=(-2, -1))
    return in_front & jnp.all(jnp.abs(xy) <= MAX_NDC * w, axis=(-2, -1))


def drawable(corners, cull_backfaces):
    """Which faces can cover pixels: in view, not of zero area, and facing us if asked for."""
    area = double_area(corners)
    return in_view(corners) & ((area if cull_backfaces else jnp.abs(area)) > MIN_DOUBLE_AREA)


def measurable(corners):
    """Which faces count in the silhouette: in view and more than a point.

    Edge-on faces do count (their boundary is a segment), so that the mask changes continuously as a
    face turns; points do not, so that faces such as (0, 0, 0) can pad a list.
    """
    xy = corners[..., :2] / jnp.where(corners[..., 2:] == 0, 1, corners[..., 2:])
    return in_view(corners) & jnp.any(xy != xy[..., :1, :], axis=(-2, -1))


def double_area(corners):
    """Twice the signed NDC area; positive when counter-clockwise on the screen (y up)."""
    xy = corners[..., :2] / jnp.where(corners[..., 2:] == 0, 1, corners[..., 2:])
    first, second = xy[..., 1, :] - xy[..., 0, :], xy[..., 2, :] - xy[..., 0, :]
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


def harmless(corners, keep):
    """Corners with the faces outside `keep` replaced by a plain triangle: safe arithmetic, no NaN."""
    plain = jnp.array([[0, 0, 1], [1, 0, 1], [0, 1, 1]], corners.dtype)
    return jnp.where(keep[..., None, None], corners, plain)


def ndc_box(corners):
    """Lower and upper NDC corner [... 2] of each face's box."""
    xy = corners[..., :2] / corners[..., 2:]
    return jnp.min(xy, axis=-2), jnp.max(xy, axis=-2)


def sort_corners(corners):
    """Corners of each face in a canonical order (by x, y, w).

    Two faces then evaluate a shared edge by the very same operations, so no pixel falls between
    them, and faces with the same three corners in any order tie exactly in depth.
    """
    order = jnp.lexsort((corners[..., 2], corners[..., 1], corners[..., 0]), axis=-1)
    return jnp.take_along_axis(corners, order[..., None], axis=-2)


def edge_functions(corners, x, y):
    """Edge functions opposite to corners 0, 1, 2; corners [... 3 3], x and y broadcast to [...]."""
    qx = corners[..., 0] - x[..., None] * corners[..., 2]
    qy = corners[..., 1] - y[..., None] * corners[..., 2]

    def cross(a, b):
        return qx[..., a] * qy[..., b] - qy[..., a] * qx[..., b]

    return cross(1, 2), -cross(0, 2), cross(0, 1)


def owned_edges(sorted_corners):
    """Whether faces own the pixels on their edges opposite to corners 0, 1, 2: the top-left rule [... 3]."""
    orientation = jnp.sign(double_area(sorted_corners))
    owned = []
    for (a, b), sign in zip(((1, 2), (0, 2), (0, 1)), (1, -1, 1), strict=True):
        xa, ya, wa = jnp.moveaxis(sorted_corners[..., a, :], -1, 0)
        xb, yb, wb = jnp.moveaxis(sorted_corners[..., b, :], -1, 0)
        slope_x = orientation * sign * (ya * wb - wa * yb)
        slope_y = orientation * sign * (wa * xb - xa * wb)
        owned.append((slope_x > 0) | ((slope_x == 0) & (slope_y < 0)))
    return jnp.stack(owned, axis=-1)


def coverage(sorted_corners, x, y):
    """Whether faces cover pixels under the top-left rule, and 1 / depth there.

    sorted_corners [... 3 3] from `sort_corners`, x and y broadcast to [...].
    """
    orientation = jnp.sign(double_area(sorted_corners))
    edges = edge_functions(sorted_corners, x, y)
    owned = owned_edges(sorted_corners)
    inside = True
    for k, edge in enumerate(edges):
        value = orientation * edge
        inside = inside & ((value > 0) | ((value == 0) & owned[..., k]))
    total = edges[0] + edges[1] + edges[2]
    weighted = sum(edge * sorted_corners[..., k, 2] for k, edge in enumerate(edges))
    inverse_depth = total / jnp.where(weighted == 0, 1, weighted)
    return inside, inverse_depth


def screen_faces(vertices_clip, faces, cull_backfaces):
    """One image's sorted corners [f 3 3] for `coverage`, and which faces are drawn [f]."""
    corners = face_corners(vertices_clip, faces)
    kept = drawable(corners, cull_backfaces)
    return sort_corners(harmless(corners, kept)), kept


def silhouette_corners(vertices_clip, faces):
    """One image's NDC corners [f 3 2], and which faces count in the silhouette [f]."""
    corners = face_corners(vertices_clip, faces)
    kept = measurable(corners)
    corners = harmless(corners, kept)
    return corners[..., :2] / corners[..., 2:], kept


def barycentrics_and_depth(corners, x, y, perspective_correct):
    """Barycentrics [... 3] and depth [...] of pixels in the planes of faces [... 3 3].

    Perspective-correct: beta_k = E_k / sum E. Affine on the screen: E_k w_k / sum E w.
    The depth, sum E w / sum E, is the true one either way.
    """
    edges = jnp.stack(edge_functions(corners, x, y), axis=-1)
    weighted = edges * corners[..., 2]
    total, total_weighted = jnp.sum(edges, -1), jnp.sum(weighted, -1)
    total = jnp.where(total == 0, 1, total)
    total_weighted = jnp.where(total_weighted == 0, 1, total_weighted)
    depth = total_weighted / total
    if perspective_correct:
        return edges / total[..., None], depth
    return weighted / total_weighted[..., None], depth


def fragments_of(vertices_clip, faces, face_id, perspective_correct):
    """One image's barycentrics and depth at known visible faces; differentiable, 0 where empty."""
    height, width = face_id.shape
    covered = face_id >= 0
    corners = face_corners(vertices_clip, faces)[jnp.maximum(face_id, 0)]
    corners = harmless(corners, covered)
    x, y = pixel_centres(height, width, corners.dtype)
    x, y = jnp.broadcast_arrays(x[None, :], y[:, None])
    barycentrics, depth = barycentrics_and_depth(corners, x, y, perspective_correct)
    return jnp.where(covered[..., None], barycentrics, 0), jnp.where(covered, depth, 0)


def boundary_distance_squared(xy, x, y):
    """Squared distance [...] from (x, y) to the boundary of triangles xy [... 3 2] in NDC."""
    distances = []
    for a, b in ((0, 1), (1, 2), (2, 0)):
        # By components: sums over an axis of length 2 keep XLA from vectorising.
        along_x, along_y = xy[..., b, 0] - xy[..., a, 0], xy[..., b, 1] - xy[..., a, 1]
        offset_x, offset_y = x - xy[..., a, 0], y - xy[..., a, 1]
        length2 = along_x * along_x + along_y * along_y
        inverse = 1 / jnp.where(length2 > 0, length2, 1)
        t = jnp.clip((offset_x * along_x + offset_y * along_y) * inverse, 0, 1)
        rest_x, rest_y = offset_x - t * along_x, offset_y - t * along_y
        distances.append(rest_x * rest_x + rest_y * rest_y)
    return jnp.minimum(jnp.minimum(distances[0], distances[1]), distances[2])


def interpolate(attributes, faces, face_id, barycentrics):
    """sum_k beta_k a_k for one image; attributes [v c] -> [h w c].

    0 where empty, and where an index is out of range.
    """
    strictly = {"mode": "fill", "fill_value": 0, "wrap_negative_indices": False}
    usable = jnp.all((faces >= 0) & (faces < attributes.shape[0]), axis=-1)
    # First by face, which is little, then by pixel: one gather of few long rows instead of many short ones.
    corners = jnp.where(usable[:, None, None], attributes.at[faces].get(**strictly), 0)
    return jnp.sum(barycentrics[..., None] * corners.at[face_id].get(**strictly), axis=-2)


def sample_bilinear(texture, uv, wrap_u, wrap_v):
    """Bilinear samples of one texture [th tw c] at uv [h w 2]; wrap_*: "repeat", "clamp" or "mirror".

    NaN, without a gradient, where uv is not finite.
    """
    finite = jnp.all(jnp.isfinite(uv), axis=-1, keepdims=True)
    safe = jnp.where(finite, uv, jnp.zeros_like(uv))
    footprint = bilinear_footprint(safe, *texture.shape[:2], wrap_u, wrap_v)
    rows, columns, bottom_weight, right_weight = footprint
    bottom_weight, right_weight = bottom_weight[..., None], right_weight[..., None]

    def mix(r):
        left_texel, right_texel = texture[rows[r], columns[0]], texture[rows[r], columns[1]]
        return left_texel * (1 - right_weight) + right_texel * right_weight

    return jnp.where(finite, mix(0) * (1 - bottom_weight) + mix(1) * bottom_weight, jnp.nan)


def bilinear_footprint(uv, height, width, wrap_u, wrap_v):
    """The two rows and the two columns of texels around uv [... 2], and the shares of the second of each."""
    column = _within_period(uv[..., 0], wrap_u) * width - 0.5
    row = (1 - _within_period(uv[..., 1], wrap_v)) * height - 0.5
    left, top = jnp.floor(column), jnp.floor(row)
    columns = [_texel(left + k, width, wrap_u) for k in (0, 1)]
    rows = [_texel(top + k, height, wrap_v) for k in (0, 1)]
    return rows, columns, row - top, column - left


def _within_period(coordinate, wrap):
    """The coordinate within one period of the wrapped texture, or within the texture, where clamping finds
    the same texels: far out its product with a size would overflow, and its whole part exceed an integer."""
    if wrap == "clamp":
        return jnp.clip(coordinate, 0, 1)
    period = 2 if wrap == "mirror" else 1
    return coordinate - period * jnp.floor(coordinate / period)


def _texel(index, size, wrap):
    if wrap == "repeat":
        return jnp.mod(index, size).astype(jnp.int32)
    if wrap == "mirror":
        index = jnp.mod(index, 2 * size)
        return jnp.minimum(index, 2 * size - 1 - index).astype(jnp.int32)
    return jnp.clip(index, 0, size - 1).astype(jnp.int32)

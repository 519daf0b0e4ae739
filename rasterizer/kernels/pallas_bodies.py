"""What the blocks of the Pallas kernels compute; see `pallas_launch` for who calls them.

Everything is a scalar read from a face's record or an array over one tile of pixels.
"""

import jax
import jax.numpy as jnp

from rasterizer.kernels.pallas_launch import window


def nearest_face(face_list, records, item, x, y):
    """Lowest face id of the nearest covering face at pixels x, y; -1 where none.

    records: sorted corners (x, y, w), a threshold for each edge function, orientation.
    """

    def take(face, best):
        nearest, nearest_id = best
        value = [records[item, face, n] for n in range(13)]
        edges = _edge_functions(value, x, y, value[12])
        inside = (edges[0] > value[9]) & (edges[1] > value[10]) & (edges[2] > value[11])
        weighted = edges[0] * value[2] + edges[1] * value[5] + edges[2] * value[8]
        inverse_depth = (edges[0] + edges[1] + edges[2]) / jnp.where(inside, weighted, 1.0)
        closer = inside & (inverse_depth > nearest)
        return jnp.where(closer, inverse_depth, nearest), jnp.where(closer, face, nearest_id)

    start = jnp.zeros(x.shape, jnp.float32), jnp.full(x.shape, -1, jnp.int32)
    return face_list(take, start)[1]


def product_of_misses(face_list, records, item, x, y, *, sigma_inverse):
    """prod_j (1 - p_j) over the faces near pixels x, y.

    records: NDC corners, lower and upper corner of the grown box.
    """

    def take(face, keep):
        value = [records[item, face, n] for n in range(10)]
        _, miss = _hit_and_miss(sigma_inverse * _nearest_boundary(value, x, y)[0])
        return jnp.where(_in_box(value, x, y), keep * miss, keep)

    return face_list(take, jnp.ones(x.shape, jnp.float32))


def mask_gradient(refs, item, face, row, column, x, y, sums, *, sigma_inverse):
    """Adds a tile's share of dL / d(NDC corners) of one face: x0, y0, x1, y1, x2, y2.

    refs: records as of `product_of_misses`; the cotangent of the mask times keep, keep being the
    product of all misses; whether a tile of that image has anything but zeros.

    The product of the other faces' misses is keep / miss. `_hit_and_miss` is good to a few roundings of
    miss itself, so the quotient is good to as many roundings as there are faces, and miss is 0 only
    where d^2 is, whose derivative is 0 as well.
    """
    records, weighted_keep, is_open = refs

    def add(sums):
        value = [records[item, face, n] for n in range(10)]
        distance2, nearest = _nearest_boundary(value, x, y)
        hit, miss = _hit_and_miss(sigma_inverse * distance2)
        counts = _in_box(value, x, y) & (miss > 0)
        others = weighted_keep[(item, *window(row, column))] / jnp.where(counts, miss, 1.0)
        # mask = 1 - keep; d miss / d d^2 = sigma_inverse hit; d d^2 / d a = -2 (1 - t) rest.
        slope = jnp.where(counts, 2 * sigma_inverse * others * hit, 0.0)
        sums = list(sums)
        for k, (chosen, t, rest_x, rest_y) in enumerate(nearest):
            own = jnp.where(chosen, slope, 0.0)
            for corner, share in ((k, own - own * t), ((k + 1) % 3, own * t)):
                sums[2 * corner] += share * rest_x
                sums[2 * corner + 1] += share * rest_y
        return tuple(sums)

    return jax.lax.cond(is_open[item, row, column] != 0, add, lambda sums: sums, sums)


def fragment_moments(refs, item, face, row, column, x, y, sums, *, perspective_correct):
    """Adds a tile's share of the moments of one face over the pixels at which it is visible.

    Nine A[k, i] = sum (g_k - beta.g) beta_i, then three B[i] = sum g_depth depth^n beta_i, with g the
    cotangent of beta; n is 1 in perspective-correct mode, 2 in affine mode.
    refs: corners (x, y, w); face_id; cotangents of the three beta and the depth, [b 4 h w].
    """
    corners, face_id, cotangents = refs
    value = [corners[item, face, n] for n in range(9)]
    edges = _edge_functions(value, x, y, 1.0)
    weighted = [edge * value[3 * k + 2] for k, edge in enumerate(edges)]
    total, total_weighted = sum(edges), sum(weighted)
    own = face_id[(item, *window(row, column))] == face
    own &= (total != 0) & (total_weighted != 0)
    total, total_weighted = jnp.where(own, total, 1.0), jnp.where(own, total_weighted, 1.0)
    depth = jnp.where(own, total_weighted / total, 0.0)
    parts, whole = (edges, total) if perspective_correct else (weighted, total_weighted)
    beta = [jnp.where(own, part / whole, 0.0) for part in parts]
    g = [jnp.where(own, cotangents[(item, n, *window(row, column))], 0.0) for n in range(4)]
    mean = sum(b * g_k for b, g_k in zip(beta, g, strict=False))
    of_depth = g[3] * (depth if perspective_correct else depth * depth)
    left = [g_k - mean for g_k in g[:3]] + [of_depth]
    return tuple(total + left[n // 3] * beta[n % 3] for n, total in enumerate(sums))


def corner_sums(refs, item, face, row, column, x, y, sums):
    """Adds a tile's share of sum beta_k g_c over the pixels of one face, for k in 0..2 and every channel.

    refs: face_id; barycentrics [b 3 h w]; the cotangent g [b c h w].
    """
    face_id, barycentrics, cotangent = refs
    here = window(row, column)
    own = face_id[(item, *here)] == face
    beta = [jnp.where(own, barycentrics[(item, k, *here)], 0.0) for k in range(3)]
    channels = len(sums) // 3
    g = [jnp.where(own, cotangent[(item, c, *here)], 0.0) for c in range(channels)]
    return tuple(total + beta[n // channels] * g[n % channels] for n, total in enumerate(sums))


def _edge_functions(value, x, y, orientation):
    """As `formulas.edge_functions` times `orientation`, of corners (x, y, w) read into `value`.

    Of sorted corners every edge is taken from its lower to its upper one, the sign changed afterwards: a
    GPU rounds only one of the two products of a cross product, and so both faces at an edge round the
    same one. No pixel falls between them.
    """
    q = [(value[3 * k] - x * value[3 * k + 2], value[3 * k + 1] - y * value[3 * k + 2]) for k in range(3)]

    def cross(a, b):
        return q[a][0] * q[b][1] - q[a][1] * q[b][0]

    return orientation * cross(1, 2), -orientation * cross(0, 2), orientation * cross(0, 1)


def _hit_and_miss(exponent):
    """exp(-e) and 1 - exp(-e), the latter to a few roundings of itself however small."""
    hit = jnp.exp(-exponent)
    return hit, jnp.tanh(0.5 * exponent) * (1 + hit)


def _in_box(value, x, y):
    """Whether pixels are in the grown box of a silhouette record."""
    return (x >= value[6]) & (y >= value[7]) & (x <= value[8]) & (y <= value[9])


def _nearest_boundary(value, x, y):
    """d^2 to the boundary of the NDC triangle in `value`, and for each of its edges a -> b: whether it is
    the nearest, where on it the nearest point is (0 at a, 1 at b), and the way from there to the pixel.
    """
    found = []
    for a, b in ((0, 1), (1, 2), (2, 0)):
        along_x, along_y = value[2 * b] - value[2 * a], value[2 * b + 1] - value[2 * a + 1]
        offset_x, offset_y = x - value[2 * a], y - value[2 * a + 1]
        length2 = along_x * along_x + along_y * along_y
        inverse = 1 / jnp.where(length2 > 0, length2, 1.0)
        t = jnp.minimum(jnp.maximum((offset_x * along_x + offset_y * along_y) * inverse, 0.0), 1.0)
        rest_x, rest_y = offset_x - t * along_x, offset_y - t * along_y
        found.append((rest_x * rest_x + rest_y * rest_y, t, rest_x, rest_y))
    one, two, three = (square for square, *_ in found)
    chosen = ((one <= two) & (one <= three), (two < one) & (two <= three), (three < one) & (three < two))
    least = jnp.minimum(jnp.minimum(one, two), three)
    return least, [(is_nearest, *rest) for is_nearest, (_, *rest) in zip(chosen, found, strict=True)]

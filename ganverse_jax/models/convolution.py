"""Convolutions whose derivatives of every order stay fast on XLA:CPU.

Each linear map y = A(x; w) comes with its two adjoints (with respect to x and to w), and the
three are closed under differentiation: the derivative of any of them is written with the other
two. So gradient penalties, which differentiate through gradients, meet the same few kernels.
XLA:CPU's own rules for the weight gradients are its weak spot (several times slower than the forward
pass on large planes); a few matmuls over shifted views, block of images by block, are not.

Arrays are NHWC, weights are [kernel_h, kernel_w, channels_in, channels_out].
"""

import math
from functools import partial

import jax
import jax.numpy as jnp

_LAYOUT = ("NHWC", "HWIO", "NHWC")
# From this many pixels x channels on matmuls beat XLA:CPU's weight gradient, measured on 2 cores.
_LARGE = 2**15
# Pixels per matmul: what is gathered for one should stay in the caches.
_BLOCK = 2**14
# An image larger than this is cut into bands of rows of no more pixels: the same reason, one image at a time.
_BAND = 2**12


def convolve_pointwise(x, weight):
    """Multiply every pixel of `x` [b h w i] by `weight` [i o]: [b h w o].

    Over flattened pixels: for the weight gradient of the plain product XLA:CPU transposes the images first.
    """
    return (x.reshape(-1, x.shape[-1]) @ weight).reshape(*x.shape[:-1], weight.shape[-1])


def _with_adjoints(adjoints):
    """Of a linear map of two arrays: `adjoints(x, y, cotangent)` gives its two derivatives, by such maps."""

    def differentiable(product):
        product = jax.custom_vjp(product)
        product.defvjp(lambda x, y: (product(x, y), (x, y)), lambda saved, z: adjoints(*saved, z))
        return product

    return differentiable


@_with_adjoints(lambda x, weight, y: (convolve(y, _mirror(weight)), _convolve_weight(x, y)))
def convolve(x, weight):
    """Correlate `x` [b h w i] with `weight` [3 3 i o] under zero padding: [b h w o]."""
    return jax.lax.conv_general_dilated(x, weight, (1, 1), "SAME", dimension_numbers=_LAYOUT)


def _mirror(weight):
    return jnp.flip(weight, (0, 1)).swapaxes(2, 3)


def _shifted_matmuls(x, cotangent, stride):
    """Weight gradient [3 3 i o], one matmul a tap: sum over pixels of x shifted by the tap x cotangent."""
    batch, height, width, channels = cotangent.shape
    columns = cotangent.reshape(-1, channels)

    def tap(row, column):
        view = x[:, row : row + stride * height : stride, column : column + stride * width : stride]
        return view.reshape(-1, x.shape[-1]).T @ columns

    taps = [tap(row, column) for row in range(3) for column in range(3)]
    return jnp.stack(taps).reshape(3, 3, x.shape[-1], channels)


def _outer_matmul(x, cotangent):
    """Weight gradient [3 3 i o] of stride 1, one matmul: x shifted along its rows, the cotangent across."""
    width = cotangent.shape[2]
    columns = jnp.concatenate([x[:, :, c : c + width] for c in range(3)], axis=-1)
    rows = [jnp.pad(cotangent, ((0, 0), (r, 2 - r), (0, 0), (0, 0))) for r in range(3)]
    rows = jnp.concatenate(rows, axis=-1)
    products = columns.reshape(-1, columns.shape[-1]).T @ rows.reshape(-1, rows.shape[-1])
    return products.reshape(3, x.shape[-1], 3, cotangent.shape[-1]).transpose(2, 0, 1, 3)


def _weight_by_matmul(x, cotangent, stride):
    """Sum of the blocks' weight gradients, in order."""
    batch, height, width, channels = cotangent.shape
    if height * width > _BAND:
        return _weight_by_bands(x, cotangent, stride)
    size = math.gcd(batch, max(1, _BLOCK // (height * width)))
    blocks = [array.reshape(batch // size, size, *array.shape[1:]) for array in (x, cotangent)]

    def add(total, block):
        part = _outer_matmul(*block) if stride == 1 else _shifted_matmuls(*block, stride)
        return total + part, None

    zeros = jnp.zeros_like(x, shape=(3, 3, x.shape[-1], channels))
    return jax.lax.scan(add, zeros, blocks)[0]


def _weight_by_bands(x, cotangent, stride):
    """Sum of the weight gradients of bands of rows, image by image, in order."""
    batch, height, width, channels = cotangent.shape
    rows = max(n for n in range(1, height + 1) if height % n == 0 and n * width <= max(_BAND, width))
    bands, overlap = height // rows, x.shape[1] - stride * height

    def add(total, index):
        image, band = index // bands, index % bands
        tall = (1, stride * rows + overlap, *x.shape[2:])
        above = jax.lax.dynamic_slice(x, (image, stride * rows * band, 0, 0), tall)
        below = jax.lax.dynamic_slice(cotangent, (image, rows * band, 0, 0), (1, rows, width, channels))
        part = _outer_matmul(above, below) if stride == 1 else _shifted_matmuls(above, below, stride)
        return total + part, None

    # Many small sums: in half precision they would lose what they add up.
    dtype = jnp.promote_types(x.dtype, jnp.float32)
    zeros = jnp.zeros_like(x, shape=(3, 3, x.shape[-1], channels), dtype=dtype)
    return jax.lax.scan(add, zeros, jnp.arange(batch * bands))[0].astype(x.dtype)


def _weight_by_xla(x, cotangent, stride):
    zeros = jnp.zeros((3, 3, x.shape[-1], cotangent.shape[-1]), x.dtype)

    def forward(weight):
        return jax.lax.conv_general_dilated(x, weight, (stride, stride), "VALID", dimension_numbers=_LAYOUT)

    return jax.linear_transpose(forward, zeros)(cotangent)[0]


def _weight_gradient(x, cotangent, stride):
    """[3 3 i o] of x [b stride*h+2.. stride*w+2.. i] and the cotangent [b h w o] of its valid correlation."""
    by_xla, by_matmul = (partial(rule, stride=stride) for rule in (_weight_by_xla, _weight_by_matmul))
    large = _is_large(*cotangent.shape[1:3], x.shape[-1], cotangent.shape[-1])
    return jax.lax.platform_dependent(x, cotangent, cpu=by_matmul if large else by_xla, default=by_xla)


def _is_large(height, width, inputs, outputs):
    return height * width * min(inputs, outputs) >= _LARGE


@_with_adjoints(lambda x, y, weight: (convolve(y, _mirror(weight)), convolve(x, weight)))
def _convolve_weight(x, cotangent):
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return _weight_gradient(padded, cotangent, 1)


@_with_adjoints(lambda x, weight, y: (convolve_up(y, weight.swapaxes(2, 3)), _strided_weight(x, y)))
def convolve_down(x, weight):
    """Correlate with stride 2 and no padding: [b 2n+1 2m+1 i] with [3 3 i o] to [b n m o]."""
    if x.shape[1] % 2 == 0 or x.shape[2] % 2 == 0:
        raise ValueError(f"height and width {x.shape[1:3]} must be odd; blur with padding 2 first")
    return jax.lax.conv_general_dilated(x, weight, (2, 2), "VALID", dimension_numbers=_LAYOUT)


@_with_adjoints(
    lambda x, weight, y: (
        convolve_down(y, weight.swapaxes(2, 3)),
        _strided_weight(y, x).swapaxes(2, 3),
    )
)
def convolve_up(x, weight):
    """Transposed convolution of stride 2: y[2i + k] += x[i] weight[k], [b n m i] to [b 2n+1 2m+1 o].

    It is a true convolution of the zero-stuffed image, as StyleGAN2's up layers are
    (correlation needs the weight flipped in both spatial axes first).
    """
    return jax.lax.conv_general_dilated(
        x, jnp.flip(weight, (0, 1)), (1, 1), ((2, 2), (2, 2)), lhs_dilation=(2, 2), dimension_numbers=_LAYOUT
    )


@_with_adjoints(lambda x, y, weight: (convolve_up(y, weight.swapaxes(2, 3)), convolve_down(x, weight)))
def _strided_weight(large, small):
    return _weight_gradient(large, small, 2)


_PLAIN = {"lhs_dilation": (1, 1), "rhs_dilation": (1, 1), "feature_group_count": 1, "precision": None}


def conv_general_dilated(x, weight, strides, padding, **options):
    """`jax.lax.conv_general_dilated` as `nn.Conv` calls it, with this module's weight gradients.

    They serve plain "SAME" convolutions of large planes, 3x3 or 1x1; whatever else is lax's own.
    """
    stride = strides[0]
    height, width = x.shape[1] // stride, x.shape[2] // stride
    is_even = tuple(strides) in ((1, 1), (2, 2)) and x.shape[1:3] == (stride * height, stride * width)
    is_plain = padding == "SAME" and _PLAIN.items() <= options.items()
    if is_plain and is_even and _is_large(height, width, *weight.shape[2:]):
        if weight.shape[:2] == (3, 3):
            return _convolve_same(x, weight, stride)
        if weight.shape[:2] == (1, 1):
            return convolve_pointwise(x[:, ::stride, ::stride], weight[0, 0])
    return jax.lax.conv_general_dilated(x, weight, strides, padding, **options)


def _same(x, weight, stride):
    return jax.lax.conv_general_dilated(x, weight, (stride, stride), "SAME", dimension_numbers=_LAYOUT)


_convolve_same = jax.custom_vjp(_same, nondiff_argnums=(2,))


def _same_forward(x, weight, stride):
    return _same(x, weight, stride), (x, weight)


def _same_backward(stride, saved, cotangent):
    x, weight = saved
    (plane,) = jax.linear_transpose(lambda x: _same(x, weight, stride), x)(cotangent)
    first = 2 - stride  # of an even plane, stride 2 pads behind only
    padded = jnp.pad(x, ((0, 0), (first, 1), (first, 1), (0, 0)))
    return plane, _weight_gradient(padded, cotangent, stride)


_convolve_same.defvjp(_same_forward, _same_backward)

"""Random transforms of the images a discriminator sees (Karras et al. 2020, arXiv:2006.06676, Appendix B).

The paper's pipeline "bgc": pixel blitting, general geometric and colour transforms, each applied with
probability p. They do not leak into the generator while p stays below about 0.8, since the transformed
distribution then still determines that of the images. Differentiable to any order in the images; each
example draws from its own key.

Two things differ from the paper. The low-pass filter around the geometric resampling is Lanczos' instead of
the wavelet sym6. And an example that drew no general geometric transform skips the resampling, so that
blitting moves pixels as they are.

On a GPU the gradient adds up in no fixed order, so runs agree to the bit only with the XLA flag
--xla_gpu_deterministic_ops=true.
"""

import jax
import jax.numpy as jnp
import numpy as np

# How each transform's numbers are spread: "choice" of 0 .. n - 1, "uniform" within +-n, "normal" of deviation
# n. Lengths are fractions of the image's side, scales are log2, colours are those of images in [-1, 1].
_SPREADS = {
    "flip": ("choice", 2),
    "quarter_turns": ("choice", 4),
    "shift": ("uniform", 1 / 8),
    "scale": ("normal", 0.2),
    "rotate_before": ("uniform", np.pi),
    "stretch": ("normal", 0.2),
    "rotate_after": ("uniform", np.pi),
    "move": ("normal", 1 / 8),
    "brightness": ("normal", 0.2),
    "contrast": ("normal", 0.5),
    "luma_flip": ("choice", 2),
    "hue": ("uniform", np.pi),
    "saturation": ("normal", 1.0),
}
_LOBES = 3  # of the Lanczos filter: it reaches so many pixels to either side
_MARGIN = 2 * _LOBES - 1  # samples at half a pixel that the downsampling reads beyond each border


def augment(images: jax.Array, probability: jax.Array | float, *, keys: jax.Array) -> jax.Array:
    """Square images [b n n 3] in ~[-1, 1], each transformed at random by its own key of ``keys`` [b].

    ``probability`` p in [0, 1] is that of each transform; 0 gives the images back, to the bit. Beyond the
    borders the image is mirrored. Computes in float32 at full precision, returns the dtype of ``images``.
    """

    def one(image, key):
        draws = draw(key, probability)
        return recolour(transform(image, draws), draws)

    with jax.default_matmul_precision("highest"):  # a GPU's default would round positions to 10 bits
        return jax.vmap(one)(images.astype(jnp.float32), keys).astype(images.dtype)


def draw(key: jax.Array, probability: jax.Array | float) -> dict[str, jax.Array]:
    """The two numbers [2] of each transform for one example; zeros, with probability 1 - p, leave it out."""
    kinds = np.array([[kind] for kind, _ in _SPREADS.values()])
    sizes = np.array([[size] for _, size in _SPREADS.values()], np.float32)
    # Either rotation happens with probability p.
    rotation = 1 - jnp.sqrt(1 - jnp.asarray(probability, jnp.float32))
    chances = jnp.stack([rotation if name.startswith("rotate") else probability for name in _SPREADS])
    # All in one array, which compiles fast; away from 0, whose normal number is infinite.
    drawn = jax.random.uniform(key, (len(_SPREADS), 3), minval=1e-7)
    applied, unit = drawn[:, :1] < chances[:, None], drawn[:, 1:]
    choice, uniform = jnp.floor(sizes * unit), sizes * (2 * unit - 1)
    normal = sizes * jnp.sqrt(2.0) * jax.lax.erf_inv(2 * unit - 1)
    numbers = jnp.where(kinds == "choice", choice, jnp.where(kinds == "uniform", uniform, normal))
    return dict(zip(_SPREADS, jnp.where(applied, numbers, 0.0), strict=True))


def _matrix(first_row, second_row) -> jax.Array:
    return jnp.array([first_row, second_row, (0.0, 0.0, 1.0)])


def _rotation(angle) -> jax.Array:
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    return _matrix((cosine, -sine, 0.0), (sine, cosine, 0.0))


def _blitting(draws, size) -> jax.Array:
    """[3 3] from positions (x, y, 1) in the result, pixels from the centre, to those in the image."""
    mirrored = 1 - 2 * draws["flip"][0]
    turns = draws["quarter_turns"][0].astype(jnp.int32)
    cosine, sine = jnp.array([1.0, 0.0, -1.0, 0.0])[turns], jnp.array([0.0, 1.0, 0.0, -1.0])[turns]
    shift = jnp.round(draws["shift"] * size)
    return (
        _matrix((mirrored, 0.0, 0.0), (0.0, 1.0, 0.0))
        @ _matrix((cosine, -sine, 0.0), (sine, cosine, 0.0))
        @ _matrix((1.0, 0.0, shift[0]), (0.0, 1.0, shift[1]))
    )


def _geometric(draws, size) -> jax.Array:
    """Like `_blitting`. Inverses need no care: every transform is as likely as its inverse."""
    scale, stretch = 2 ** draws["scale"][0], 2 ** draws["stretch"][0]
    move = draws["move"] * size
    return (
        _matrix((scale, 0.0, 0.0), (0.0, scale, 0.0))
        @ _rotation(draws["rotate_before"][0])
        @ _matrix((stretch, 0.0, 0.0), (0.0, 1 / stretch, 0.0))
        @ _rotation(draws["rotate_after"][0])
        @ _matrix((1.0, 0.0, move[0]), (0.0, 1.0, move[1]))
    )


def transform(image: jax.Array, draws: dict[str, jax.Array]) -> jax.Array:
    """The blitting and geometric transforms of [n n c] as one resampling."""
    size = image.shape[0]
    blitting, geometric = _blitting(draws, size), _geometric(draws, size)
    x, y = _positions(blitting, np.arange(size) + 0.5, size)
    blitted = image[y.astype(jnp.int32), x.astype(jnp.int32)]
    return jnp.where(jnp.all(geometric == jnp.eye(3)), blitted, _resample(image, blitting @ geometric))


def _positions(matrix, grid, size) -> tuple[jax.Array, jax.Array]:
    """Where the pixels (column, row) of a square ``grid`` [m] come from: x and y [m m] in [0, size].

    Positions count from the top left corner of the image, whose first pixel has its centre at 0.5. Outside,
    the plane is tiled by mirror images.
    """
    x, y = jnp.meshgrid(jnp.asarray(grid - size / 2, jnp.float32), jnp.asarray(grid - size / 2, jnp.float32))
    return tuple(
        size - jnp.abs(jnp.mod(row[0] * x + row[1] * y + row[2] + size / 2, 2 * size) - size)
        for row in matrix[:2]
    )


def _lanczos(distances: np.ndarray) -> np.ndarray:
    """Weights sinc(d) sinc(d / 3), |d| < 3 pixels, with rows that sum to 1."""
    weights = np.sinc(distances) * np.sinc(distances / _LOBES) * (np.abs(distances) < _LOBES)
    return weights / weights.sum(axis=1, keepdims=True)


def _filters(size) -> tuple[np.ndarray, np.ndarray]:
    """[2n n], which doubles the samples of a signal mirrored at its ends; [n 2n+10], which halves them."""
    fine = (np.arange(-_MARGIN, 2 * size + _MARGIN) + 0.5) / 2
    coarse = np.arange(-_LOBES, size + _LOBES) + 0.5
    within = np.eye(size)[np.pad(np.arange(size), _LOBES, mode="symmetric")]
    up = _lanczos(fine[_MARGIN:-_MARGIN, None] - coarse) @ within
    down = _lanczos(coarse[_LOBES:-_LOBES, None] - fine)
    return up.astype(np.float32), down.astype(np.float32)


def _resample(image, matrix) -> jax.Array:
    """Double [n n c], take it bilinearly on a grid of twice the density that ``matrix`` moves, halve."""
    size = image.shape[0]
    double, halve = _filters(size)
    image = jnp.einsum("yh,xw,hwc->yxc", double, double, image)
    grid = (np.arange(-_MARGIN, 2 * size + _MARGIN) + 0.5) / 2
    # In samples; the outermost half of one mirrors itself.
    x, y = (jnp.clip(2 * p - 0.5, 0, 2 * size - 1) for p in _positions(matrix, grid, size))
    left, top = (jnp.minimum(p.astype(jnp.int32), 2 * size - 2) for p in (x, y))
    right, below = (x - left)[..., None], (y - top)[..., None]
    upper = image[top, left] * (1 - right) + image[top, left + 1] * right
    lower = image[top + 1, left] * (1 - right) + image[top + 1, left + 1] * right
    return jnp.einsum("hy,wx,yxc->hwc", halve, halve, upper * (1 - below) + lower * below)


def recolour(image: jax.Array, draws: dict[str, jax.Array]) -> jax.Array:
    """Brightness, contrast, luma flip, hue and saturation of [n n 3] as one affine map of the colours.

    All but the brightness are functions of the projection v v^T on the grey axis v and of the rotation about
    it, so their order does not matter.
    """
    grey = np.full((3, 3), 1 / 3, np.float32)
    quarter_turn = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], np.float32) / np.sqrt(3, dtype=np.float32)
    angle, saturation = draws["hue"][0], 2 ** draws["saturation"][0]
    luma = 1 - 2 * draws["luma_flip"][0]
    colour = jnp.cos(angle) * (np.eye(3) - grey) + jnp.sin(angle) * quarter_turn
    matrix = 2 ** draws["contrast"][0] * (luma * grey + saturation * colour)
    return (image + draws["brightness"][0]) @ matrix.T

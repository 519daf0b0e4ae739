"""Layers of StyleGAN2 (Karras et al., arXiv:1912.04958) in Flax Linen, NHWC.

Weights are stored as N(0, 1) / lr_multiplier and scaled at run time (equalised learning rate,
arXiv:1710.10196): dense lr_multiplier / sqrt(fan_in), plain convolution 1 / sqrt(fan_in).
Modulated 3x3 convolutions need no factor, since demodulation cancels it.

A convolution's `dtype` is that of its products and of the activations it hands on; None takes the
parameters' own. Styles, demodulation, noise, biases and nonlinearities stay in the parameters'.
bfloat16 has float32's range, so nothing is rescaled before it as float16 would need.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from ganverse_jax.models.convolution import convolve, convolve_down, convolve_pointwise, convolve_up
from ganverse_jax.models.stylegan2.resample import blur, downsample

_normal = nn.initializers.normal(1.0)
_zeros = nn.initializers.zeros


def normalize_second_moment(x, epsilon=1e-8):
    """Scale each row of [b n] to unit mean square."""
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + epsilon)


def leaky_relu(x, *, gain=1.0, clamp=None):
    """sqrt(2) * gain * leaky_relu(x, 0.2), clamped to +-clamp * gain (arXiv:2006.06676) when asked."""
    y = jax.nn.leaky_relu(x, negative_slope=0.2) * (math.sqrt(2) * gain)
    return clamp_values(y, clamp, gain)


def clamp_values(x, clamp, gain=1.0):
    """Limit `x` to +-clamp * gain; None leaves it alone."""
    return x if clamp is None else jnp.clip(x, -clamp * gain, clamp * gain)


def at_least_float32(x):
    """Widen bfloat16; leave float32 and float64 alone."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def modulated_convolution(x, weight, style, *, up=False, demodulate=True, dtype=None):
    """Convolve [b h w i] with `weight` [3 3 i o] scaled per sample by `style` [b i].

    Activations are modulated and outputs demodulated around one shared convolution, which equals
    modulating the weights: sigma^-1 = rsqrt(sum_{k,i} (s_i w_{k,i,o})^2 + 1e-8) (Eq. 1-3,
    arXiv:1912.04958). With `up` the output is [b 2h 2w o]: transposed convolution (see `convolve_up`
    for the weight's orientation), then a blur.
    """
    dtype = dtype or weight.dtype
    x, kernel = (x * style[:, None, None, :]).astype(dtype), weight.astype(dtype)
    y = blur(convolve_up(x, kernel), 1, 2.0) if up else convolve(x, kernel)
    if demodulate:
        energy = jnp.sum(weight * weight, axis=(0, 1))
        y = y * jax.lax.rsqrt(style * style @ energy + 1e-8)[:, None, None, :]
    return y


def minibatch_stddev(x, group_size=4, num_channels=1):
    """Append to [b h w c] the mean standard deviation within groups of samples: [b h w c+num_channels].

    Groups are strided: member g of group n is sample g * (b / group) + n (arXiv:1710.10196, section
    3, as in StyleGAN2's code).
    `group_size` None takes the whole batch. Raises ValueError when the batch is no multiple of the group.
    """
    batch, height, width, channels = x.shape
    group = batch if group_size is None else min(group_size, batch)
    if batch % group:
        raise ValueError(f"batch {batch} is not divisible by the stddev group {group}; set gan.batch_size")
    y = x.reshape(group, batch // group, height, width, num_channels, channels // num_channels)
    deviation = jnp.sqrt(jnp.var(y, axis=0) + 1e-8).mean(axis=(1, 2, 4))
    deviation = jnp.tile(deviation, (group, 1))[:, None, None, :]
    return jnp.concatenate([x, jnp.broadcast_to(deviation, (batch, height, width, num_channels))], axis=-1)


class Dense(nn.Module):
    """Equalised dense layer [b i] to [b o]; `activate` adds the scaled leaky ReLU."""

    in_features: int
    features: int
    activate: bool = False
    lr_multiplier: float = 1.0
    bias_init: float = 0.0

    @nn.compact
    def __call__(self, x):
        initial = nn.initializers.normal(1.0 / self.lr_multiplier)
        weight = self.param("weight", initial, (self.in_features, self.features))
        bias = self.param("bias", nn.initializers.constant(self.bias_init), (self.features,))
        y = x @ (weight * (self.lr_multiplier / math.sqrt(self.in_features))) + bias * self.lr_multiplier
        return leaky_relu(y) if self.activate else y


class Convolution(nn.Module):
    """Equalised convolution [b h w i] to [b h w o]; with `down`, blur and stride 2 give [b h/2 w/2 o]."""

    in_features: int
    features: int
    kernel: int = 3
    down: bool = False
    use_bias: bool = True
    activate: bool = True
    gain: float = 1.0
    clamp: float | None = None
    dtype: jnp.dtype | None = None

    @nn.compact
    def __call__(self, x):
        shape = (self.kernel, self.kernel, self.in_features, self.features)
        weight = self.param("weight", _normal, shape) / math.sqrt(math.prod(shape[:3]))
        dtype = self.dtype or weight.dtype
        x, weight = x.astype(dtype), weight.astype(dtype)
        if self.kernel == 1:
            y = convolve_pointwise(downsample(x) if self.down else x, weight[0, 0])
        else:
            y = convolve_down(blur(x, 2), weight) if self.down else convolve(x, weight)
        if self.use_bias:
            y = y + self.param("bias", _zeros, (self.features,))
        if self.activate:
            y = leaky_relu(y, gain=self.gain, clamp=self.clamp)
        else:
            y = clamp_values(y * self.gain, self.clamp, self.gain)
        return y.astype(dtype)


def layer_noise(key, index, batch, resolution):
    """Standard normal noise [b r r 1] of one layer; `key` is one key or [b] keys, one per sample."""
    typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    shape = (resolution, resolution, 1)
    if key.ndim == (1 if typed else 2):
        return jax.vmap(lambda one: jax.random.normal(jax.random.fold_in(one, index), shape))(key)
    return jax.random.normal(jax.random.fold_in(key, index), (batch, *shape))


class SynthesisLayer(nn.Module):
    """Modulated 3x3 convolution, noise, bias, leaky ReLU; `style(w)` is its affine layer.

    Parameters: affine.{weight, bias}, weight [3 3 i o], bias, noise_strength; buffer noise/noise_const [r r].
    """

    in_features: int
    features: int
    resolution: int
    w_dim: int
    index: int
    up: bool = False
    clamp: float | None = None
    dtype: jnp.dtype | None = None

    def setup(self):
        self.affine = Dense(self.w_dim, self.in_features, bias_init=1.0)
        self.weight = self.param("weight", _normal, (3, 3, self.in_features, self.features))
        self.bias = self.param("bias", _zeros, (self.features,))
        self.noise_strength = self.param("noise_strength", _zeros, ())
        self.noise_const = None
        if self.is_initializing() or self.has_variable("noise", "noise_const"):
            shape = (self.resolution, self.resolution)
            self.noise_const = self.variable(
                "noise", "noise_const", lambda: jax.random.normal(self.make_rng("params"), shape)
            )

    def style(self, w):
        """Raw affine output [b i], bias included."""
        return self.affine(w)

    def _noise(self, noise, key, batch):
        if noise == "none":
            return None
        if noise == "random":
            if key is None:
                raise ValueError("noise='random' needs key; pass key or use noise='const'")
            return layer_noise(key, self.index, batch, self.resolution)
        if noise != "const":
            raise ValueError(f"noise {noise!r} is unknown; use 'const', 'random' or 'none'")
        if self.noise_const is None:
            raise ValueError("noise='const' needs the 'noise' collection; pass it or use noise='none'")
        return self.noise_const.value[None, :, :, None]

    def __call__(self, x, style, *, noise="const", key=None):
        y = modulated_convolution(x, self.weight, style, up=self.up, dtype=self.dtype)
        added = self._noise(noise, key, x.shape[0])
        if added is not None:
            y = y + added * self.noise_strength
        return leaky_relu(y + self.bias, clamp=self.clamp).astype(self.dtype or self.weight.dtype)


class ToRGB(nn.Module):
    """Modulated 1x1 convolution to 3 channels without demodulation; the style is scaled by 1 / sqrt(i).

    It works in the parameters' dtype whatever that of its input.
    """

    in_features: int
    w_dim: int
    clamp: float | None = None

    def setup(self):
        self.affine = Dense(self.w_dim, self.in_features, bias_init=1.0)
        self.weight = self.param("weight", _normal, (1, 1, self.in_features, 3))
        self.bias = self.param("bias", _zeros, (3,))

    def style(self, w):
        """Raw affine output [b i], before the 1 / sqrt(i) factor."""
        return self.affine(w)

    def __call__(self, x, style):
        scale = style * (1 / math.sqrt(self.in_features))
        y = jnp.einsum("bhwi,bio->bhwo", x, scale[:, :, None] * self.weight[0, 0]) + self.bias
        return clamp_values(y, self.clamp)

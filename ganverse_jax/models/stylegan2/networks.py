"""StyleGAN2's generator and discriminator (arXiv:1912.04958) in Flax Linen, NHWC, images in ~[-1, 1].

Skip-output generator and residual discriminator, configurations e and f of the official code.
Parameters are nested dicts: mapping.fc0.weight, b8.conv0.affine.bias, b64.skip.weight. A *generator
bundle* is {"params": ..., "noise": ..., "w_avg": [w]}: the two collections, and the mean w beside them.

`compute_dtype` "bfloat16" is for GPUs and TPUs: 3x3 convolutions of the generator and the residual blocks
of the discriminator then work in it at the four highest resolutions, as the original's do in float16.
Parameters, mapping, styles, demodulation, the sum of toRGB and the head with its logits remain float32. It is
how to compute, not what: files of weights do not mention it.
"""

import math
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp

from ganverse_jax.models.stylegan2.layers import (
    Convolution,
    Dense,
    SynthesisLayer,
    ToRGB,
    at_least_float32,
    minibatch_stddev,
    normalize_second_moment,
)
from ganverse_jax.models.stylegan2.resample import upsample


class StyledLayer(NamedTuple):
    """One styled layer: its name ("b8.conv0"), style width, and the row of ws that drives it."""

    name: str
    width: int
    slot: int


def channels_at(resolution, channel_base, channel_max):
    """Feature maps of a block: min(channel_base / resolution, channel_max)."""
    return min(channel_base // resolution, channel_max)


def block_resolutions(resolution):
    """4, 8, ..., resolution. Raises ValueError unless it is a power of two of at least 8."""
    if resolution < 8 or resolution & (resolution - 1):
        raise ValueError(f"resolution {resolution} is no power of two >= 8; choose one")
    return [2**power for power in range(2, resolution.bit_length())]


def block_dtype(compute_dtype, block, resolution):
    """Dtype of a block's convolutions, None for the parameters' own; ValueError for an unknown name."""
    if compute_dtype not in ("float32", "bfloat16"):
        raise ValueError(
            f"compute dtype {compute_dtype!r} is unknown; set gan.compute_dtype to 'float32' or 'bfloat16'"
        )
    return jnp.bfloat16 if compute_dtype == "bfloat16" and 8 * block >= resolution else None


def truncate(ws, w_avg, psi, cutoff=None):
    """w_avg + psi (ws - w_avg) on the first `cutoff` rows (all when None) of ws [b num_ws w]."""
    psis = jnp.where(jnp.arange(ws.shape[1]) < (ws.shape[1] if cutoff is None else cutoff), psi, 1.0)
    return w_avg + psis[None, :, None].astype(ws.dtype) * (ws - w_avg)


def update_w_avg(w_avg, w, *, decay=0.995, mean=jnp.mean):
    """Moving average of the mapped w [b w]; `mean(x, axis=0)` may average over devices as well."""
    batch_mean = mean(w, axis=0)
    return batch_mean + decay * (w_avg - batch_mean)


class Mapping(nn.Module):
    """z [b z] to w [b w]: normalise, then `num_layers` dense layers with learning rate x 0.01."""

    z_dim: int
    w_dim: int
    num_layers: int

    @nn.compact
    def __call__(self, z):
        x = normalize_second_moment(z)
        for i in range(self.num_layers):
            x = Dense(x.shape[-1], self.w_dim, activate=True, lr_multiplier=0.01, name=f"fc{i}")(x)
        return x


class SynthesisBlock(nn.Module):
    """Up-convolution, convolution, and a toRGB added to the upsampled sum; 4x4 starts from a constant."""

    in_features: int
    features: int
    resolution: int
    w_dim: int
    clamp: float | None = None
    dtype: jnp.dtype | None = None

    def setup(self):
        index = 2 * (self.resolution.bit_length() - 3)
        shared = {name: getattr(self, name) for name in ("resolution", "w_dim", "clamp", "dtype")}
        if self.resolution == 4:
            self.const = self.param("const", nn.initializers.normal(1.0), (4, 4, self.features))
        else:
            self.conv0 = SynthesisLayer(self.in_features, self.features, index=index - 1, up=True, **shared)
        self.conv1 = SynthesisLayer(self.features, self.features, index=index, **shared)
        self.torgb = ToRGB(self.features, self.w_dim, self.clamp)

    def style(self, layer, w):
        """Style of the layer "conv0", "conv1" or "torgb" for w [b w]."""
        return getattr(self, layer).style(w)

    def __call__(self, x, rgb, styles, *, noise, key):
        name = f"b{self.resolution}"
        if self.resolution == 4:
            batch = styles[f"{name}.conv1"].shape[0]
            x = jnp.broadcast_to(self.const, (batch, *self.const.shape))
        else:
            x = self.conv0(x, styles[f"{name}.conv0"], noise=noise, key=key)
        x = self.conv1(x, styles[f"{name}.conv1"], noise=noise, key=key)
        y = self.torgb(x, styles[f"{name}.torgb"])
        return x, y if rgb is None else upsample(rgb) + y


class Generator(nn.Module):
    """StyleGAN2 generator.

    `apply(variables, z)` gives images [b r r 3]; the parts are methods (`method=Generator.map`).
    `noise` is "const" (the stored buffers), "random" (needs `key`: one key, or [b] keys of the
    samples) or "none". Truncation and style mixing act on ws, outside (`truncate`).
    """

    resolution: int
    z_dim: int
    w_dim: int
    mapping_layers: int
    channel_base: int
    channel_max: int
    conv_clamp: float | None = None
    compute_dtype: str = "float32"

    def setup(self):
        self.mapping = Mapping(self.z_dim, self.w_dim, self.mapping_layers)
        previous = 0
        for r in block_resolutions(self.resolution):
            width = channels_at(r, self.channel_base, self.channel_max)
            dtype = block_dtype(self.compute_dtype, r, self.resolution)
            setattr(self, f"b{r}", SynthesisBlock(previous, width, r, self.w_dim, self.conv_clamp, dtype))
            previous = width

    @property
    def layers(self):
        """The styled layers in order, as a tuple of `StyledLayer`; toRGB shares its row of ws with the next
        block's conv0."""
        layers, slot, previous = [], 0, None
        for r in block_resolutions(self.resolution):
            width = channels_at(r, self.channel_base, self.channel_max)
            convolutions = [] if previous is None else [("conv0", previous)]
            for name, style_width in [*convolutions, ("conv1", width)]:
                layers.append(StyledLayer(f"b{r}.{name}", style_width, slot))
                slot += 1
            layers.append(StyledLayer(f"b{r}.torgb", width, slot))
            previous = width
        return tuple(layers)

    @property
    def num_ws(self):
        """Rows of ws: 2 log2(resolution) - 2."""
        return 2 * int(math.log2(self.resolution)) - 2

    def map(self, z):
        """z [b z] to w [b w], neither broadcast nor truncated."""
        return self.mapping(z)

    def broadcast(self, w):
        """w [b w] to ws [b num_ws w]."""
        return jnp.broadcast_to(w[:, None], (w.shape[0], self.num_ws, w.shape[1]))

    def styles(self, ws):
        """ws [b num_ws w] to the raw affine outputs {name: [b width]}, bias included."""
        result = {}
        for layer in self.layers:
            block, name = layer.name.split(".")
            result[layer.name] = getattr(self, block).style(name, ws[:, layer.slot])
        return result

    def from_styles(self, styles, *, noise="const", key=None):
        """Styles {name: [b width]} to images [b r r 3]."""
        x = rgb = None
        for r in block_resolutions(self.resolution):
            x, rgb = getattr(self, f"b{r}")(x, rgb, styles, noise=noise, key=key)
        return rgb

    def synthesis(self, ws, *, noise="const", key=None):
        """ws [b num_ws w] to images [b r r 3]."""
        return self.from_styles(self.styles(ws), noise=noise, key=key)

    def __call__(self, z, *, noise="const", key=None):
        return self.synthesis(self.broadcast(self.map(z)), noise=noise, key=key)


class DiscriminatorBlock(nn.Module):
    """Residual block: two convolutions (the second strided) plus a 1x1 skip, each scaled by sqrt(1/2).

    The first block lifts the image to features before (`from_rgb`).
    """

    in_features: int
    features: int
    from_rgb: bool = False
    clamp: float | None = None
    dtype: jnp.dtype | None = None

    @nn.compact
    def __call__(self, x):
        narrow, wide = self.in_features, self.features
        shared = {"clamp": self.clamp, "dtype": self.dtype}
        down = {"down": True, "gain": math.sqrt(0.5), "dtype": self.dtype}
        if self.from_rgb:
            x = Convolution(3, narrow, 1, name="fromrgb", **shared)(x)
        skip = Convolution(narrow, wide, 1, use_bias=False, activate=False, name="skip", **down)(x)
        x = Convolution(narrow, narrow, name="conv0", **shared)(x)
        x = Convolution(narrow, wide, name="conv1", clamp=self.clamp, **down)(x)
        return x + skip


class DiscriminatorHead(nn.Module):
    """Minibatch standard deviation, convolution and two dense layers: [b 4 4 c] to logits [b]."""

    features: int
    mbstd_group: int | None = 4
    clamp: float | None = None

    @nn.compact
    def __call__(self, x):
        c = self.features
        x = minibatch_stddev(at_least_float32(x), self.mbstd_group)
        x = Convolution(c + 1, c, clamp=self.clamp, name="conv")(x)
        x = Dense(16 * c, c, activate=True, name="fc")(x.reshape(x.shape[0], -1))
        return Dense(c, 1, name="out")(x)[:, 0]


class Discriminator(nn.Module):
    """Residual StyleGAN2 discriminator: images [b r r 3] to logits [b].

    `features(image)` gives the outputs of the residual blocks, finest first. The head flattens
    height, width, channels (importers permute: other codes flatten channels first).
    """

    resolution: int
    channel_base: int
    channel_max: int
    mbstd_group: int | None = 4
    conv_clamp: float | None = None
    compute_dtype: str = "float32"

    def setup(self):
        for r in block_resolutions(self.resolution)[:0:-1]:
            widths = [channels_at(size, self.channel_base, self.channel_max) for size in (r, r // 2)]
            dtype = block_dtype(self.compute_dtype, r, self.resolution)
            first = r == self.resolution
            setattr(self, f"b{r}", DiscriminatorBlock(*widths, first, self.conv_clamp, dtype))
        head_width = channels_at(4, self.channel_base, self.channel_max)
        self.b4 = DiscriminatorHead(head_width, self.mbstd_group, self.conv_clamp)

    def features(self, image):
        """Outputs of the residual blocks [b r/2 r/2 c], [b r/4 r/4 c], ... down to 4x4."""
        outputs, x = [], image
        for r in block_resolutions(self.resolution)[:0:-1]:
            x = getattr(self, f"b{r}")(x)
            outputs.append(x)
        return outputs

    def __call__(self, image):
        return self.b4(self.features(image)[-1])

"""The inverse graphics network f of section 3.2 (arXiv:2010.09125): image -> deformed sphere and texture map.

Parameter names (exported): params/encoder/{stem, stage<i>_block<j>/...} (a ResNet's: resnet.py),
params/code, params/shape/{hidden, out, free}, params/texture/{start, block<i>, out} and, of a texture flow,
params/texture/pose; params/light/{hidden, out}.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ganverse_jax.models import convolution
from ganverse_jax.models.inverse_graphics.resnet import STRIDE, ResNet
from ganverse_jax.models.inverse_graphics.template import MeshTemplate, mesh_template, symmetrise
from ganverse_jax.models.inverse_graphics.texture_heads import TEXTURES, FlowHead, TextureHead

RESNETS = {"resnet18": 18, "resnet50": 50}
# Coefficient of the constant harmonic Y_0 = 1 / sqrt(4 pi) in an ambient light of strength 1.
AMBIENT = math.sqrt(4.0 * math.pi)


class Prediction(NamedTuple):
    """vertices [b v 3] and displacements [b v 3] in the object's frame, texture [b th tw 3] in [0, 1].

    light [b 9]: spherical-harmonics coefficients in the object's frame (`rasterizer.render`); None: unlit.
    flow [b th tw 2]: where in the picture (NDC) each texel was read; None: the colours are decoded.
    """

    vertices: jax.Array
    displacements: jax.Array
    texture: jax.Array
    light: jax.Array | None = None
    flow: jax.Array | None = None


def _group_norm(channels: int, name: str) -> nn.GroupNorm:
    return nn.GroupNorm(num_groups=min(8, channels // 4), name=name)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with GroupNorm and a projected skip; halves the plane when `stride` is 2."""

    channels: int
    stride: int = 1
    dtype: jnp.dtype | None = None

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        strides = self.stride, self.stride
        options = {
            "use_bias": False,
            "dtype": self.dtype,
            "conv_general_dilated": convolution.conv_general_dilated,
        }
        y = nn.Conv(self.channels, (3, 3), strides, name="conv0", **options)(x)
        y = nn.relu(_group_norm(self.channels, "norm0")(y))
        y = nn.Conv(self.channels, (3, 3), name="conv1", **options)(y)
        y = _group_norm(self.channels, "norm1")(y)
        if x.shape != y.shape:
            x = nn.Conv(self.channels, (1, 1), strides, name="skip", **options)(x)
        return nn.relu(x + y)


class Encoder(nn.Module):
    """ResNet-style encoder: RGB and mask -> features at 1 / 2^len(blocks) of the picture's sides.

    blocks: residual blocks per stage; stage i has width * 2^i channels and (from the second on) half the
    plane. dtype: of the convolutions' products (norms and sums are the parameters'); None takes the latter.
    """

    width: int
    blocks: Sequence[int]
    dtype: jnp.dtype | None = None

    @nn.compact
    def __call__(self, x: Float[Array, "b h w 4"]) -> Float[Array, "b h2 w2 d"]:
        x = nn.Conv(self.width, (5, 5), (2, 2), use_bias=False, dtype=self.dtype, name="stem")(x)
        x = nn.relu(_group_norm(self.width, "stem_norm")(x))
        for stage, count in enumerate(self.blocks):
            for block in range(count):
                stride, name = 2 if stage and not block else 1, f"stage{stage}_block{block}"
                x = ResidualBlock(self.width * 2**stage, stride, self.dtype, name=name)(x)
        return x


def flat_4x4(x: Float[Array, "b h w c"], stride: int) -> Float[Array, "b d"]:
    """Means over a 4x4 grid, flattened: the layout holds the pose, so no global mean."""
    b, h, w, c = x.shape
    if not h or not w or h % 4 or w % 4:
        raise ValueError(
            f"the encoder's last plane is {h}x{w}, not a multiple of 4x4; use images of a multiple of "
            f"{4 * stride} pixels or change encoder_blocks or encoder_architecture"
        )
    return x.reshape(b, 4, h // 4, 4, w // 4, c).mean(axis=(2, 4)).reshape(b, -1)


def encoder_input(image: Float[Array, "b h w 3"], mask: Float[Array, "b h w 1"]) -> Float[Array, "b h w 4"]:
    """What `Encoder` reads, in [-1, 1]: the object on black, and the mask."""
    return jnp.concatenate([2.0 * mask * image - 1.0, 2.0 * mask - 1.0], axis=-1)


class ShapeHead(nn.Module):
    """Code -> displacements [b v 3] of the template's vertices; exactly zero at the start.

    Smooth modes (where the template has them) plus a free part per vertex, scaled by `free_scale`.
    """

    template: MeshTemplate
    hidden: int
    free_scale: float
    symmetric: bool

    @nn.compact
    def __call__(self, code: Float[Array, "b d"]) -> Float[Array, "b v 3"]:
        num_vertices, modes = len(self.template.vertices), self.template.modes
        zeros = nn.initializers.zeros
        hidden = nn.relu(nn.Dense(self.hidden, name="hidden")(code))
        displacements = jnp.zeros((code.shape[0], num_vertices, 3), code.dtype)
        if modes is not None:
            coefficients = nn.Dense(modes.shape[1] * 3, kernel_init=zeros, name="out")(hidden)
            displacements += jnp.einsum("vm,bmc->bvc", modes, coefficients.reshape(code.shape[0], -1, 3))
        if self.free_scale:
            free = nn.Dense(num_vertices * 3, kernel_init=zeros, name="free")(hidden)
            displacements += self.free_scale * free.reshape(code.shape[0], num_vertices, 3)
        return symmetrise(displacements, self.template.mirror) if self.symmetric else displacements


class LightHead(nn.Module):
    """Code -> grey light [b 9] as spherical harmonics of degree <= 2; ambient of strength 1 at the start."""

    hidden: int

    @nn.compact
    def __call__(self, code: Float[Array, "b d"]) -> Float[Array, "b 9"]:
        hidden = nn.relu(nn.Dense(self.hidden, name="hidden")(code))
        change = nn.Dense(9, kernel_init=nn.initializers.zeros, name="out")(hidden)
        return change + jnp.zeros(9, change.dtype).at[0].set(AMBIENT)


class InverseGraphics(nn.Module):
    """f_theta: image and mask -> {S, T} (Eq. 2): an icosphere of `icosphere_level`, deformed, and its UV map.

    template_scale: semi-axes of the starting ellipsoid (x, y, z); the paper starts from a sphere.
    shape_degree: highest degree of the smooth displacement modes (None: free vertices only, as in DIB-R).
    free_scale: multiplies the free per-vertex displacements; 0 leaves them out.
    symmetric: shape and texture are mirror images left and right (x -> -x).
    texture: "decoded" colours; "flow", where every texel is a place in the picture (`FlowHead`); or
    "flow_and_colour", that with decoded colours for what the picture does not show.
    encoder_architecture: "residual" (`encoder_width`, `encoder_blocks`), or "resnet18", "resnet50", which are
    meant for imported ImageNet weights.
    lighting: predict light too (DIB-R's; Fig. K of the paper, which leaves it out), `light_hidden` wide.
    compute_dtype: "bfloat16" for products of the encoder's and the texture's convolutions; all else, and
    every parameter, stays float32.
    sampler: which kernel a texture flow reads the picture with (`rasterizer.sample_texture`; None: the best).
    """

    icosphere_level: int = 3
    template_scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    shape_degree: int | None = None
    free_scale: float = 1.0
    symmetric: bool = True
    encoder_width: int = 64
    encoder_blocks: Sequence[int] = (2, 2, 2, 2)
    code_size: int = 512
    shape_hidden: int = 1024
    texture_size: int = 256
    texture_channels: Sequence[int] = (256, 256, 128, 128, 64, 32)
    texture: str = "decoded"
    encoder_architecture: str = "residual"
    lighting: bool = False
    light_hidden: int = 64
    compute_dtype: str = "float32"
    sampler: str | None = None

    def __post_init__(self):
        # Settings read from JSON hold lists; a module must be hashable to be a static argument of jit.
        for name, value in vars(self).copy().items():
            if isinstance(value, list):
                object.__setattr__(self, name, tuple(value))
        super().__post_init__()

    @property
    def template(self) -> MeshTemplate:
        """The mesh that is deformed, with its faces and UV."""
        return mesh_template(self.icosphere_level, self.template_scale, self.shape_degree)

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 3"], mask: Float[Array, "b h w 1"]) -> Prediction:
        """Image and mask in [0, 1]; the background is blacked out, so that it cannot leak into the shape."""
        if self.shape_degree is None and not self.free_scale:
            raise ValueError("shape_degree is None and free_scale is 0: nothing can move; set one of them")
        dtype = self._convolution_dtype()
        features = self._encode(image, mask, dtype)
        code = nn.relu(nn.Dense(self.code_size, name="code")(features))
        shape = ShapeHead(self.template, self.shape_hidden, self.free_scale, self.symmetric, name="shape")
        displacements = shape(code)
        colour = (mask * image).sum(axis=(1, 2)) / jnp.maximum(mask.sum(axis=(1, 2)), 1.0)
        texture, flow = self._texture(code, colour, image, mask, dtype)
        light = LightHead(self.light_hidden, name="light")(code) if self.lighting else None
        vertices = self.template.vertices + displacements
        return Prediction(vertices, displacements, texture, light, flow)

    def _texture(self, code, colour, image, mask, dtype):
        if self.texture not in TEXTURES:
            raise ValueError(f"network.texture = {self.texture!r}; choose {', '.join(TEXTURES)}")
        options = (self.texture_size, self.texture_channels, self.symmetric, dtype)
        if self.texture == "decoded":
            return TextureHead(*options, name="texture")(code, colour), None
        with_colour = self.texture == "flow_and_colour"
        head = FlowHead(*options, with_colour=with_colour, sampler=self.sampler, name="texture")
        return head(code, colour, image, mask)

    def _encode(self, image, mask, dtype):
        if self.encoder_architecture in RESNETS:
            plane = ResNet(RESNETS[self.encoder_architecture], dtype, name="encoder")(mask * image, mask)
            return flat_4x4(plane, STRIDE)
        if self.encoder_architecture != "residual":
            raise ValueError(
                f"encoder_architecture = {self.encoder_architecture!r}; choose residual, {', '.join(RESNETS)}"
            )
        encoder = Encoder(self.encoder_width, self.encoder_blocks, dtype, name="encoder")
        plane = encoder(encoder_input(image, mask))
        return flat_4x4(plane, 2 ** len(self.encoder_blocks))

    def _convolution_dtype(self):
        if self.compute_dtype not in ("float32", "bfloat16"):
            raise ValueError(f"compute_dtype = {self.compute_dtype!r}; choose float32 or bfloat16")
        return jnp.bfloat16 if self.compute_dtype == "bfloat16" else None

"""C++ kernels for the CPU, called through `jax.ffi`; float32 only.

The shared libraries are built when the package is installed (setup.py) and loaded with ctypes at the
first use. Batching (`jax.vmap`) adds leading dimensions, which the kernels treat as more batch;
inside `jax.shard_map` use `check_vma=False`, and each device works on its own shard.
"""

import ctypes
import re
from functools import lru_cache, partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

_TARGETS = (
    "rasterize", "rasterize_grad", "silhouette", "silhouette_and_keep", "silhouette_grad",
    "interpolate", "interpolate_grad", "sample_texture", "sample_texture_grad",
)  # fmt: skip

WRAP_CODES = {"clamp": 0, "repeat": 1, "mirror": 2}
KERNELS_VERSION = 3
"""As rasterizer_kernels_version in cpu.cc: a library left over from older sources is not called."""


class Unavailable(RuntimeError):
    """Why the C++ kernels cannot be used here."""


@lru_cache(maxsize=1)
def load() -> str:
    """Loads and registers the kernels; returns a description of the build. Raises Unavailable."""
    folder = Path(__file__).parent
    plain = folder / "_kernels.so"
    if not plain.exists():
        raise Unavailable(f"{plain} was not built (no C++ compiler at install?)")
    library, build = _open(plain), "plain build"
    faster = folder / "_kernels_x86_64_v3.so"
    if faster.exists() and library.rasterizer_runs_x86_64_v3():
        library, build = _open(faster), "x86-64-v3 build"
    version = library.rasterizer_kernels_version()
    if version != KERNELS_VERSION:
        raise Unavailable(f"its {build} is version {version}, this source needs {KERNELS_VERSION}; reinstall")
    built = (library.rasterizer_ffi_major(), library.rasterizer_ffi_minor())
    running = _running_ffi_version()
    # Calling with a newer ABI than the runtime's takes the whole CPU backend down.
    if built[0] != running[0] or built[1] > running[1]:
        raise Unavailable(
            f"it was built for XLA FFI {built[0]}.{built[1]}, jaxlib {jax.lib.__version__} has "
            f"{running[0]}.{running[1]}"
        )
    for target in _TARGETS:
        handler = jax.ffi.pycapsule(getattr(library, f"rasterizer_{target}"))
        jax.ffi.register_ffi_target(f"rasterizer_{target}", handler, platform="cpu")
    return f"{build}, XLA FFI {built[0]}.{built[1]}"


def _open(path):
    try:
        return ctypes.cdll.LoadLibrary(str(path))
    except OSError as error:
        raise Unavailable(f"{path} does not load: {error}") from error


def _running_ffi_version():
    header = Path(jax.ffi.include_dir()) / "xla/ffi/api/c_api.h"
    try:
        text = header.read_text(encoding="utf-8")
        found = [re.search(rf"#define XLA_FFI_API_{part} (\d+)", text) for part in ("MAJOR", "MINOR")]
        return tuple(int(match.group(1)) for match in found)
    except (OSError, AttributeError) as error:
        raise Unavailable(f"the runtime's XLA FFI version cannot be read from {header}") from error


def _call(target, results, *operands, **attributes):
    shapes = [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in results]
    call = jax.ffi.ffi_call(f"rasterizer_{target}", shapes, vmap_method="broadcast_all")
    return call(*operands, **attributes)


def rasterize(vertices_clip, faces, height, width, cull_backfaces, perspective_correct):
    """-> face_id [b h w], barycentrics [b h w 3], depth [b h w]."""
    return _rasterize(vertices_clip, faces, height, width, bool(cull_backfaces), bool(perspective_correct))


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4, 5))
def _rasterize(vertices_clip, faces, height, width, cull_backfaces, perspective_correct):
    image = (vertices_clip.shape[0], height, width)
    return tuple(
        _call(
            "rasterize",
            [(image, jnp.int32), ((*image, 3), jnp.float32), (image, jnp.float32)],
            vertices_clip,
            faces,
            cull_backfaces=np.int64(cull_backfaces),
            perspective_correct=np.int64(perspective_correct),
        )
    )


def _rasterize_forward(vertices_clip, faces, *static):
    vertices_clip, faces = vertices_clip.value, faces.value
    fragments = _rasterize(vertices_clip, faces, *static)
    return fragments, (vertices_clip, faces, *fragments)


def _rasterize_backward(height, width, cull_backfaces, perspective_correct, saved, cotangents):
    vertices_clip, grad_barycentrics, grad_depth = saved[0], *cotangents[1:]
    # Mostly unused outputs: what is zero for sure is neither made nor read.
    if isinstance(grad_depth, SymbolicZero):
        if isinstance(grad_barycentrics, SymbolicZero):
            return jnp.zeros_like(vertices_clip), None
        grad_depth = jnp.zeros(0, jnp.float32)
    elif isinstance(grad_barycentrics, SymbolicZero):
        grad_barycentrics = jnp.zeros(grad_barycentrics.shape, jnp.float32)
    (gradient,) = _call(
        "rasterize_grad",
        [(vertices_clip.shape, jnp.float32)],
        *saved,
        grad_barycentrics,
        grad_depth,
        perspective_correct=np.int64(perspective_correct),
    )
    return gradient, None


_rasterize.defvjp(_rasterize_forward, _rasterize_backward, symbolic_zeros=True)


@partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def silhouette(vertices_clip, faces, face_id, sigma_inverse, margin):
    """-> soft mask [b h w]."""
    image = (face_id.shape, jnp.float32)
    return _soft("silhouette", [image], vertices_clip, faces, face_id, sigma_inverse, margin)[0]


def _silhouette_forward(vertices_clip, faces, face_id, sigma_inverse, margin):
    image = (face_id.shape, jnp.float32)
    operands = vertices_clip, faces, face_id, sigma_inverse, margin
    mask, keep = _soft("silhouette_and_keep", [image, image], *operands)
    return mask, (vertices_clip, faces, keep)


def _silhouette_backward(sigma_inverse, margin, saved, cotangent):
    results = [(saved[0].shape, jnp.float32)]
    return *_soft("silhouette_grad", results, *saved, cotangent, sigma_inverse, margin), None, None


def _soft(target, results, *operands):
    *arrays, sigma_inverse, margin = operands
    options = {"sigma_inverse": np.float64(sigma_inverse), "margin": np.float64(margin)}
    return _call(target, results, *arrays, **options)


silhouette.defvjp(_silhouette_forward, _silhouette_backward)


@jax.custom_vjp
def interpolate(attributes, faces, face_id, barycentrics):
    """attributes [b v c] -> [b h w c]."""
    shape = (*face_id.shape, attributes.shape[-1])
    (values,) = _call("interpolate", [(shape, jnp.float32)], attributes, faces, face_id, barycentrics)
    return values


def _interpolate_forward(*operands):
    return interpolate(*operands), operands


def _interpolate_backward(saved, cotangent):
    attributes, _, _, barycentrics = saved
    results = [(attributes.shape, jnp.float32), (barycentrics.shape, jnp.float32)]
    grad_attributes, grad_barycentrics = _call("interpolate_grad", results, *saved, cotangent)
    return grad_attributes, None, None, grad_barycentrics


interpolate.defvjp(_interpolate_forward, _interpolate_backward)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def sample_texture(texture, uv, wrap_u, wrap_v):
    """texture [b th tw c], uv [b h w 2] -> [b h w c]."""
    shape = (*uv.shape[:-1], texture.shape[-1])
    (values,) = _call("sample_texture", [(shape, jnp.float32)], texture, uv, **_wrapping(wrap_u, wrap_v))
    return values


def _sample_texture_forward(texture, uv, wrap_u, wrap_v):
    return sample_texture(texture, uv, wrap_u, wrap_v), (texture, uv)


def _sample_texture_backward(wrap_u, wrap_v, saved, cotangent):
    results = [(operand.shape, jnp.float32) for operand in saved]
    return tuple(_call("sample_texture_grad", results, *saved, cotangent, **_wrapping(wrap_u, wrap_v)))


sample_texture.defvjp(_sample_texture_forward, _sample_texture_backward)


def _wrapping(wrap_u, wrap_v):
    return {"wrap_u": np.int64(WRAP_CODES[wrap_u]), "wrap_v": np.int64(WRAP_CODES[wrap_v])}

"""The implementations of the four primitives, and the choice between them.

Each is a module with `rasterize`, `silhouette`, `interpolate` and `sample_texture` over batched
arrays; see `reference` for the signatures.
"""

import logging
import warnings

import jax
import numpy as np

from rasterizer.kernels import cpu, reference, xla

_log = logging.getLogger("rasterizer")
_announced: set[str] = set()

IMPLEMENTATIONS = ("cpu", "pallas", "xla", "reference")
PALLAS_CAPABILITY = 9.0
"""Least CUDA compute capability that Mosaic GPU serves: Hopper."""


def select(implementation: str | None, dtype):
    """The kernel module for `implementation`, or the best one for this platform and dtype.

    Logs once per kernel which one serves; warns once where the C++ kernels would be the default but
    cannot be used.
    """
    if implementation is None:
        implementation, reason = _default(dtype)
    else:
        reason = "asked for"
    module = _module(implementation, dtype)
    if implementation not in _announced:
        _announced.add(implementation)
        _log.info("rasterizer: the %r kernel serves (%s)", implementation, reason)
    return module


def _default(dtype):
    platform = jax.default_backend()
    if platform == "gpu" and dtype == np.float32 and _compute_capability() >= PALLAS_CAPABILITY:
        return "pallas", f"default on compute capability {_compute_capability()}"
    if platform != "cpu":
        return "xla", f"default on {platform}"
    if dtype != np.float32:
        return "xla", f"default for {dtype}"
    try:
        return "cpu", f"default on cpu; {cpu.load()}"
    except cpu.Unavailable as error:
        if "fallback" not in _announced:
            _announced.add("fallback")
            warnings.warn(
                f"rasterizer: the C++ kernels are not available: {error}. The plain JAX kernel serves, "
                "which is many times slower; install a C++17 compiler and reinstall the package.",
                RuntimeWarning,
                stacklevel=4,
            )
        return "xla", "fallback"


def _compute_capability():
    """Of the first GPU, 0.0 where there is none or it has no such number (AMD)."""
    try:
        return float(jax.local_devices(backend="gpu")[0].compute_capability)
    except (RuntimeError, AttributeError, ValueError, IndexError):
        return 0.0


def _module(implementation, dtype):
    if implementation not in IMPLEMENTATIONS:
        available = ", ".join(IMPLEMENTATIONS)
        raise ValueError(f"implementation={implementation!r} is unknown; choose one of {available}")
    if implementation in ("cpu", "pallas") and dtype != np.float32:
        raise ValueError(
            f"implementation={implementation!r} is float32 only, got {dtype}; use 'xla' or 'reference'"
        )
    if implementation == "cpu":
        cpu.load()
        return cpu
    if implementation == "pallas":
        from rasterizer.kernels import pallas  # imported late: it costs as much time as all the rest

        if not pallas.INTERPRET and _compute_capability() < PALLAS_CAPABILITY:
            raise ValueError(
                f"implementation='pallas' needs a GPU of compute capability {PALLAS_CAPABILITY} or newer, "
                f"found {_compute_capability()} on {jax.default_backend()!r}; use 'xla' or 'cpu'"
            )
        return pallas
    return {"xla": xla, "reference": reference}[implementation]

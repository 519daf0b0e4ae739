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

IMPLEMENTATIONS = ("cpu", "xla", "reference")


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
    if platform != "cpu":
        return "xla", f"default on {platform}"
    if dtype != np.float32:
        return "xla", f"default for {dtype}"
    try:
        return "cpu", f"default on cpu; {cpu.load()}"
    except cpu.Unavailable as error:
        if "xla" not in _announced:
            warnings.warn(
                f"rasterizer: the C++ kernels are not available: {error}. The plain JAX kernel serves, "
                "which is many times slower; install a C++17 compiler and reinstall the package.",
                RuntimeWarning,
                stacklevel=4,
            )
        return "xla", "fallback"


def _module(implementation, dtype):
    if implementation == "reference":
        return reference
    if implementation == "xla":
        return xla
    if implementation == "cpu":
        if dtype != np.float32:
            raise ValueError(f"implementation='cpu' is float32 only, got {dtype}; use 'xla' or 'reference'")
        cpu.load()
        return cpu
    available = ", ".join(IMPLEMENTATIONS)
    if implementation == "pallas":
        raise NotImplementedError(f"implementation='pallas' does not exist yet; choose one of {available}")
    raise ValueError(f"implementation={implementation!r} is unknown; choose one of {available}")

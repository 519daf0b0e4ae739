"""The implementations of the four primitives, and the choice between them.

Each is a module with `rasterize`, `silhouette`, `interpolate` and `sample_texture` over batched
arrays; see `reference` for the signatures.
"""

import logging

import jax

from rasterizer.kernels import reference, xla

_log = logging.getLogger("rasterizer")
_announced: set[str] = set()

IMPLEMENTATIONS = ("cpu", "xla", "reference")


def select(implementation: str | None, dtype):
    """The kernel module for `implementation`, or the best one for this platform and dtype."""
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
    return "xla", "default"


def _module(implementation, dtype):
    if implementation == "reference":
        return reference
    if implementation == "xla":
        return xla
    if implementation == "pallas":
        raise NotImplementedError(
            f"implementation='pallas' is not built yet; choose one of {', '.join(IMPLEMENTATIONS)}"
        )
    raise ValueError(f"implementation={implementation!r}; choose one of {', '.join(IMPLEMENTATIONS)}")

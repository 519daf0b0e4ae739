"""Compiled programs, kept for the next call of a command that has no workdir to keep them in."""

import hashlib
import os
import platform
from pathlib import Path

import jax


def keep_compiled() -> None:
    """Let JAX keep what it compiles in the user's cache folder ($XDG_CACHE_HOME, or ~/.cache), unless
    JAX_COMPILATION_CACHE_DIR names another, or there is none to write to."""
    if jax.config.jax_compilation_cache_dir:
        return
    folder = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    folder = folder / "ganverse_jax" / "xla" / _processor()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(folder, os.W_OK):
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _processor() -> str:
    """Names the processor's kind: what is compiled for one may hold instructions that another lacks, and
    machines can share a home."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    kind = [line for line in lines if line.startswith(("flags", "Features", "model name"))][:2]
    return hashlib.sha256("\n".join([platform.machine(), *kind]).encode()).hexdigest()[:16]

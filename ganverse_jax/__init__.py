"""GANverse-JAX: inverse graphics from image GANs (GANverse3D, arXiv:2010.09125) in JAX and Flax."""

__version__ = "0.1.0"

_PYTHON = ("edit", "export", "generate", "reconstruct", "render")  # docs/python.md


def __getattr__(name: str):
    """What `commands.python` has, imported when first asked for."""
    if name not in _PYTHON:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ganverse_jax.commands import python

    return getattr(python, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PYTHON])

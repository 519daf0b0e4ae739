"""Settings of `gan.data`: all of them, since the command line can only change what is there."""

from typing import Any


def get_data(**changes: Any) -> dict[str, Any]:
    """The toy world, but for `changes`; what each setting means: ganverse_jax/stages/gan/data.py."""
    return (
        dict(
            kind="toy_cars",
            path="",
            name="",
            split="train",
            feature="",
            limit=0,
            fit="crop",
            enlarge=False,
            unfit="error",
            keep_decoded=True,
        )
        | changes
    )

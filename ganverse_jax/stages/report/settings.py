"""Settings of the report."""

from dataclasses import dataclass

from ganverse_jax.pipeline.settings import Positive


@dataclass(frozen=True)
class Settings:
    """How the page is headed, and how large it may be."""

    title: str = "Inverse graphics from a GAN’s own pictures"
    label: str | None = None  # a badge; "": none; None: "short run" where it applies
    max_megabytes: Positive = 8.0  # pictures are encoded smaller until it fits

"""The tiny GAN and the stages over it."""

from tests.stages.conftest import generator, stages

__all__ = ["generator", "stages"]

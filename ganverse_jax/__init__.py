"""GANverse-JAX: inverse graphics from image GANs (GANverse3D, arXiv:2010.09125) in JAX and Flax."""

__version__ = "0.1.0"

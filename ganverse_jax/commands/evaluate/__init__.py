"""A finished toy run evaluated beside the paper's tables, on pictures that no GAN made."""

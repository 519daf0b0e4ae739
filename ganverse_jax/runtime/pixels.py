"""Networks' images to bytes, for NumPy arrays and inside compiled JAX functions alike."""


def gan_to_uint8(images):
    """GAN images in about [-1, 1] to uint8, cut off as StyleGAN2 does: clamp(127.5 x + 128)."""
    return (images * 127.5 + 128).clip(0, 255).astype("uint8")


def unit_to_uint8(images):
    """Rendered images in about [0, 1] to uint8, rounded."""
    return (images.clip(0, 1) * 255 + 0.5).astype("uint8")

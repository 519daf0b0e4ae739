"""Photos drawn anew by StyleGAN-R: other cameras, and others' shapes, textures and backgrounds."""

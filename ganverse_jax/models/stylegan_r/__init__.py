"""StyleGAN-R: the latent mapper, and the renderer it makes of a StyleGAN2."""

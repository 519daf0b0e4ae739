"""Networks: StyleGAN2, the inverse graphics network, the latent mapper."""

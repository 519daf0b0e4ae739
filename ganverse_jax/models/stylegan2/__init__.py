"""StyleGAN2: its layers, its networks, its style space W*, and the GAN as source of multi-view images."""

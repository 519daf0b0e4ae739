"""Others' StyleGAN2 turned into a folder that the `gan` stage reads."""

"""Stage gan: StyleGAN2 trained on pictures, or taken as shipped."""

"""Photos projected into a GAN, as codes that draw them."""

"""A GAN's own figures: distance to real pictures, precision, recall, path length."""

"""launch.evaluate_handles: whether StyleGAN-R obeys."""

"""The toy world of birds."""

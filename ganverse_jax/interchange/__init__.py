"""Others' weights, read safely: files become checked arrays, and nothing of them is executed."""

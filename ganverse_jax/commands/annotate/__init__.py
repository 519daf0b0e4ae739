"""A person annotates a run's proposed views, on a local page or through files."""

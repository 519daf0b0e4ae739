"""`python -m launch.verify`: a folder, as this room holds its fifteen files."""

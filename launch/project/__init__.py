"""`python -m launch.project`: a folder, as this room holds its fifteen files."""

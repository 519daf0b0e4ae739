"""`python -m launch.edit`: a folder, as this room holds its fifteen files."""

"""`python -m launch.export`: a folder, as this room holds its fifteen files."""

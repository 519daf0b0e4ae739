"""`python -m launch.recognise`: a folder, as this room holds its fifteen files."""

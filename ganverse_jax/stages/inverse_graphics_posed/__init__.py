"""Stage inverse_graphics_posed: the same training where every camera and mesh is known."""

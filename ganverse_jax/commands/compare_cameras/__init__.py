"""Camera annotations compared on the toy world: bins, clicked points, the truth."""

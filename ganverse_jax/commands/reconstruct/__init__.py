"""Photos become textured meshes, and a page that shows them."""

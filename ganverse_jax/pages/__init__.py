"""What offline pages and contact sheets are made of: markup, charts, pictures, the mesh viewer."""

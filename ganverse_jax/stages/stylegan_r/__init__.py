"""Stage stylegan_r: the generator turned into a renderer with 3D handles."""

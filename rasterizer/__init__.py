"""A differentiable triangle rasterizer for JAX.

Conventions, everywhere in this package:

* Right-handed world, +y up; the camera looks down -z (OpenGL). Angles in radians.
* Azimuth 0 looks at the object's front (+z); eye = r (sin az cos el, sin el, cos az cos el).
* Clip coordinates (x, y, z, w) with w = depth in front of the camera; z is not used to rasterize.
* NDC (x/w, y/w): x right, y up, [-1, 1] over the image on each axis.
* Row 0 is the top; the centre of (row j, column i) is x = (2i+1-W)/W, y = (H-2j-1)/H.
* Images are [b h w c]; colours, textures, shading and masks are in [0, 1].
* Texture coordinates have their origin at the bottom-left; row 0 of a texture is its top.
* Faces are counter-clockwise seen from outside; `face_id` is -1 where nothing is.

Array axes: b batch, v vertices, f faces, h w pixels, c channels, t texture coordinates.
Needs jax, numpy and jaxtyping only.
"""

from rasterizer.camera import Camera, transform
from rasterizer.interpolate import interpolate
from rasterizer.lighting import shade_spherical_harmonics, spherical_harmonics_basis
from rasterizer.mesh import Mesh, compute_face_normals, compute_vertex_normals, icosphere
from rasterizer.rasterize import Fragments, rasterize
from rasterizer.render import Rendered, render
from rasterizer.silhouette import silhouette
from rasterizer.texture import mip_level, mip_pyramid, sample_texture

__version__ = "0.1.0"
__all__ = [
    "Camera",
    "Fragments",
    "Mesh",
    "Rendered",
    "compute_face_normals",
    "compute_vertex_normals",
    "icosphere",
    "interpolate",
    "mip_level",
    "mip_pyramid",
    "rasterize",
    "render",
    "sample_texture",
    "shade_spherical_harmonics",
    "silhouette",
    "spherical_harmonics_basis",
    "transform",
]

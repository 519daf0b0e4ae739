"""Orbit camera looking at the origin, and the way from world to clip coordinates.

Right-handed, +y up, the camera looks down its own -z axis (OpenGL). Angles are radians.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from rasterizer.checks import check_size


class Camera(NamedTuple):
    """Cameras on spheres around the origin, one per batch item.

    azimuth: [b] radians; 0 looks at the object's front (+z), pi/2 at its +x side.
    elevation: [b] radians above the horizon.
    distance: [b] world units from the origin.
    fov_y: [b] vertical field of view in radians.
    offset: [b 2] where the origin is seen, in NDC (x right, y up), as if the image plane were shifted (an
    off-centre principal point for points at the origin's depth): clip.xy += offset * distance. None: the
    middle.

    Scalars are allowed for the first four fields and broadcast against the others.
    """

    azimuth: Float[Array, "*b"]
    elevation: Float[Array, "*b"]
    distance: Float[Array, "*b"]
    fov_y: Float[Array, "*b"]
    offset: Float[Array, "*b 2"] | None = None

    def eye(self) -> Float[Array, "b 3"]:
        """Camera centres in the world: r (sin az cos el, sin el, cos az cos el)."""
        azimuth, elevation, distance, _ = self._batched()
        direction = (
            jnp.sin(azimuth) * jnp.cos(elevation),
            jnp.sin(elevation),
            jnp.cos(azimuth) * jnp.cos(elevation),
        )
        return distance[:, None] * jnp.stack(direction, axis=-1)

    def view_matrix(self) -> Float[Array, "b 4 4"]:
        """World-to-camera matrices; a column vector (x, y, z, 1) is multiplied from the right.

        Written in the angles rather than by cross products with "up", so that it and its
        gradient stay defined when the camera looks straight down.
        """
        azimuth, elevation, distance, _ = self._batched()
        sin_a, cos_a = jnp.sin(azimuth), jnp.cos(azimuth)
        sin_e, cos_e = jnp.sin(elevation), jnp.cos(elevation)
        zero, one = jnp.zeros_like(sin_a), jnp.ones_like(sin_a)
        rows = (
            (cos_a, zero, -sin_a, zero),
            (-sin_a * sin_e, cos_e, -cos_a * sin_e, zero),
            (sin_a * cos_e, sin_e, cos_a * cos_e, -distance),
            (zero, zero, zero, one),
        )
        return jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=-2)

    def _batched(self):
        fields = jnp.broadcast_arrays(*(jnp.atleast_1d(jnp.asarray(x, _float(x))) for x in self[:4]))
        return fields


def _float(x):
    return jnp.promote_types(jnp.asarray(x).dtype, jnp.float32)


def transform(
    vertices_world: Float[Array, "*b v 3"],
    camera: Camera,
    height: int,
    width: int,
    near: float = 0.1,
) -> Float[Array, "b v 4"]:
    """World to clip coordinates (x, y, z, w) for an image of height x width pixels.

    w is the depth in front of the camera in world units, x/w and y/w are NDC (x right, y up,
    [-1, 1] over the image). z = w - 2 near, the OpenGL depth of an infinitely far far plane
    (z >= -w exactly where depth >= near); `rasterize` itself only looks at w.
    Differentiable with respect to the vertices and every camera field.
    """
    height, width = check_size(height, width)
    vertices_world = jnp.asarray(vertices_world)
    if vertices_world.ndim not in (2, 3) or vertices_world.shape[-1] != 3:
        raise ValueError(f"vertices have shape {vertices_world.shape}; expected [v 3] or [b v 3]")
    if vertices_world.ndim == 2:
        vertices_world = vertices_world[None]
    view = camera.view_matrix()
    fov_y = camera._batched()[3]
    if vertices_world.shape[0] != view.shape[0] and 1 not in (vertices_world.shape[0], view.shape[0]):
        raise ValueError(
            f"vertices of batch {vertices_world.shape[0]} do not go with {view.shape[0]} cameras; "
            "give one camera per mesh, or one of the two with batch 1"
        )
    # Sums written out: a matmul would go through reduced precision on some accelerators.
    eye_space = jnp.sum(view[:, None, :3, :3] * vertices_world[:, :, None, :], axis=-1)
    eye_space = eye_space + view[:, None, :3, 3]
    focal = 1.0 / jnp.tan(0.5 * fov_y)[:, None]
    depth = -eye_space[..., 2]
    x = eye_space[..., 0] * focal * (height / width)
    y = eye_space[..., 1] * focal
    if camera.offset is not None:
        reach = jnp.asarray(camera.offset) * jnp.atleast_1d(camera.distance)[:, None]
        x, y = x + reach[:, :1], y + reach[:, 1:]
    return jnp.stack([x, y, depth - 2.0 * near, depth], axis=-1)

"""What the public functions check of their arguments: shapes always, indices where they are known."""

import operator

import jax
import jax.numpy as jnp
import numpy as np


def whole_number(name, value, least):
    """`value` as an int of at least `least`; ValueError for anything else, a traced value too."""
    try:
        value = operator.index(value)
    except (TypeError, jax.errors.JAXTypeError) as error:
        raise ValueError(f"{name}={value!r}; it must be a whole number that is known outside jit") from error
    if value < least:
        raise ValueError(f"{name}={value}; it must be at least {least}")
    return value


def check_size(height, width):
    """Height and width of an image as ints of at least 1."""
    return whole_number("height", height, 1), whole_number("width", width, 1)


def check_flag(name, value):
    """ValueError unless `value` is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name}={value!r}; it must be True or False, known outside jit")


def check_number(name, value):
    """`value` as a finite float; ValueError for anything else, a traced value too."""
    try:
        number = float(value)
    except (TypeError, ValueError, jax.errors.JAXTypeError) as error:
        raise ValueError(f"{name}={value!r}; it must be a number that is known outside jit") from error
    if not np.isfinite(number):
        raise ValueError(f"{name}={value}; it must be finite")
    return number


def check_fragments(fragments):
    """ValueError unless face_id [b h w] int and barycentrics [b h w 3] go together."""
    shape, dtype = jnp.shape(fragments.face_id), jnp.result_type(fragments.face_id)
    if len(shape) != 3 or dtype != jnp.int32 or jnp.shape(fragments.barycentrics) != (*shape, 3):
        other = list(jnp.shape(fragments.barycentrics))
        raise ValueError(
            f"fragments with face_id {dtype}{list(shape)} and barycentrics {other}; expected int32 [b h w] "
            "and [b h w 3], as rasterize gives them"
        )


def check_mesh(vertices, faces):
    """Batched float vertices and faces [b f 3] after checking shapes, and indices outside jit."""
    vertices = jnp.asarray(vertices)
    vertices = vertices.astype(jnp.promote_types(vertices.dtype, jnp.float32))
    if vertices.ndim != 3 or vertices.shape[-1] != 4:
        raise ValueError(f"vertices have shape {vertices.shape}; expected [b v 4]")
    faces = check_faces(faces, vertices.shape[1])
    return vertices, batch_faces(faces, vertices.shape[0])


def check_faces(faces, num_vertices):
    """int32 faces; ValueError for a wrong shape or, where values are known, an index out of range."""
    faces = faces if hasattr(faces, "ndim") else np.asarray(faces)
    if faces.ndim not in (2, 3) or faces.shape[-1] != 3:
        raise ValueError(f"faces have shape {faces.shape}; expected [f 3] or [b f 3]")
    if not jnp.issubdtype(faces.dtype, jnp.integer):
        raise ValueError(f"faces have dtype {faces.dtype}; expected integers")
    if not isinstance(faces, jax.core.Tracer) and faces.size:
        values = np.asarray(faces)
        if values.min() < 0 or values.max() >= num_vertices:
            raise ValueError(
                f"face indices span {values.min()}..{values.max()} but there are {num_vertices} vertices; "
                "pad lists with zero-area faces such as (0, 0, 0)"
            )
    return jnp.asarray(faces, jnp.int32)


def batch_faces(faces, batch):
    """[f 3] or [b f 3] -> [b f 3]."""
    if faces.ndim == 2:
        return jnp.broadcast_to(faces, (batch, *faces.shape))
    if faces.shape[0] != batch:
        raise ValueError(f"faces for {faces.shape[0]} items do not go with a batch of {batch}")
    return faces

"""Shading by second-order spherical harmonics."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def spherical_harmonics_basis(normals: Float[Array, "*n 3"]) -> Float[Array, "*n 9"]:
    """The nine real spherical harmonics of degree <= 2 at unit directions (x, y, z).

    Order (l, m): (0,0), (1,-1) ~ y, (1,0) ~ z, (1,1) ~ x, (2,-2) ~ xy, (2,-1) ~ yz,
    (2,0) ~ 3z^2 - 1, (2,1) ~ xz, (2,2) ~ x^2 - y^2; orthonormal over the sphere
    (Ramamoorthi & Hanrahan 2001, Eq. 3).
    """
    x, y, z = normals[..., 0], normals[..., 1], normals[..., 2]
    basis = (
        jnp.full_like(x, 0.28209479177387814),
        0.4886025119029199 * y,
        0.4886025119029199 * z,
        0.4886025119029199 * x,
        1.0925484305920792 * x * y,
        1.0925484305920792 * y * z,
        0.31539156525252005 * (3.0 * z * z - 1.0),
        1.0925484305920792 * x * z,
        0.5462742152960396 * (x * x - y * y),
    )
    return jnp.stack(basis, axis=-1)


def shade_spherical_harmonics(
    normals: Float[Array, "b h w 3"], coefficients: Float[Array, "b 9"] | Float[Array, "b 9 3"]
) -> Float[Array, "b h w _"]:
    """Shading sum_i c_i Y_i(n) at unit normals; multiply the albedo by it.

    coefficients [b 9] give white light and [b h w 1], [b 9 3] one set per colour channel and
    [b h w 3]. Coefficient 0 alone at 1 / 0.2820948 = 3.544908 is ambient light of strength 1.
    """
    coefficients = jnp.asarray(coefficients)
    if coefficients.shape[1:] not in ((9,), (9, 3)):
        raise ValueError(f"coefficients have shape {coefficients.shape}; expected [b 9] or [b 9 3]")
    if coefficients.ndim == 2:
        coefficients = coefficients[..., None]
    basis = spherical_harmonics_basis(normals)
    spread = coefficients.reshape(coefficients.shape[0], *(1,) * (normals.ndim - 2), *coefficients.shape[1:])
    return jnp.sum(basis[..., None] * spread, axis=-2)

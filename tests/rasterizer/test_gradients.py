"""Finite differences in float64 pin the reference's gradients; the other kernels are held to those."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rasterizer

SIZE = (9, 12)
FACES = np.arange(36, dtype=np.int32).reshape(12, 3)
QUICK = {"xla_backend_optimization_level": 0}  # halves the time to compile
scenes = given(seed=st.integers(0, 2**32 - 1))
steady = settings(
    deadline=None,
    derandomize=True,
    max_examples=4,
    # The fixtures only choose the kernel: nothing to reset between examples.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Case(NamedTuple):
    """A scalar function of arrays: loss(operands, fixed, implementation); both are dicts of arrays.

    The loss weighs its images by random numbers, so that no symmetry hides an error. `fixed` has no
    gradient; `operands(rng)` and `fixed(rng, operands)` make a random scene.
    """

    operands: Callable
    loss: Callable
    fixed: Callable = lambda rng, operands: {}


def weighted(*images):
    rng = np.random.default_rng(5)
    return sum(jnp.sum(rng.normal(size=image.shape).astype(image.dtype) * image) for image in images)


def clip_vertices(rng):
    """Twelve faces [1 36 4], none of them a sliver, crossing and overlapping, some partly off screen."""
    turn = rng.uniform(0, 2 * np.pi, (12, 1)) + np.arange(3) * 2.1 + rng.uniform(-0.4, 0.4, (12, 3))
    radius = rng.uniform(0.25, 0.7, (12, 1))
    around = np.stack([np.cos(turn), np.sin(turn)], axis=-1) * radius[..., None]
    ndc = (rng.uniform(-0.9, 0.9, (12, 1, 2)) + around).reshape(1, 36, 2)
    w = rng.uniform(1.0, 3.0, (1, 36, 1))
    return np.concatenate([ndc * w, w, w], axis=-1).astype(np.float32)


def fragments_of(rng, operands):
    vertices = operands.get("vertices", clip_vertices(rng))
    return rasterizer.rasterize(jnp.asarray(vertices, jnp.float32), FACES, *SIZE)._asdict()


def rasterize_loss(operands, fixed, implementation):
    vertices, images = operands["vertices"], []
    for perspective_correct in (True, False):
        options = {"perspective_correct": perspective_correct, "implementation": implementation}
        out = rasterizer.rasterize(vertices, FACES, *SIZE, **options)
        # Where a rounding decides between two faces there is nothing to compare.
        same = out.face_id == fixed["face_id"]
        images += [out.barycentrics * same[..., None], out.depth * same]
    return weighted(*images)


def silhouette_loss(operands, fixed, implementation):
    fragments = rasterizer.Fragments(**fixed)
    options = {"sigma_inverse": 60.0, "margin": 0.2, "implementation": implementation}
    return weighted(rasterizer.silhouette(operands["vertices"], FACES, fragments, **options))


def interpolate_loss(operands, fixed, implementation):
    fragments = rasterizer.Fragments(**fixed)._replace(barycentrics=operands["barycentrics"])
    values = [
        rasterizer.interpolate(operands[name], FACES, fragments, implementation=implementation)
        for name in ("attributes", "many")
    ]
    return weighted(*values)


def interpolate_operands(rng):
    shapes = {"attributes": (1, 36, 2), "many": (1, 36, 5), "barycentrics": (1, *SIZE, 3)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def texture_case(wrap_u, wrap_v, mip_levels=1):
    """`uv` moves every pixel by itself, or all of them together (and with them no mip level)."""

    def operands(rng):
        uv = rng.uniform(-1.4, 2.4, (1, *SIZE, 2))
        moved = {"uv": uv} if mip_levels == 1 else {"shift": rng.uniform(size=2)}
        return {"texture": rng.uniform(size=(1, 4, 8, 3)), **moved}

    def fixed(rng, operands):
        grid = np.stack(np.meshgrid(*(np.arange(n) for n in SIZE[::-1])), axis=-1)
        return {"grid": 0.2 * grid[None] + rng.uniform(0, 0.1, (1, *SIZE, 2))}

    def loss(operands, fixed, implementation):
        uv = operands["uv"] if mip_levels == 1 else fixed["grid"] + operands["shift"]
        options = {"wrap_u": wrap_u, "wrap_v": wrap_v, "mip_levels": mip_levels}
        return weighted(
            rasterizer.sample_texture(operands["texture"], uv, **options, implementation=implementation)
        )

    return Case(operands, loss, fixed)


PRIMITIVES = {
    "rasterize": Case(lambda rng: {"vertices": clip_vertices(rng)}, rasterize_loss, fragments_of),
    "silhouette": Case(lambda rng: {"vertices": clip_vertices(rng)}, silhouette_loss, fragments_of),
    "interpolate": Case(interpolate_operands, interpolate_loss, fragments_of),
    "sample_texture, repeat and clamp": texture_case("repeat", "clamp"),
    "sample_texture, mirror and repeat": texture_case("mirror", "repeat"),
    "sample_texture, mip levels": texture_case("repeat", "mirror", mip_levels=2),
}

MESH = rasterizer.icosphere(0)


def ball(rng):
    return np.asarray(MESH.vertices)[None] + 0.1 * rng.normal(size=(1, 12, 3))


def camera(rng):
    angles = {"azimuth": rng.uniform(-3, 3, 1), "elevation": rng.uniform(-1.4, 1.4, 1)}
    lens = {"fov_y": rng.uniform(0.4, 0.8, 1), "offset": rng.uniform(-0.1, 0.1, (1, 2))}
    return {**angles, "distance": rng.uniform(3, 5, 1), **lens}


def view(operands):
    return rasterizer.Camera(*(operands[name] for name in rasterizer.Camera._fields))


def light(*shape):
    def operands(rng):
        return {"normals": rng.normal(size=(2, 3, 4, 3)), "coefficients": rng.normal(size=(2, 9, *shape))}

    return Case(
        operands,
        lambda o, *_: weighted(rasterizer.shade_spherical_harmonics(o["normals"], o["coefficients"])),
    )


def render_loss(operands, fixed, implementation):
    out = rasterizer.render(
        operands["vertices"],
        MESH.faces,
        operands["uv"],
        MESH.uv_faces,
        operands["texture"],
        view(operands),
        *SIZE,
        background=operands["background"],
        lighting=operands["lighting"],
        supersampling=2,
        implementation=implementation,
    )
    return weighted(out.rgb)  # the mask and the depth would only repeat other cases


def render_operands(rng):
    bright = np.array([3.0, *0.3 * rng.normal(size=8)])  # neither dark nor clipped anywhere
    return {
        "vertices": 0.8 * ball(rng),
        "uv": np.asarray(MESH.uv) + 0.01 * rng.normal(size=MESH.uv.shape),
        "texture": rng.uniform(0.1, 0.6, (1, 4, 8, 3)),
        "background": rng.uniform(size=3),
        "lighting": bright[None, :, None] * rng.uniform(0.9, 1.1, 3),
        **camera(rng),
    }


COMPOSITIONS = {
    "camera": Case(
        lambda rng: {"vertices": ball(rng), **camera(rng)},
        lambda o, *_: weighted(rasterizer.transform(o["vertices"], view(o), *SIZE), view(o).eye()),
    ),
    "normals": Case(
        lambda rng: {"vertices": ball(rng)},
        lambda o, *_: weighted(
            rasterizer.compute_face_normals(o["vertices"], MESH.faces),
            rasterizer.compute_vertex_normals(o["vertices"], MESH.faces),
        ),
    ),
    "white light": light(),
    "light of three colours": light(3),
    "antialiased, lit render": Case(render_operands, render_loss),
}
CASES = PRIMITIVES | COMPOSITIONS


@lru_cache
def program(name, implementation):
    loss = CASES[name].loss
    return jax.jit(
        jax.value_and_grad(lambda operands, fixed: loss(operands, fixed, implementation)),
        compiler_options=QUICK,
    )


def values_and_gradients(name, implementation, dtype, operands, fixed):
    """In the precision asked for."""

    def cast(a):
        return a.astype(dtype) if np.issubdtype(a.dtype, np.floating) else a

    with jax.enable_x64(dtype == np.float64):
        at = jax.tree.map(lambda a: cast(np.asarray(a)), (operands, fixed))
        return jax.tree.map(np.asarray, program(name, implementation)(*at))


# The whole render takes long to compile; test_recovery descends along its gradients always.
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if "render" in name else ()) for name in CASES],
)
@steady
@scenes
def test_the_reference_s_gradients_equal_finite_differences(name, seed):
    rng = np.random.default_rng(seed)
    operands = {key: np.float64(value) for key, value in CASES[name].operands(rng).items()}
    fixed = CASES[name].fixed(rng, operands)
    _, gradients = values_and_gradients(name, "reference", np.float64, operands, fixed)
    for key, gradient in gradients.items():
        direction = rng.normal(size=gradient.shape)
        # Small enough for no pixel to change its face; cancellation in float64 leaves 1e-8.
        ahead, behind = (
            values_and_gradients(
                name, "reference", np.float64, {**operands, key: operands[key] + h * direction}, fixed
            )[0]
            for h in (1e-7, -1e-7)
        )
        slope = np.vdot(gradient, direction)
        bound = 1e-6 * np.linalg.norm(gradient) * np.linalg.norm(direction)
        assert (ahead - behind) / 2e-7 == pytest.approx(slope, rel=1e-5, abs=1e-6 + bound), key
        assert np.abs(gradient).max() > 1e-3, key


@pytest.mark.parametrize("name", PRIMITIVES)
@steady
@scenes
def test_gradients_of_every_kernel_equal_the_reference_s_in_double(name, implementation, seed):
    rng = np.random.default_rng(seed)
    operands = {key: np.float32(value) for key, value in CASES[name].operands(rng).items()}
    fixed = CASES[name].fixed(rng, operands)
    _, actual = values_and_gradients(name, implementation, np.float32, operands, fixed)
    _, expected = values_and_gradients(name, "reference", np.float64, operands, fixed)
    for key in operands:
        # float32 on edge functions of order one, against the largest gradient.
        scale = np.abs(expected[key]).max()
        np.testing.assert_allclose(actual[key], expected[key], atol=1e-4 * scale, err_msg=key)

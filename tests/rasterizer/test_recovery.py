"""Gradient descent through the whole renderer finds the camera, shape and texture behind pictures."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

import rasterizer

SIZE = 64
MESH = rasterizer.icosphere(2)


def bumpy():
    """Three unequal axes and a few bumps [v 3]: no two views have the same outline."""
    sphere = np.asarray(MESH.vertices)
    bumps = 1 + 0.12 * np.sin(4 * sphere[:, :1] + 1) * np.cos(3 * sphere[:, 1:2]) + 0.1 * sphere[:, 2:]
    return jnp.asarray(sphere * bumps * [1.0, 0.65, 0.5], jnp.float32)


def random_texture(height, width):
    return jnp.asarray(np.random.default_rng(3).uniform(0.1, 0.9, (1, height, width, 3)), jnp.float32)


def ring(count, turn=0.0):
    """Cameras all round, alternately above and below the horizon."""
    angles = turn + 2 * jnp.pi * jnp.arange(count) / count
    return rasterizer.Camera(angles, 0.5 * (-1.0) ** jnp.arange(count), 4.2, 0.5)


def picture(vertices, texture, view, **options):
    vertices = jnp.broadcast_to(vertices, (view.eye().shape[0], *vertices.shape))
    return rasterizer.render(
        vertices, MESH.faces, MESH.uv, MESH.uv_faces, texture, view, SIZE, SIZE, **options
    )


def overlap(a, b):
    """Intersection over union of masks [... h w 1], per image."""
    both = jnp.sum(a * b, axis=(-3, -2, -1))
    return both / (jnp.sum(a + b, axis=(-3, -2, -1)) - both)


def descend(loss, start, rate, steps):
    """Adam with a rate that falls to nothing along half a cosine."""
    rule = optax.adam(optax.cosine_decay_schedule(rate, steps), b2=0.99)

    @jax.jit
    def run(start):
        def step(state, _):
            x, memory = state
            change, memory = rule.update(jax.grad(loss)(x), memory)
            return (optax.apply_updates(x, change), memory), None

        return jax.lax.scan(step, (start, rule.init(start)), length=steps)[0][0]

    return run(start)


def test_a_camera_is_recovered_from_one_picture():
    # A wide band around the outline, so that distant outlines attract each other.
    options = {"sigma_inverse": 300.0, "margin": 0.2}
    shape, texture = bumpy(), random_texture(4, 8)

    def seen(parameters):
        azimuth, elevation, distance = parameters
        return picture(shape, texture, rasterizer.Camera(azimuth, elevation, distance, 0.5), **options)

    truth = jnp.array([0.7, 0.3, 4.2])
    target = jax.jit(seen)(truth)

    def loss(parameters):
        out = seen(parameters)
        return 1 - overlap(out.mask, target.mask)[0] + jnp.mean(jnp.abs(out.rgb - target.rgb))

    start = truth + jnp.array([np.radians(25), np.radians(-10), 0.15 * 4.2])
    found = np.asarray(descend(loss, start, 0.05, 150))
    assert np.abs(np.degrees(found - truth)[:2]).max() < 1.0
    assert abs(found[2] / 4.2 - 1) < 0.01


def test_a_shape_is_recovered_from_silhouettes_of_eight_views():
    texture = jnp.ones((1, 1, 1, 3))
    target = jax.jit(lambda v: picture(v, texture, ring(8)).mask)(bumpy())
    edges = jnp.concatenate([MESH.faces[:, [0, 1]], MESH.faces[:, [1, 2]], MESH.faces[:, [2, 0]]])

    def loss(moved):
        masks = picture(MESH.vertices + moved, texture, ring(8)).mask
        # Neighbours move together: the mask says nothing about vertices inside the outline.
        uneven = jnp.mean((moved[edges[:, 0]] - moved[edges[:, 1]]) ** 2)
        return 1 - jnp.mean(overlap(masks, target)) + 5 * uneven

    moved = descend(loss, jnp.zeros_like(MESH.vertices), 0.02, 150)

    @jax.jit
    def held_out(vertices):
        views = ring(7, turn=0.2)
        masks = [picture(v, texture, views).fragments.face_id[..., None] >= 0 for v in (vertices, bumpy())]
        return overlap(*(mask.astype(jnp.float32) for mask in masks))

    assert held_out(MESH.vertices).mean() < 0.6 and held_out(MESH.vertices + moved).min() > 0.95


def test_a_texture_is_recovered_from_pictures_all_round():
    shape, truth = bumpy(), random_texture(16, 32)

    def pictures(texture):
        return picture(shape, texture, ring(8)).rgb

    target = jax.jit(pictures)(truth)
    start = jnp.full_like(truth, 0.5)
    found = descend(lambda t: jnp.sum((pictures(t) - target) ** 2), start, 0.1, 150)
    # Bilinear weights over all pictures: what of each texel is seen at all.
    seen = np.asarray(jax.jit(jax.grad(lambda t: jnp.sum(pictures(t))))(truth)) > 1.0
    assert seen.mean() > 0.85
    assert np.abs(found - truth)[seen].max() < 0.02 and np.abs(start - truth)[seen].mean() > 0.15

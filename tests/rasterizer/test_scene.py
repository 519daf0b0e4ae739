"""Camera, meshes, textures, lighting and the whole render."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rasterizer


def test_the_camera_sits_where_the_angles_say_and_sees_depth_along_its_axis():
    @jax.jit
    def run(points):
        camera = rasterizer.Camera(jnp.array([0.0, np.pi / 2, 0.3]), jnp.array([0.0, 0.0, 0.5]), 4.0, 0.5)
        return camera.eye(), camera.view_matrix(), rasterizer.transform(points, camera, 20, 40)

    points = np.array([[0.0, 0, 0], [0, 0.1, 0], [0.1, 0, 0]], np.float32)
    eye, view, clip = map(np.asarray, run(points))
    # Exact positions up to float32's sine and cosine.
    np.testing.assert_allclose(eye[:2], [[0, 0, 4], [4, 0, 0]], atol=1e-6)
    at_origin = np.einsum("bij,bj->bi", view, np.concatenate([eye, np.ones((3, 1))], axis=-1))
    np.testing.assert_allclose(at_origin[:, :3], 0, atol=1e-6)
    np.testing.assert_allclose(clip[:, 0], [[0, 0, 3.8, 4]] * 3, atol=1e-6)
    ndc = clip[0, :, :2] / clip[0, :, 3:]
    up = 0.1 / 4 / np.tan(0.25)
    np.testing.assert_allclose(ndc[1], [0, up], atol=1e-6)
    np.testing.assert_allclose(ndc[2], [up / 2, 0], atol=1e-6)  # twice as wide as high


def test_an_offset_moves_the_picture_and_nothing_else():
    middle = rasterizer.Camera(*(np.array([x], np.float32) for x in (0.7, 0.4, 4.0, 0.5)))
    camera = middle._replace(offset=np.array([[0.25, -0.5]], np.float32))
    points = np.array([[0, 0, 0], [0.3, -0.2, 0.4]], np.float32)
    clip, seen = (np.asarray(rasterizer.transform(points, c, 48, 64))[0] for c in (camera, middle))
    np.testing.assert_allclose(clip[0, :2] / clip[0, 3], [0.25, -0.5], atol=1e-6)  # float32's rounding
    np.testing.assert_array_equal(clip[:, 2:], seen[:, 2:])
    # Every point moves in the plane of the picture, in world units: as far as the origin.
    np.testing.assert_allclose(clip[1] - seen[1], clip[0] - seen[0], atol=1e-6)


def test_camera_gradients_are_finite_straight_above_the_object():
    def f(elevation):
        camera = rasterizer.Camera(jnp.array([0.2]), elevation, 3.0, 0.5)
        return jnp.sum(rasterizer.transform(jnp.eye(3), camera, 8, 8) ** 2)

    assert np.isfinite(jax.jit(jax.grad(f))(jnp.array([np.pi / 2]))).all()


@pytest.mark.parametrize("level, counts", [(0, (12, 20)), (1, (42, 80)), (3, (642, 1280))])
def test_icospheres_have_the_promised_size_and_face_outward(level, counts):
    mesh = rasterizer.icosphere(level)
    assert (len(mesh.vertices), len(mesh.faces)) == counts

    @jax.jit
    def normals(vertices, faces):
        smooth = rasterizer.compute_vertex_normals(vertices, faces)
        return rasterizer.compute_face_normals(vertices, faces)[0], smooth[0]

    vertices, faces = map(np.asarray, mesh[:2])
    flat, smooth = map(np.asarray, normals(vertices[None], faces))
    assert (np.sum(flat * vertices[faces].mean(axis=1), axis=-1) > 0.7).all()
    # Area weights on a slightly irregular sphere: within a few degrees of the radius.
    assert (np.sum(smooth * vertices, axis=-1) > 0.995).all()


def test_icosphere_uv_is_seam_safe_and_mirror_symmetric():
    mesh = rasterizer.icosphere(2)
    u, v = np.moveaxis(np.asarray(mesh.uv)[np.asarray(mesh.uv_faces)], -1, 0)
    assert (np.ptp(u, axis=1) < 0.5).all() and v.min() == 0 and v.max() == 1
    x, y, z = np.moveaxis(np.asarray(mesh.vertices)[np.asarray(mesh.faces)], -1, 0)
    regular = np.hypot(x, z) > 1e-6
    turn = np.exp(2j * np.pi * (u - 0.5 - np.arctan2(x, z) / (2 * np.pi)))
    np.testing.assert_allclose(turn[regular], 1, atol=1e-5)  # float32 angles
    corners = {(round(a, 4) % 1.0, round(b, 4)) for a, b in zip(u.ravel(), v.ravel(), strict=True)}
    assert {(round((1 - a) % 1.0, 4) % 1.0, b) for a, b in corners} == {
        (round(a, 4) % 1.0, b) for a, b in corners
    }


def test_textures_are_read_bottom_up_and_wrap_or_clamp(implementation):
    texture = jnp.arange(12.0).reshape(1, 3, 4, 1)
    uv = jnp.array(
        [[[[0.125, 1 - 1 / 6], [0.875, 1 / 6], [1.125, 0.5], [1.0, 0.5], [0.25, 2.0], [0.25, 0.5]]]]
    )
    options = {"implementation": implementation}
    out = rasterizer.sample_texture(texture, uv, **options)[0, 0, :, 0]
    # Texel centres are exact; u = 1 lies half way between the last and the first column.
    np.testing.assert_allclose(out, [0, 11, 4, 5.5, 0.5, 4.5], atol=1e-5)
    clamped = rasterizer.sample_texture(texture, uv, wrap_u="clamp", **options)[0, 0, :, 0]
    np.testing.assert_allclose(clamped[2:4], [7, 7], atol=1e-5)


def test_ambient_light_is_uniform_and_directional_light_follows_the_normal():
    normals = jnp.array([[[[0.0, 0, 1], [0, 1, 0], [1.0, 0, 0]]]])
    ambient = rasterizer.shade_spherical_harmonics(normals, jnp.eye(9)[:1] * 3.544908)
    np.testing.assert_allclose(ambient, jnp.ones((1, 1, 3, 1)), atol=1e-6)
    from_above = rasterizer.shade_spherical_harmonics(normals, jnp.eye(9)[1:2])
    np.testing.assert_allclose(from_above[0, 0, :, 0], [0, 0.4886025, 0], atol=1e-6)
    with pytest.raises(ValueError, match=r"\[b 9\]"):
        rasterizer.shade_spherical_harmonics(normals, jnp.ones((1, 4)))


def test_light_of_three_colours_shades_each_channel_by_its_own_coefficients():
    normals = jnp.array([[[[0.0, 0, 1], [0.6, 0.8, 0]]]])
    rng = np.random.default_rng(2)
    coefficients = jnp.asarray(rng.normal(size=(1, 9, 3)), jnp.float32)
    shaded = rasterizer.shade_spherical_harmonics(normals, coefficients)
    assert shaded.shape == (1, 1, 2, 3)
    for channel in range(3):
        alone = rasterizer.shade_spherical_harmonics(normals, coefficients[..., channel])
        np.testing.assert_allclose(shaded[..., channel], alone[..., 0], rtol=1e-6)  # the same sums


def test_supersampling_blends_the_edges_and_leaves_mask_and_depth_alone(needs_kernel):
    needs_kernel("cpu")
    mesh = rasterizer.icosphere(1)
    camera = rasterizer.Camera(jnp.zeros(1), jnp.zeros(1), 4.2, 0.5)

    def run(supersampling):
        return rasterizer.render(
            mesh.vertices[None],
            mesh.faces,
            mesh.uv,
            mesh.uv_faces,
            jnp.full((1, 2, 2, 3), 0.25),
            camera,
            16,
            20,
            background=jnp.ones(3),
            supersampling=supersampling,
        )

    plain, smooth = run(1), run(3)
    assert set(np.unique(np.round(plain.rgb, 4))) == {0.25, 1.0}
    shares = (1 - np.asarray(smooth.rgb[..., 0])) / 0.75 * 9  # samples of nine on the object
    np.testing.assert_allclose(shares, np.round(shares), atol=1e-4)
    assert len(np.unique(np.round(shares))) > 4
    assert np.array_equal(plain.mask, smooth.mask) and np.array_equal(plain.depth, smooth.depth)
    with pytest.raises(ValueError, match="supersampling=0"):
        run(0)


def test_a_render_shows_the_texture_over_the_background_and_reaches_every_parameter(needs_kernel):
    mesh = rasterizer.icosphere(1)
    texture = jnp.broadcast_to(jnp.array([0.25, 0.5, 0.75]), (2, 4, 8, 3))

    def run(vertices, texture, angles):
        camera = rasterizer.Camera(angles, jnp.array([0.3, -0.2]), 4.2, 0.5)
        return rasterizer.render(
            vertices, mesh.faces, mesh.uv, mesh.uv_faces, texture, camera, 24, 32, background=jnp.ones(3)
        )

    vertices = jnp.broadcast_to(mesh.vertices, (2, *mesh.vertices.shape)) * 0.8
    out = jax.jit(run)(vertices, texture, jnp.array([0.1, 2.0]))
    hit = np.asarray(out.fragments.face_id) >= 0
    assert out.rgb.shape == (2, 24, 32, 3) and out.mask.shape == (2, 24, 32, 1) and 0.1 < hit.mean() < 0.9
    np.testing.assert_allclose(out.rgb[hit], np.broadcast_to([0.25, 0.5, 0.75], (hit.sum(), 3)), atol=1e-6)
    assert (out.rgb[~hit] == 1).all() and (out.mask[hit] == 1).all() and (out.depth[~hit] == 0).all()

    def loss(*operands):
        out = run(*operands)
        return jnp.sum(out.rgb**2) + jnp.sum(out.mask) + jnp.sum(out.depth)

    gradients = jax.jit(jax.grad(loss, argnums=(0, 1, 2)))(vertices, texture, jnp.array([0.1, 2.0]))
    for gradient in gradients:
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0

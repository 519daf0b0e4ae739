"""Claims about self-labelled cameras: what is trusted, what is drawn, that renders teach to read poses."""

import jax
import jax.numpy as jnp
import numpy as np

import rasterizer
from ganverse_jax.models.perception.pose_regressor import LearnedPoseRegressor
from ganverse_jax.scene.meshes import PredictedMeshes
from ganverse_jax.stages.self_labels import renders
from ganverse_jax.stages.self_labels.renders import Labels, Ranges
from ganverse_jax.stages.self_labels.settings import Settings
from tests.stages.tiny_world import run_in

SIZE, FOV = 16, 0.5


def _meshes(count):
    """Long spheres, red in front, green behind, in several sizes: a pose is to be read off them."""
    sphere = rasterizer.icosphere(1)
    scale = np.linspace(0.8, 1.0, count)[:, None, None] * (0.4, 0.3, 0.9)
    texture = np.zeros((count, 4, 8, 3), np.float32)
    forward = np.asarray(sphere.vertices)[:, 2] > 0
    columns = (np.asarray(sphere.uv) * (8, 4)).astype(int) % (8, 4)
    front = np.zeros((4, 8), bool)
    for face, uv_face in zip(np.asarray(sphere.faces), np.asarray(sphere.uv_faces), strict=True):
        for vertex, uv in zip(face, uv_face, strict=True):
            front[3 - columns[uv, 1], columns[uv, 0]] |= forward[vertex]
    texture[:, front], texture[:, ~front] = (1.0, 0.1, 0.1), (0.1, 1.0, 0.1)
    vertices = (np.asarray(sphere.vertices)[None] * scale).astype(np.float32)
    return PredictedMeshes(vertices, texture, sphere.faces, sphere.uv, sphere.uv_faces, None)


def test_a_network_trained_on_renders_reads_poses_of_new_ones(tmp_path):
    ranges = Ranges((0.0, 0.5), (3.0, 3.4))
    settings = Settings(
        render_steps=250, batch_size=16, pose_widths=(8, 16, 16), pose_hidden=16, learning_rate=1e-2
    )
    meshes = _meshes(4)
    network = renders.train(run_in(tmp_path), settings, meshes, ranges, fov_y=FOV, resolution=SIZE)
    draw = jax.jit(renders._drawing(meshes, ranges, settings, FOV, SIZE))
    rows = np.arange(64) % 4
    batch = {"vertices": meshes.vertices[rows], "texture": meshes.texture[rows], "index": np.arange(64)}
    images, targets = draw(batch, jax.random.key(9))
    read = network.apply(network.params, images)
    cosine = (read[:, :2] * targets[:, :2]).sum(1) / jnp.linalg.norm(read[:, :2], axis=1)
    # Random guesses have a median cosine of 0; 30 degrees are 0.87.
    assert float(jnp.median(cosine)) > 0.87


def test_objects_stand_on_black():
    images, masks = jnp.full((1, 2, 2, 3), 0.5), jnp.asarray([[1.0, 0.0], [0.5, 1.0]])[None, ..., None]
    seen = np.asarray(renders.on_black(images, masks))[0, ..., 0]
    np.testing.assert_allclose(seen, [[0.0, -1.0], [-0.5, 0.0]])


def test_cameras_are_drawn_a_little_beyond_the_learned_ones():
    learned = {"elevation": np.array([0.1, 0.3]), "log_distance": np.log([3.0, 4.0])}
    (low, high), (near, far) = renders.learned_ranges(learned)
    assert low < 0.1 and high > 0.3 and near < 3.1 and far > 3.9


class Reader:
    """Reads its answer off the first pixel: (red, green) are sine and cosine of the azimuth, 128 is 0; of a
    mirror image `honest` gives the opposite azimuth, else the same."""

    elevation_stats, distance_stats = (0.2, 0.1), (4.0, 0.5)

    def __init__(self, honest):
        self.honest = honest

    def predict(self, images):
        mirrored = (images[:, 0, 0] == 0).all(-1)
        pixel = np.where(mirrored[:, None], images[:, 0, -1], images[:, 0, 0]).astype(float)
        sine, cosine = (pixel[:, 0] - 128) / 127, (pixel[:, 1] - 128) / 127
        sign = np.where(mirrored & self.honest, -1, 1)
        return np.stack([sign * sine, cosine, np.ones_like(sine), -np.ones_like(sine)], axis=1)


def _pictures():
    images = np.zeros((2, 2, 4, 3), np.uint8)
    images[0, 0, 0], images[1, 0, 0] = (255, 128, 1), (128, 255, 1)  # azimuths 90 and 0 degrees
    return images, np.full((2, 2, 4), 255, np.uint8)


def test_a_label_is_read_off_the_picture_and_its_mirror_image():
    labels = renders.label(Reader(honest=True), *_pictures())
    np.testing.assert_allclose(labels.azimuth, [np.pi / 2, 0], atol=1e-6)
    np.testing.assert_allclose(labels.certainty, 1, atol=1e-6)
    np.testing.assert_allclose(labels.mirror, 0, atol=1e-6)
    np.testing.assert_allclose(labels.elevation, 0.3)
    np.testing.assert_allclose(labels.distance, 3.5)
    assert labels.trusted(Settings()).all()


def test_a_label_that_the_mirror_image_contradicts_is_not_trusted():
    labels = renders.label(Reader(honest=False), *_pictures())
    # Seen from the side the two readings are opposite; from the front a mirror image tells nothing.
    assert labels.trusted(Settings()).tolist() == [False, True]
    assert labels.mirror[0] == np.float64(np.pi) and labels.certainty[0] < 1e-6


def test_trust_is_what_the_settings_say():
    labels = Labels(*np.zeros((3, 2)), np.array([0.9, 0.5]), np.radians([5.0, 5.0]))
    assert labels.trusted(Settings(min_certainty=0.4)).all()
    assert labels.trusted(Settings(min_certainty=0.6)).tolist() == [True, False]
    assert not labels.trusted(Settings(max_mirror_degrees=4.0)).any()


def test_a_regressor_of_renders_knows_their_range():
    stats = Ranges((0.0, 0.6), (3.0, 5.0)).stats()
    regressor = LearnedPoseRegressor({}, widths=(8,), hidden=8, resolution=SIZE, **stats)
    assert regressor.elevation_stats[0] == 0.3 and regressor.distance_stats[0] == 4.0

"""A fitted camera as other programs take it: a pinhole in the pixels of a whole photo, its crop undone.

Our cameras see a crop with the principal point in its middle, and an offset that amounts to a shift of the
camera sideways (`rasterizer.Camera`). In the photo the same camera has its principal point at the crop's
middle. docs/photo_to_mesh.md has the matrices.
"""

from typing import Any, NamedTuple

import jax
import numpy as np

import rasterizer
from ganverse_jax.data.crops import Crop
from ganverse_jax.scene.cameras import Cameras, rasterizer_cameras

NEAR, FAR = 0.1, 100.0  # of the projection matrix; nothing else depends on them
# From OpenGL's axes of a camera (y up, looking along -z) to OpenCV's (y down, looking along +z).
OPENGL_TO_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])
_view_matrices = jax.jit(rasterizer.Camera.view_matrix)


class Pinhole(NamedTuple):
    """Square pixels, no distortion.

    size: (h, w) of the picture; focal: pixels; centre: (x, y) of the principal point in pixels from the
    picture's top left corner, x right and y down (the first pixel's centre is at (0.5, 0.5));
    world_to_camera [4 4]: of column vectors, with OpenGL's axes.
    """

    size: tuple[int, int]
    focal: float
    centre: tuple[float, float]
    world_to_camera: np.ndarray

    @property
    def camera_to_world(self) -> np.ndarray:
        """The camera's pose [4 4], OpenGL's axes."""
        return np.linalg.inv(self.world_to_camera)

    @property
    def fov_y(self) -> float:
        """The vertical field of view, radians."""
        return 2.0 * float(np.arctan(self.size[0] / (2.0 * self.focal)))

    def projection(self) -> np.ndarray:
        """OpenGL's clip coordinates [4 4] from the camera's, off the middle as the principal point is."""
        (height, width), (x, y) = self.size, self.centre
        matrix = np.zeros((4, 4))
        matrix[0, 0], matrix[0, 2] = 2.0 * self.focal / width, 1.0 - 2.0 * x / width
        matrix[1, 1], matrix[1, 2] = 2.0 * self.focal / height, 2.0 * y / height - 1.0
        matrix[2, 2:] = (FAR + NEAR) / (NEAR - FAR), 2.0 * FAR * NEAR / (NEAR - FAR)
        matrix[3, 2] = -1.0
        return matrix

    def record(self) -> dict[str, Any]:
        """For JSON, as docs/photo_to_mesh.md explains it."""
        (height, width), (x, y) = self.size, self.centre
        in_opencv = OPENGL_TO_OPENCV @ self.world_to_camera
        # OpenCV counts from the first pixel's centre.
        camera_matrix = [[self.focal, 0.0, x - 0.5], [0.0, self.focal, y - 0.5], [0.0, 0.0, 1.0]]
        return {
            "width": width,
            "height": height,
            "intrinsics": {"fx": self.focal, "fy": self.focal, "cx": x, "cy": y},
            "opengl": {
                "projection": self.projection().tolist(),
                "world_to_camera": self.world_to_camera.tolist(),
                "camera_to_world": self.camera_to_world.tolist(),
            },
            "opencv": {
                "camera_matrix": camera_matrix,
                "rotation": in_opencv[:3, :3].tolist(),
                "translation": in_opencv[:3, 3].tolist(),
            },
        }


def crop_pinhole(cameras: Cameras, fov_y: float, size: tuple[int, int]) -> Pinhole:
    """The first of `cameras` as it sees a picture of `size` (h, w); fov_y (vertical) in radians."""
    height, width = size
    view = np.array(_view_matrices(rasterizer_cameras(cameras, np.zeros(1, int), fov_y))[0], np.float64)
    tangent = np.tan(0.5 * fov_y)
    if "offset" in cameras:
        x, y = np.asarray(cameras["offset"][0], float) * tangent * float(cameras["distance"][0])
        view[:2, 3] += x * width / height, y
    return Pinhole(size, height / (2.0 * tangent), (width / 2.0, height / 2.0), view)


def uncropped(pinhole: Pinhole, crop: Crop, size: tuple[int, int]) -> Pinhole:
    """The camera of a crop, which is not turned, as that of the picture of `size` (h, w) it was cut from."""
    (centre,) = crop.to_picture(np.array([pinhole.centre]))
    return pinhole._replace(size=size, focal=pinhole.focal * crop.scale, centre=tuple(map(float, centre)))

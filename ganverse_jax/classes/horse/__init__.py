"""Everything that is true of horses alone."""

from ganverse_jax.classes.horse.drawing import KEYPOINTS, horse
from ganverse_jax.classes.object_class import ObjectClass

CLASS = ObjectClass(
    name="horse",
    plural="horses",
    drawing=horse,
    places=KEYPOINTS,
    labels={"onnx_zoo": 18, "torchvision": 19},
)

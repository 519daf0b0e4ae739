"""Everything that is true of horses alone."""

from ganverse_jax.classes.horse.drawing import horse
from ganverse_jax.classes.horse.keypoints import NAMES, PLACES
from ganverse_jax.classes.object_class import ObjectClass

CLASS = ObjectClass(
    name="horse",
    plural="horses",
    drawing=horse,
    keypoints=NAMES,
    places=PLACES,
    labels={"onnx_zoo": 18, "torchvision": 19},
)

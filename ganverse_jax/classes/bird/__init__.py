"""Everything that is true of birds alone."""

from ganverse_jax.classes.bird.drawing import KEYPOINTS, bird
from ganverse_jax.classes.object_class import ObjectClass

CLASS = ObjectClass(
    name="bird",
    plural="birds",
    drawing=bird,
    places=KEYPOINTS,
    labels={"onnx_zoo": 15, "torchvision": 16},
)

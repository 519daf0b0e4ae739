"""Everything that is true of birds alone."""

from ganverse_jax.classes.bird.drawing import bird
from ganverse_jax.classes.bird.keypoints import NAMES, PLACES
from ganverse_jax.classes.object_class import ObjectClass

CLASS = ObjectClass(
    name="bird",
    plural="birds",
    drawing=bird,
    keypoints=NAMES,
    places=PLACES,
    labels={"onnx_zoo": 15, "torchvision": 16},
)

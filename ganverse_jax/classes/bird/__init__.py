"""Everything that is true of birds alone."""

from ganverse_jax.classes.bird.drawing import KEYPOINTS, bird
from ganverse_jax.classes.object_class import ObjectClass


def _world(**settings):
    from ganverse_jax.classes.bird.toy.world import ToyBirds  # imports JAX

    return ToyBirds(**settings)


CLASS = ObjectClass(
    name="bird",
    plural="birds",
    drawing=bird,
    places=KEYPOINTS,
    labels={"onnx_zoo": 15, "torchvision": 16},
    world=_world,
    articulated=True,
)

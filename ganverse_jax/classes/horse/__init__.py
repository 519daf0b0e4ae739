"""Everything that is true of horses alone."""

from ganverse_jax.classes.horse.drawing import KEYPOINTS, horse
from ganverse_jax.classes.object_class import ObjectClass


def _world(**settings):
    from ganverse_jax.classes.horse.toy.world import ToyHorses  # imports JAX

    return ToyHorses(**settings)


CLASS = ObjectClass(
    name="horse",
    plural="horses",
    drawing=horse,
    places=KEYPOINTS,
    labels={"onnx_zoo": 18, "torchvision": 19},
    world=_world,
    articulated=True,
)

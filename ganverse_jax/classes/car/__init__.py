"""Everything that is true of cars alone."""

from ganverse_jax.classes.car.drawing import KEYPOINTS, car
from ganverse_jax.classes.object_class import ObjectClass


def _world(**settings):
    from ganverse_jax.classes.car.toy.world import ToyCars  # imports JAX

    return ToyCars(**settings)


CLASS = ObjectClass(
    name="car",
    plural="cars",
    drawing=car,
    places=KEYPOINTS,
    labels={"onnx_zoo": 3, "torchvision": 3},
    world=_world,
)

"""Toy birds by the code and the recipe of the toy horses, from random networks; nothing is shipped yet.

    python -m launch.train --config=configs/toy_bird.py --workdir=runs/bird

trains every network, the GAN for hours on 2 CPU cores; the pose regressor stands in for a person. What is not
changed here is configs/toy_horse.py's.
"""

from ml_collections import ConfigDict

from . import toy_horse


def get_config() -> ConfigDict:
    """As configs/toy_horse.py, of birds, trained from random networks."""
    config = toy_horse.get_config()
    config.object_class = "bird"
    config.gan.pretrained = config.perception.pretrained = None
    config.viewpoints.update(annotated_by="pose_regressor", shipped=None, num_views=40)
    for training in (config.inverse_graphics, config.inverse_graphics_posed):
        training.network.template_scale = (0.35, 0.55, 0.80)
    config.report.title = "GANverse-JAX: toy birds"
    return config

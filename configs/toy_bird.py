"""Toy birds by the code and the recipe of the toy horses, from shipped networks.

    python -m launch.train --config=configs/toy_bird.py --workdir=runs/toy_bird

takes about nine minutes on 2 CPU cores; GAN, views and perception networks are shipped. --stages=gan and
--stages=perception train them anew. What is not changed here is configs/toy_horse.py's.
"""

from ml_collections import ConfigDict

from . import toy_horse

SHIPPED = "toy_bird"


def get_config() -> ConfigDict:
    """As configs/toy_horse.py, of birds."""
    config = toy_horse.get_config()
    config.object_class = "bird"
    config.gan.pretrained = config.perception.pretrained = config.viewpoints.shipped = SHIPPED
    config.viewpoints.num_views = 35
    # A small bird from the front, or one with its wings edge on, covers 3.5 % of its picture.
    for pictures in (config.viewpoints, config.multiview_dataset, config.inverse_graphics.on_the_fly):
        pictures.min_area = 0.03
    for training in (config.inverse_graphics, config.inverse_graphics_posed):
        training.network.template_scale = (0.35, 0.55, 0.80)
    config.report.title = "GANverse-JAX: toy birds"
    return config

"""Toy horses by the code and the recipe of the toy cars' first round, from shipped networks.

    python -m launch.train --config=configs/toy_horse.py --workdir=runs/toy_horse

takes about nine minutes on 2 CPU cores; GAN, views and perception networks are shipped. --stages=gan and
--stages=perception train them anew, in 65 and 15 minutes; views of another GAN are then to be annotated
(launch.annotate, with --config.viewpoints.annotated_by=person). What is not changed here is
configs/toy_car_round1.py's.
"""

from ml_collections import ConfigDict

from . import toy_car_round1

SHIPPED = "toy_horse"


def get_config() -> ConfigDict:
    """As configs/toy_car_round1.py, of horses."""
    config = toy_car_round1.get_config()
    config.object_class = "horse"
    config.gan.update(pretrained=SHIPPED, num_steps=10_000, decay=0.3, save_every=250)
    config.perception.pretrained = SHIPPED
    config.viewpoints.update(annotated_by="shipped", shipped=SHIPPED, num_views=32)
    # From the front a horse covers 5 to 12 % of its picture; the paper's tenth would leave those views out.
    for pictures in (config.viewpoints, config.multiview_dataset, config.inverse_graphics.on_the_fly):
        pictures.min_area = 0.04
    for training in (config.inverse_graphics, config.inverse_graphics_posed):
        training.network.template_scale = (0.22, 0.62, 0.85)
    config.report.title = "GANverse-JAX: toy horses"
    return config

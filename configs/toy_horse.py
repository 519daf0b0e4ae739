"""Toy horses by the code and the recipe of the toy cars' first round; nothing is shipped yet.

    python -m launch.train --config=configs/toy_horse.py --workdir=runs/horse

trains every network, the GAN for hours on 2 CPU cores; the pose regressor stands in for a person. What is not
changed here is configs/toy_car_round1.py's.
"""

from ml_collections import ConfigDict

from . import toy_car_round1


def get_config() -> ConfigDict:
    """As configs/toy_car_round1.py, of horses, from random networks."""
    config = toy_car_round1.get_config()
    config.object_class = "horse"
    config.gan.update(pretrained=None, save_every=250)
    config.perception.pretrained = None
    config.viewpoints.update(annotated_by="pose_regressor", shipped=None)
    # From the front a horse covers 5 to 12 % of its picture; the paper's tenth would leave those views out.
    for pictures in (config.viewpoints, config.multiview_dataset, config.inverse_graphics.on_the_fly):
        pictures.min_area = 0.04
    for training in (config.inverse_graphics, config.inverse_graphics_posed):
        training.network.template_scale = (0.22, 0.62, 0.85)
    config.report.title = "GANverse-JAX: toy horses"
    return config

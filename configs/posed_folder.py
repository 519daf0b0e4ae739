"""Inverse graphics on a folder of posed pictures of your own, without any GAN.

    python -m launch.train --config=configs/posed_folder.py --workdir=runs/mine \\
        --config.inverse_graphics.posed_folder=my_pictures

Any source of views will do: renders, captures, a diffusion model. The layout is in
ganverse_jax/data/multiview/posed_folder.py. Settings are the toy world's; for thousands of large pictures
take those of configs/paper.py.
"""

from ml_collections import ConfigDict

from . import toy_car


def get_config() -> ConfigDict:
    """All settings, one section per stage; stages that need a GAN are no part of it."""
    config = toy_car.get_config()
    for name in (
        "gan",
        "perception",
        "viewpoints",
        "multiview_dataset",
        "inverse_graphics_posed",
        "stylegan_r",
    ):
        config[name] = None
    training = config.inverse_graphics
    training.labelled.labels = None
    training.update(
        perceptual_blocks=0,
        weights=dict(perceptual=0.0),
        posed_folder="posed_images",
        posed_size=(64, 64),
        camera_origin="given",
        multiview_weight=1.0,
    )
    config.report.title = "GANverse-JAX: posed pictures"
    return config

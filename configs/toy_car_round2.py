"""Round two of the loop for toy cars: the GAN refined by what round one's inverse graphics network sees.

    python -m launch.train --config=configs/toy_car_round2.py --workdir=runs/round2

takes the shipped GAN of round two (assets/toy_car_round2). With --stages=gan it is trained, for hours, after
configs/toy_car_labels.py has left its networks in runs/round1; launch.rounds does both.
"""

from ml_collections import ConfigDict

from ganverse_jax.stages.gan.settings import Camera

from . import toy_car
from .defaults import to_config


def get_config() -> ConfigDict:
    """As configs/toy_car.py, with a camera as input of the GAN."""
    config = toy_car.get_config()
    config.gan.update(
        pretrained="toy_car_round2",
        start_from="toy_car",
        camera=to_config(
            Camera(teacher="runs/round1/self_labels", pose_weight=4.0, shape_weight=1.5, texture_weight=0.3)
        ),
        num_images=80_000,
        num_steps=6800,
        learning_rate=4e-3,
        decay=0.4,
        path_length_weight=0.0,
        ema_half_life=4_000.0,
        log_every=50,
        save_every=250,
    )
    config.viewpoints.update(annotated_by="camera", shipped=None, num_views=48)
    config.inverse_graphics.update(camera_origin="given", multiview_weight=1.0)
    config.report.title = "GANverse-JAX: toy cars, round two"
    return config

"""The end of round one for toy cars: cameras of real pictures, by the shipped networks and without any truth.

    python -m launch.train --config=configs/toy_car_labels.py --workdir=runs/round1 --stages=self_labels

Round two (configs/toy_car.py) learns from it.
"""

from ml_collections import ConfigDict

from ganverse_jax.stages.self_labels.settings import Settings

from . import toy_car_round1
from .defaults import to_config


def get_config() -> ConfigDict:
    """As configs/toy_car_round1.py, with the self_labels stage."""
    config = toy_car_round1.get_config()
    config.self_labels = to_config(Settings(network="toy_car"))
    return config

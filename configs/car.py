"""The paper's car model: StyleGAN2 of LSUN Car at 512 x 384, 39 views, 6000 objects.

    python -m launch.train --config=configs/car.py --workdir=runs/car

The paper: 200,000 steps of batch 16, about 120 hours on four V100 (Sec. 4.1; 60 hours in Table A).
"""

from ml_collections import ConfigDict

from . import paper


def get_config() -> ConfigDict:
    """All settings, one section per stage."""
    return paper.get_config(
        name="car",
        views=39,
        objects=6000,
        crop=(64, 448),
        origin="NVIDIA's stylegan2-car-config-e-512x384 (trained on LSUN Car"
        "; NVIDIA Source Code License, non-commercial)",
    )

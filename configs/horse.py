"""The paper's horse model: StyleGAN2 of LSUN Horse at 256 x 256, 22 views, 1000 objects.

    python -m launch.train --config=configs/horse.py --workdir=runs/horse

The paper: 200,000 steps of batch 16, about 120 hours on four V100 (Sec. 4.1; 60 hours in Table A).
"""

from ml_collections import ConfigDict

from . import paper


def get_config() -> ConfigDict:
    """All settings, one section per stage."""
    return paper.get_config(
        name="horse",
        views=22,
        objects=1000,
        crop=None,
        origin="NVIDIA's stylegan2-horse-config-f-256x256 (trained on LSUN H"
        "orse; NVIDIA Source Code License, non-commercial)",
    )

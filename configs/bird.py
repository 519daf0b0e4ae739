"""The paper's bird model: StyleGAN2 of NABirds at 256 x 256, 8 views, 1000 objects.

    python -m launch.train --config=configs/bird.py --workdir=runs/bird

The paper: 200,000 steps of batch 16, about 120 hours on four V100 (Sec. 4.1; 60 hours in Table A).
"""

from ml_collections import ConfigDict

from configs import paper


def get_config() -> ConfigDict:
    """All settings, one section per stage."""
    return paper.get_config(
        name="bird",
        views=8,
        objects=1000,
        crop=None,
        origin="a StyleGAN2 trained on NABirds' 48,562 images (the data's te"
        "rms allow non-commercial research; no weights were released)",
    )

"""A longer recipe for toy cars: half an hour each for the inverse graphics and StyleGAN-R instead of minutes.

    python -m launch.train --config=configs/toy_car_long.py --workdir=runs/toy_car_long

Everything that `toy_car` does not change here is its own.
"""

from ml_collections import ConfigDict

from .toy_car import get_config as get_toy_car


def get_config() -> ConfigDict:
    """`toy_car` with more objects, a wider network and many more steps."""
    config = get_toy_car()
    config.multiview_dataset.num_objects = 2000
    for training in (config.inverse_graphics, config.inverse_graphics_posed):
        training.network.encoder_width = 32
        training.network.encoder_blocks = (1, 2, 2)
        training.network.free_scale = 0.3
        training.weights.laplacian = 2.0
    config.inverse_graphics.weights.iou = 8.0
    config.inverse_graphics.weights.labelled = 1.0
    config.inverse_graphics.labelled.update(num_images=12000, batch_size=16)
    config.inverse_graphics.num_steps = 2500
    config.inverse_graphics.perceptual_start = 1500
    config.inverse_graphics.save_every = 500
    config.inverse_graphics_posed.num_objects = 600
    config.inverse_graphics_posed.num_steps = 2000
    # Sharpness, and what the discriminator takes from outlines and backgrounds (docs/loop.md).
    rendering = config.stylegan_r
    rendering.num_samples = 8000
    rendering.warmup.num_steps = 1500
    rendering.finetune.num_steps = 1600
    rendering.finetune.learning_rates.update(mapper=5e-4, generator=5e-4)
    rendering.finetune.weights.update(adversarial=0.5, behind=8.0, outline=8.0, texture=100.0)
    config.report.title = "GANverse-JAX: toy cars, the long recipe"
    return config

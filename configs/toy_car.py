"""The embedded default: a small world of procedural cars, run by the very code that runs `car`.

    python -m launch.train --config=configs/toy_car.py --workdir=runs/toy_car

Under 15 minutes on 2 CPU cores; the GAN and the toy perception networks are shipped (assets/toy_car).
Step counts and learning rates are the toy's own; the paper's are in configs/car.py.
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    """All settings, one section per stage."""
    config = ConfigDict()
    config.seed = 0
    config.num_devices = 1
    config.world = dict(seed=0, fov_degrees=30.0, distance=4.2)
    config.gan = dict(
        pretrained="toy_car",
        generator=dict(
            resolution=64, z_dim=128, w_dim=128, mapping_layers=4, channel_base=1024, channel_max=64
        ),
        discriminator=dict(resolution=64, channel_base=1024, channel_max=64, mbstd_group=4),
        truncation=0.8,
        cache="",
        num_images=40000,
        batch_size=16,
        num_steps=40000,
        learning_rate=2.5e-3,
        r1_gamma=0.3,
        r1_interval=16,
        path_length_weight=2.0,
        path_length_interval=8,
        style_mixing=0.9,
        ema_half_life=10000,
        ema_rampup=0.05,
        log_every=50,
        save_every=500,
    )
    return config

"""Round one of the loop for toy cars, as in the paper: a GAN that knows no camera, its views binned by hand.

    python -m launch.train --config=configs/toy_car_round1.py --workdir=runs/round1

takes the shipped GAN and its annotation (assets/toy_car). What is not changed here is configs/toy_car.py's.
"""

from ml_collections import ConfigDict

from ganverse_jax.stages.gan.settings import Settings

from . import toy_car

# Shape and texture exchanged together, seen by one camera, and gates that choose: Eq. 5 and 6 and an anchor.
WARMUP = dict(weights=dict(entropy=2e-2))
FINETUNE = dict(
    swap=False,
    camera_jitter=0.0,
    distance_jitter=0.0,
    num_steps=120,
    learning_rates=dict(mapper=3e-4, generator=3e-4),
    weights=dict(
        shape=100.0,
        texture=20.0,
        background=0.1,
        background_pair=0.1,
        anchor=5.0,
        outline=0.0,
        behind=0.0,
        adversarial=0.0,
    ),
)


def get_config() -> ConfigDict:
    """As configs/toy_car.py, from the first GAN; --stages=gan trains one anew."""
    config, fresh = toy_car.get_config(), Settings()
    config.gan.update(
        pretrained="toy_car",
        start_from=None,
        num_images=fresh.num_images,
        num_steps=fresh.num_steps,
        learning_rate=8e-3,
        decay=0.2,
        path_length_weight=fresh.path_length_weight,
        ema_half_life=fresh.ema_half_life,
        save_every=fresh.save_every,
    )
    config.gan.camera = None
    config.viewpoints.update(annotated_by="shipped", shipped="toy_car", num_views=40)
    # The first GAN's views agree on a car's colours but less on its shape; Eq. 2 counts both views alike.
    config.inverse_graphics.update(
        num_steps=1000, perceptual_start=500, camera_origin="bins", multiview_weight=0.5
    )
    config.inverse_graphics.labelled.labels = None
    config.stylegan_r.warmup.update(WARMUP)
    config.stylegan_r.finetune.update(FINETUNE)
    config.report.title = "GANverse-JAX: toy cars, round one"
    return config

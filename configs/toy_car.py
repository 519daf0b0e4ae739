"""The embedded default: a small world of procedural cars, run by the very code that runs `car`.

    python -m launch.train --config=configs/toy_car.py --workdir=runs/toy_car

Under 15 minutes on 2 CPU cores; the GAN of round two (assets/toy_car_round2, docs/loop.md) and the toy
perception networks (assets/toy_car) are shipped. With --stages=gan that GAN is trained, for hours, after
configs/toy_car_labels.py has left its networks in runs/round1; launch.rounds does both.
Step counts and learning rates are the toy's own; the paper's are in configs/car.py. What is not set here is a
default of the stage's settings (ganverse_jax/stages/*/settings.py), which explain every one.
"""

from ml_collections import ConfigDict

from ganverse_jax.stages.gan.settings import Camera, DiscriminatorSize, GeneratorSize

from .defaults import experiment, to_config

# The network is small and fresh: high learning rates, soft silhouettes, a car-like ellipsoid to start from,
# and a shape of low-degree spherical harmonics let a few hundred steps settle.
TRAINING = dict(
    network=dict(
        template_scale=(0.42, 0.35, 0.88),
        shape_degree=8,
        free_scale=0.1,
        encoder_width=24,
        encoder_blocks=(1, 1, 1),
        code_size=256,
        shape_hidden=256,
        texture_size=64,
        texture_channels=(96, 64, 48, 32),
    ),
    weights=dict(flatten=0.1, movement=0.1),
    learning_rate=1.5e-3,
    camera_learning_rate=5e-3,
    camera_start=30,
    decay=True,
    # A blur of a third of a pixel at 64 pixels: softer silhouettes leave shapes too small.
    sigma_inverse=30000.0,
    log_every=25,
    save_every=100,
)
STYLEGAN_R = dict(
    num_examples=1200,
    num_samples=3000,
    include_torgb=True,
    mapper=dict(view_dims=256, channels=16, channels_max=64, gate_speed=10.0, distance=True),
    # Every style holds all of an object here, so gates that choose one property starve the others; and pairs
    # are swapped and turned as people will do it (docs/loop.md).
    warmup=dict(num_steps=600, learning_rates=dict(mapper=1.5e-3), weights=dict(entropy=0.0), decay=0.4),
    finetune=dict(
        swap=True,
        camera_jitter=4.0,
        distance_jitter=0.2,
        num_steps=240,
        batch_size=8,
        learning_rates=dict(mapper=6e-4, generator=6e-4, discriminator=1e-3),
        weights=dict(
            shape=1000.0,
            texture=50.0,
            background=0.1,
            background_pair=0.1,
            anchor=5.0,
            outline=5.0,
            behind=3.0,
            adversarial=0.5,
        ),
        decay=0.3,
    ),
    log_every=25,
    save_every=100,
)


def get_config() -> ConfigDict:
    """All settings, one section per stage."""
    config = experiment("car", num_devices=1)
    config.gan.update(
        pretrained="toy_car_round2",
        start_from="toy_car",
        generator=to_config(GeneratorSize()),
        discriminator=to_config(DiscriminatorSize()),
        camera=to_config(
            Camera(teacher="runs/round1/self_labels", pose_weight=4.0, shape_weight=1.5, texture_weight=0.3)
        ),
        weights_dtype="float16",
        num_images=80_000,
        num_steps=6800,
        learning_rate=4e-3,
        decay=0.4,
        r1_gamma=0.3,
        path_length_weight=0.0,
        path_length_interval=8,
        ema_half_life=4_000.0,
        ema_rampup=0.05,
        save_every=250,
    )
    config.perception.pretrained = "toy_car"
    config.viewpoints.update(annotated_by="camera", num_views=48)
    config.multiview_dataset.views_per_object = 12
    config.inverse_graphics.update(TRAINING)
    config.inverse_graphics.update(
        num_steps=900,
        camera_origin="given",
        labelled=dict(labels="toy_car_round2", batch_size=8),
        perceptual_start=450,
    )
    config.inverse_graphics_posed.update(TRAINING | dict(num_steps=400))
    config.stylegan_r.update(STYLEGAN_R)
    config.report.title = "GANverse-JAX: toy cars"
    return config

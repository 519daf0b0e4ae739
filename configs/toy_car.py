"""The embedded default: a small world of procedural cars, run by the very code that runs `car`.

    python -m launch.train --config=configs/toy_car.py --workdir=runs/toy_car

Under 15 minutes on 2 CPU cores; the GAN and the toy perception networks are shipped (assets/toy_car).
Step counts and learning rates are the toy's own; the paper's are in configs/car.py.
"""

from ml_collections import ConfigDict
from ml_collections.config_dict import placeholder

from configs.gan_data import get_data


def get_config() -> ConfigDict:
    """All settings, one section per stage."""
    config = ConfigDict()
    config.object_class = "car"
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
        weights_dtype="float16",
        start_from=placeholder(str),
        # Or kind "images" (path: a folder or .zip), "lsun" (an LMDB), "tfds" (name): stages/gan/data.py.
        data=get_data(),
        mirror=False,
        num_images=40000,
        batch_size=16,
        num_steps=16000,
        learning_rate=8e-3,
        decay=0.2,
        r1_gamma=0.3,
        r1_interval=16,
        path_length_weight=2.0,
        path_length_interval=8,
        style_mixing=0.9,
        # For few images adaptive=True; or a fixed probability: stages/gan/adaptive.py.
        augment=dict(adaptive=False, probability=0.0, target=0.6, interval=4, ramp=500_000),
        compute_dtype="float32",  # "bfloat16" is faster on GPUs and TPUs
        ema_half_life=10000,
        ema_rampup=0.05,
        log_every=50,
        save_every=500,
    )
    config.perception = dict(
        pretrained="toy_car",
        resolution=64,
        num_train=8000,
        num_validation=500,
        batch_size=32,
        segmenter_steps=700,
        pose_steps=2000,
        learning_rate=3e-3,
        log_every=20,
        save_every=100,
    )
    config.viewpoints = dict(
        annotated_by="shipped",
        shipped="toy_car",
        num_views=40,
        num_candidates=400,
        num_contents=12,
        view_truncation=1.0,
        content_truncation=0.8,
    )
    config.multiview_dataset = dict(num_objects=320, views_per_object=12, content_truncation=0.8)
    # The network is small and fresh: high learning rates, soft silhouettes, a car-like ellipsoid to start
    # from, and a shape of low-degree spherical harmonics let a few hundred steps settle.
    training = dict(
        network=dict(
            icosphere_level=3,
            template_scale=(0.42, 0.35, 0.88),
            shape_degree=8,
            free_scale=0.1,
            symmetric=True,
            encoder_width=24,
            encoder_blocks=(1, 1, 1),
            code_size=256,
            shape_hidden=256,
            texture_size=64,
            texture_channels=(96, 64, 48, 32),
            texture="decoded",  # or "flow", "flow_and_colour": sampled from the picture
            encoder_architecture="residual",  # or "resnet18", "resnet50" with encoder_weights
            lighting=False,
            compute_dtype="float32",  # "bfloat16" for convolutions, on GPUs and TPUs
        ),
        encoder_weights=placeholder(str),  # torchvision's file of a ResNet encoder
        weights=dict(
            colour=20.0, perceptual=0.5, iou=3.0, laplacian=5.0, flatten=0.1, movement=0.1, flow=2.0
        ),
        batch_size=16,
        learning_rate=1.5e-3,
        camera_learning_rate=5e-3,
        camera_start=30,
        camera_offset=False,  # True: also learn where the object stands in the picture
        decay=True,
        clip_norm=placeholder(float),  # a limit to the gradient's global norm; None: none
        single_view=False,  # True: no multi-view term
        multiview_weight=1.0,  # of the loss in the view that the network does not see
        # A blur of a third of a pixel at 64 pixels: softer silhouettes leave shapes too small.
        sigma_inverse=30000.0,
        margin=0.02,
        log_every=25,
        save_every=100,
    )
    config.inverse_graphics = training | dict(
        num_steps=1000,
        # The toy GAN's views agree on a car's colours but less on its shape; Eq. 2 counts both views alike.
        multiview_weight=0.5,
        perceptual_start=500,
        perceptual_blocks=4,
        # "discriminator": the GAN's own, nothing from outside; or "lpips", the paper's, from files you get.
        perceptual=dict(
            source="discriminator", vgg="weights/vgg16-397923af.pth", lpips="weights/lpips_vgg.pth"
        ),
        camera_origin="bins",  # or "given": cameras that clicked keypoints gave
        # "disk": the set above, in memory while its images take at most memory_gib; "generator": no set, new
        # objects at every step, drawn as on_the_fly says.
        source="disk",
        memory_gib=2.0,
        on_the_fly=dict(content_truncation=0.8, num_held_out=16),
    )
    config.inverse_graphics_posed = training | dict(
        resolution=64, num_objects=160, num_views=24, views_per_object=12, num_steps=400
    )
    config.stylegan_r = dict(
        num_examples=1200,
        num_samples=3000,
        content_truncation=0.8,
        include_torgb=True,
        mapper=dict(view_dims=256, hidden=(256, 256), channels=16, channels_max=64, gate_speed=10.0),
        warmup=dict(
            num_steps=600,
            batch_size=16,
            learning_rates=dict(mapper=1.5e-3),
            weights=dict(entropy=2e-2),
            decay=0.4,
        ),
        finetune=dict(
            num_steps=120,
            batch_size=8,
            learning_rates=dict(mapper=3e-4, generator=3e-4),
            weights=dict(shape=100.0, texture=20.0, background=0.1, background_pair=0.1, anchor=5.0),
            decay=0.3,
        ),
        log_every=25,
        save_every=100,
    )
    config.report = dict(title="GANverse-JAX: toy cars")
    return config

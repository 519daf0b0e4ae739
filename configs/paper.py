"""What car, horse and bird share: the paper's own numbers (Secs. 3, 4.1, 4.2 of arXiv:2010.09125)."""

from ml_collections import ConfigDict
from ml_collections.config_dict import placeholder


def get_config(
    *, name: str, views: int, objects: int, crop: tuple[int, int] | None, origin: str
) -> ConfigDict:
    """Settings of one real class.

    Args: name: of the class and of the weights' folder; views, objects: chosen view codes and sampled
    contents; crop: rows (top, bottom) of the generator's image that hold the picture; origin: where
    the GAN's weights come from, and their licence.
    """
    rows = placeholder(tuple) if crop is None else crop
    config = ConfigDict()
    config.object_class = name
    config.seed = 0
    config.num_devices = placeholder(int)  # all there are
    config.world = dict(seed=0, fov_degrees=30.0, distance=4.2)
    config.gan = dict(
        pretrained=f"weights/stylegan2_{name}",
        how_to_get=(
            f"get {origin} and run: python -m launch.import_stylegan2 --pickle=FILE "
            f"--out=weights/stylegan2_{name}"
        ),
        generator=None,
        discriminator=None,
        truncation=0.7,
    )
    # The paper's Mask R-CNN as a file; source "masks" reads a folder of PNGs that any tool may make, and
    # "network" is a segmenter trained by this code.
    config.perception = dict(
        pretrained=f"weights/perception_{name}",
        how_to_get=f"train a segmenter of {name}s and save it there (models/perception/segmenter.py)",
        segmenter=dict(
            source="onnx",
            path="weights/mask_rcnn.onnx",
            class_name=name,
            card="onnx_zoo",
            label=placeholder(int),
            min_score=0.5,
            folder=f"masks_{name}",
            soft=False,
        ),
    )
    config.viewpoints = dict(
        annotated_by="person",
        num_views=views,
        num_candidates=1000,
        num_contents=16,
        view_truncation=0.7,
        content_truncation=0.7,
        batch_size=16,
        crop=rows,
    )
    config.multiview_dataset = dict(
        num_objects=objects,
        views_per_object=placeholder(int),  # all that the person keeps
        content_truncation=0.7,
        batch_size=16,
        crop=rows,
    )
    config.inverse_graphics = dict(
        network=dict(
            icosphere_level=3,
            template_scale=(1.0, 1.0, 1.0),
            shape_degree=placeholder(int),
            symmetric=True,
            encoder_width=64,
            encoder_blocks=(2, 2, 2, 2),
            code_size=512,
            shape_hidden=1024,
            texture_size=512,
            texture_channels=(512, 512, 256, 128, 64, 32, 16),
            texture="decoded",  # or "flow", "flow_and_colour": sampled from the picture
            encoder_architecture="residual",  # or "resnet18", "resnet50" with encoder_weights
            lighting=False,
            compute_dtype="float32",  # "bfloat16" for convolutions, on GPUs and TPUs
        ),
        encoder_weights=placeholder(str),  # torchvision's file of a ResNet encoder
        weights=dict(  # the paper's; flow is that of a texture flow, which it has not
            colour=20.0, perceptual=0.5, iou=3.0, laplacian=5.0, flatten=5.0, movement=2.5, flow=2.0
        ),
        num_steps=200_000,
        batch_size=16,
        learning_rate=1e-4,
        camera_learning_rate=1e-4,
        clip_norm=placeholder(float),  # a limit to the gradient's global norm; the paper names none
        single_view=False,  # True: no multi-view term
        multiview_weight=1.0,  # of the loss in the view that the network does not see (Eq. 2: 1)
        camera_origin="bins",  # "given" starts from keypoints' cameras
        camera_offset=False,  # True: also learn where the object stands in the picture
        perceptual_start=3000,
        # The paper's VGG features, from files that you get: torchvision's VGG16 (BSD-3-Clause; trained on
        # ImageNet) and weights/v0.1/vgg.pth of PerceptualSimilarity (BSD-2-Clause).
        perceptual=dict(source="lpips", vgg="weights/vgg16-397923af.pth", lpips="weights/lpips_vgg.pth"),
        source="disk",  # or "generator", see configs/toy_car.py
        memory_gib=2.0,
        on_the_fly=dict(content_truncation=0.7, num_held_out=32, crop=rows),
        log_every=100,
        save_every=2000,
    )
    config.inverse_graphics_posed = None  # needs a world whose truth is known
    config.stylegan_r = dict(
        cycle_mask="render",  # no gradient passes a Mask R-CNN
        num_examples=6000,  # held in memory, about 2 MB each
        mapper=dict(view_dims=144),
        warmup=dict(
            num_steps=700, batch_size=16, learning_rates=dict(mapper=1e-5), weights=dict(entropy=1.0)
        ),
        finetune=dict(
            num_steps=2500,
            batch_size=16,
            learning_rates=dict(mapper=1e-5, generator=1e-5),
            weights=dict(shape=1.0, texture=1.0, background=1.0, background_pair=1.0, anchor=0.0),
        ),
    )
    config.report = dict(title=f"GANverse-JAX: {name}")
    return config

"""The paper's PASCAL-model (Sec. 4.1, Table 1): inverse graphics on Pascal3D+'s cars alone, with its cameras.

    python -m launch.train --config=configs/pascal3d_car.py --workdir=runs/pascal3d \\
        --config.inverse_graphics.pascal3d=PASCAL3D+_release1.1

"Exactly the same model" as the paper's car, on about 4000 objects of one view each: no multi-view term, and
cameras from the annotation, which do not move. Masks are no part of the release: masks.source "pngs" reads
PASCAL3D+_release1.1/masks/car_imagenet/ID.png and .../car_pascal/ID.png, made by any tool (VOC's own
SegmentationObject serves for its pictures); "onnx" runs a Mask R-CNN. The perceptual term is left out;
perceptual.source=lpips with weights.perceptual=0.5 is the paper's (configs/paper.py says which files).

The paper: 200,000 steps of batch 16, about 120 hours on four V100 (Sec. 4.1; 60 hours in Table A).
"""

from ml_collections import ConfigDict

from . import car


def get_config() -> ConfigDict:
    """All settings, one section per stage; stages that need a GAN are no part of it."""
    config = car.get_config()
    for name in ("gan", "perception", "viewpoints", "multiview_dataset", "stylegan_r"):
        config[name] = None
    config.inverse_graphics.update(
        perceptual=dict(source="none"),
        # A sphere of radius 1 would fill the crop of a car seen from its front, and an outline beyond the
        # picture has no gradient.
        network=dict(template_scale=(0.4, 0.35, 0.88)),
        weights=dict(perceptual=0.0),
        single_view=True,
        camera_origin="given",
        camera_learning_rate=0.0,
        pascal3d="PASCAL3D+_release1.1",
    )
    config.report.title = "GANverse-JAX: Pascal3D+ cars"
    return config

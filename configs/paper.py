"""What car, horse and bird share: the paper's own numbers (Secs. 3, 4.1, 4.2 of arXiv:2010.09125).

Most are defaults of the stages' settings (ganverse_jax/stages/*/settings.py), which explain every one.
"""

from ml_collections import ConfigDict

from .defaults import experiment


def get_config(
    *, name: str, views: int, objects: int, crop: tuple[int, int] | None, origin: str
) -> ConfigDict:
    """Settings of one real class.

    name: of the class and the weights' folder; views, objects: chosen view codes and sampled contents; crop:
    rows of the generator's image that hold the picture; origin: where its weights come from, their licence.
    """
    config = experiment(name)
    config.gan.update(
        pretrained=f"weights/stylegan2_{name}",
        how_to_get=f"get {origin} and run: "
        f"python -m launch.import_stylegan2 --pickle=FILE --out=weights/stylegan2_{name}",
        truncation=0.7,
        crop=crop,
    )
    # The paper's Mask R-CNN as a file; source "masks" reads a folder of PNGs that any tool may make, and
    # "network" is a segmenter trained by this code.
    config.perception.update(
        pretrained=f"weights/perception_{name}",
        how_to_get=f"train a segmenter of {name}s and save it there (models/perception/segmenter.py)",
        segmenter=dict(source="onnx", folder=f"masks_{name}"),
    )
    # Every candidate is segmented in every content, seconds each without a GPU; a killed set keeps parts.
    few = dict(num_candidates=max(4 * views, 100), num_contents=8)
    config.viewpoints.update(num_views=views, view_truncation=0.7, batch_size=16, **few)
    config.multiview_dataset.update(num_objects=objects, objects_per_part=4, batch_size=16)
    config.inverse_graphics.update(
        perceptual_start=3000,
        perceptual=dict(source="lpips"),
        on_the_fly=dict(num_held_out=32),
        log_every=100,
        save_every=2000,
    )
    config.inverse_graphics_posed = None  # needs a world whose truth is known
    config.stylegan_r.cycle_mask = "render"  # no gradient passes a Mask R-CNN
    config.report.title = f"GANverse-JAX: {name}"
    return config

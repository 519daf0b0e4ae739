"""What sections of several stages must agree on, checked before any stage begins."""

from collections.abc import Mapping
from typing import Any

from ganverse_jax import classes
from ganverse_jax.pipeline.experiment import Experiment


def check_together(experiment: Experiment) -> None:
    """Raise ValueError, with a setting's path and a remedy, for sections that do not go together."""
    kind, sections = classes.get(experiment.object_class), experiment.stages
    _check_sections(sections)
    if sections["perception"] is not None:
        _check_masks(sections, sections["perception"].segmenter.source)
    if kind.world is None:
        _check_world(sections, f"and there is no toy world of {kind.plural}")
    classes.check_pose(kind, experiment.world.pose)


def _check_sections(sections: Mapping[str, Any]) -> None:
    """What every setting of these stages needs, whatever else they say."""
    needed = {
        "viewpoints": ("gan", "perception"),
        "multiview_dataset": ("gan", "perception", "viewpoints"),
        "self_labels": ("gan", "perception"),
        "stylegan_r": ("gan", "perception", "viewpoints", "multiview_dataset", "inverse_graphics"),
    }
    for name, others in needed.items():
        absent = [other for other in others if sections[other] is None]
        if sections[name] is not None and absent:
            raise ValueError(
                f"{absent[0]} = None, but {name} reads it; give its section, or set {name} to None"
            )
    gan, views, dataset = (sections[name] for name in ("gan", "viewpoints", "multiview_dataset"))
    if views is not None and views.annotated_by == "camera" and gan.camera is None and gan.pretrained is None:
        raise ValueError(
            "viewpoints.annotated_by = 'camera', but this GAN takes none (gan.camera is None); set it to "
            "'person', or see configs/toy_car.py"
        )
    if None not in (views, dataset) and views.annotated_by != "shipped":
        if (dataset.views_per_object or 0) > views.num_views:
            raise ValueError(
                f"multiview_dataset.views_per_object = {dataset.views_per_object} of viewpoints.num_views = "
                f"{views.num_views}; set it to that or less"
            )


def _check_masks(sections: Mapping[str, Any], source: str) -> None:
    views, training, renderer = (sections[name] for name in ("viewpoints", "inverse_graphics", "stylegan_r"))
    if views is not None and views.annotated_by == "pose_regressor" and source != "network":
        raise ValueError(
            "viewpoints.annotated_by = 'pose_regressor', but there is none beside masks of another kind "
            f"(perception.segmenter.source = {source!r}); set viewpoints.annotated_by to 'person'"
        )
    if training is not None and training.source == "generator" and source == "masks":
        raise ValueError(
            "inverse_graphics.source = 'generator' draws new images at every step, which no folder of masks "
            "has (perception.segmenter.source = 'masks'); set inverse_graphics.source to 'disk'"
        )
    if sections["self_labels"] is not None and source != "network":
        raise ValueError(
            "self_labels teaches a GAN by gradients through the masks, which pass only the network's "
            f"(perception.segmenter.source = {source!r}); set perception.segmenter.source to 'network'"
        )
    if renderer is not None and renderer.cycle_mask == "segment" and source != "network":
        raise ValueError(
            "stylegan_r.cycle_mask = 'segment', but no gradient passes masks of another kind than the "
            f"network's (perception.segmenter.source = {source!r}); set stylegan_r.cycle_mask to 'render'"
        )


def _check_world(sections: Mapping[str, Any], without: str) -> None:
    gan, perception, posed = (sections[name] for name in ("gan", "perception", "inverse_graphics_posed"))
    if gan is not None and gan.pretrained is None and gan.generator is not None and gan.data.kind == "world":
        raise ValueError(f"gan.data.kind = 'world', {without}; set gan.data.kind to pictures of your own")
    trains = perception is not None and perception.pretrained is None
    if trains and perception.segmenter.source == "network":
        raise ValueError(
            f"perception.pretrained = None trains on the toy world, {without}; set it to a folder of "
            "networks, or perception.segmenter.source to 'onnx' or 'masks'"
        )
    if posed is not None:
        raise ValueError(
            f"inverse_graphics_posed.num_objects = {posed.num_objects} of the toy world, {without}; set the "
            "whole section to None in the config"
        )

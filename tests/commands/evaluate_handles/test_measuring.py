"""Claims about what the handles' figures tell: coloured boxes on coloured grounds, drawn by rule."""

import numpy as np
import pytest

from ganverse_jax.commands.evaluate_handles.command import table
from ganverse_jax.commands.evaluate_handles.measuring import Instruments, Subject, measure, question
from ganverse_jax.evaluation.handles import AIMS, reached
from ganverse_jax.stages.stylegan_r.properties import Properties

SIZE, COUNT, VIEWS = 64, 24, 6
HANDLES = {
    "camera": {
        "azimuth_error",
        "azimuth_within_15",
        "elevation_error",
        "mask_iou_other_view",
        "psnr_camera",
        "scale_error",
    },
    "shape": {"shape_iou_donor", "shape_iou_margin", "shape_follows", "psnr_shape"},
    "texture": {"texture_ratio", "psnr_texture"},
    "background": {"background_ratio"},
}


def _masks(cameras, shapes):
    """Boxes of half sizes shapes[:, 0, :2] at a distance of 4, as far from the middle as the elevation says,
    in the direction of the azimuth."""
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    far = 12 + 30 * cameras[:, 1]
    centre = SIZE / 2 + far * np.stack([np.cos(cameras[:, 0]), np.sin(cameras[:, 0])])
    width, height = shapes[:, 0, :2].T * 4 / cameras[:, 2]
    inside = np.abs(x - centre[0][:, None, None]) < width[:, None, None]
    return inside & (np.abs(y - centre[1][:, None, None]) < height[:, None, None])


def _draw(cameras, shapes, textures, images, masks):
    """What is asked for: the box before the colour of the picture's corner, which is never blue."""
    inside = _masks(cameras, shapes)[..., None]
    ground = images[:, :1, :1].astype(np.float32) / 255
    return np.where(inside, textures[:, :1, :1].astype(np.float32), ground)


def _dibr(cameras, shapes, textures):
    inside = _masks(cameras, shapes)
    return np.where(inside[..., None], textures[:, :1, :1].astype(np.float32), 0), inside.astype(np.float32)


def _segment(images):
    return (images[..., 2] > 127).astype(np.float32)


def _read_pose(images):
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5 - SIZE / 2
    inside = _segment(images)
    across, down = ((inside * axis).sum((1, 2)) / inside.sum((1, 2)) for axis in (x, y))
    return np.arctan2(down, across), (np.hypot(across, down) - 12) / 30


def _features(images):
    return np.concatenate([images.reshape(len(images), -1, 3).mean(1), np.stack(_read_pose(images), 1)], 1)


def _examples(seed):
    random = np.random.default_rng(seed)
    azimuth, elevation = np.arange(VIEWS) * 2 * np.pi / VIEWS, random.uniform(0.0, 0.4, VIEWS)
    cameras = np.stack([azimuth, elevation, np.full(VIEWS, 4.0)], 1).astype(np.float32)
    shapes = random.uniform(5, 10, (COUNT, 1, 3)).astype(np.float32)
    textures = np.tile(random.uniform(size=(COUNT, 1, 1, 3)), (1, 2, 2, 1)).astype(np.float16)
    textures[..., 2] = 1
    view = np.arange(COUNT) % VIEWS
    grounds = np.zeros((COUNT, SIZE, SIZE, 3), np.uint8)
    grounds[..., :2] = random.integers(0, 256, (COUNT, 1, 1, 2))
    pictures = _draw(cameras[view], shapes, textures, grounds, None)
    masks = 255 * _masks(cameras[view], shapes).astype(np.uint8)
    images, codes = np.round(255 * pictures).astype(np.uint8), np.zeros((COUNT, 0), np.float32)
    return Properties(images, masks, view, np.arange(COUNT), shapes, textures, codes, codes[:VIEWS], cameras)


def _figures(neural):
    data = _examples(0)
    tools = Instruments(_dibr, _segment, _read_pose, _features, _features(_examples(1).images))
    return measure(neural, Subject(data, question(data), {"shape": data.masks}), tools, num_commanded=4)


def _without(handle):
    """The renderer with a handle that does nothing: what it should take over stays the example's own (whose
    background tells which it is, and is one and the same where that is the handle)."""
    data = _examples(0)

    def neural(cameras, shapes, textures, images, masks):
        rows = [int(np.flatnonzero((data.images == one).reshape(COUNT, -1).all(1))[0]) for one in images]
        own = {
            "camera": data.cameras[data.view_id[rows]],
            "shape": data.shapes[rows],
            "texture": data.textures[rows],
            "background": data.images[np.zeros(len(rows), int)],
        }
        asked = dict(zip(own, (cameras, shapes, textures, images), strict=True)) | {handle: own[handle]}
        return _draw(*asked.values(), masks)

    return neural


def test_a_renderer_that_obeys_reaches_every_aim():
    found = reached(_figures(_draw))
    assert set(found) == {aim.figure for aim in AIMS} and all(found.values()), found


def test_a_renderer_that_ignores_its_input_reaches_none():
    picture = _draw(*(x[:1] for x in (_examples(0).cameras, _examples(0).shapes, _examples(0).textures,
                                      _examples(0).images)), None)  # fmt: skip
    figures = _figures(lambda cameras, *others: np.repeat(picture, len(cameras), axis=0))
    found = reached(figures)
    assert set(found) == {aim.figure for aim in AIMS} and not any(found.values()), found


@pytest.mark.parametrize("handle", HANDLES)
def test_a_handle_that_does_nothing_fails_its_own_figures_alone(handle):
    found = reached(_figures(_without(handle)))
    lost = {name for name, holds in found.items() if not holds}
    # Boxes that stay where they were are not where real ones are; of the other handles no sum tells.
    assert lost - {"frechet_ratio"} == HANDLES[handle]


def test_the_table_sets_what_is_reached_in_bold():
    figures = _figures(_without("texture"))
    measured = {"num_pictures": COUNT, "figures": {"one": figures}, "reached": {"one": reached(figures)}}
    lines = table({"gan": measured, "real": measured, "num_commanded": 4}).splitlines()
    cell = {line.split(" | ")[0]: line.split(" | ")[1] for line in lines if line.startswith("| ")}
    says = {aim.figure: f"| {aim.says}" for aim in AIMS}
    assert cell[says["shape_follows"]].startswith("**") and not cell[says["texture_ratio"]].startswith("*")

"""Claims about settings: what no stage could use is named by its dotted path, and shipped configs pass."""

import math

import pytest
from ganverse_jax.pipeline.setting_checks import check_settings

from configs import bird, car, horse, pascal3d_car, posed_folder, toy_car


@pytest.mark.parametrize("config", [bird, car, horse, pascal3d_car, posed_folder, toy_car])
def test_shipped_configs_pass(config):
    check_settings(config.get_config().to_dict())


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"gan": {"learning_rate": math.nan}}, r"^gan\.learning_rate = nan is no finite number; set one"),
        (
            {"inverse_graphics": {"weights": {"iou": math.inf}}},
            r"^inverse_graphics\.weights\.iou = inf is no",
        ),
        ({"gan": {"scales": (1.0, -math.inf)}}, r"^gan\.scales\.1 = -inf is no finite number"),
        ({"gan": {"num_images": 0}}, r"^gan\.num_images = 0; set it to 1 or more"),
        ({"inverse_graphics": {"num_steps": -1}}, r"^inverse_graphics\.num_steps = -1; set it to 1 or more"),
        (
            {"multiview_dataset": {"content_truncation": 0}},
            r"^multiview_dataset\.content_truncation = 0; set it above 0",
        ),
        (
            {"inverse_graphics": {"on_the_fly": {"content_truncation": -0.5}}},
            r"^inverse_graphics\.on_the_fly\.content_truncation = -0\.5; set it above 0",
        ),
        ({"inverse_graphics": {"multiview_weight": -1}}, r"^inverse_graphics\.multiview_weight = -1; set"),
        ({"inverse_graphics_posed": {"margin": 0}}, r"^inverse_graphics_posed\.margin = 0; set it above 0"),
        ({"inverse_graphics": {"sigma_inverse": 0}}, r"^inverse_graphics\.sigma_inverse = 0; set it above"),
        ({"inverse_graphics": {"clip_norm": -1.0}}, r"^inverse_graphics\.clip_norm = -1\.0; set it above"),
        (
            {"inverse_graphics": {"network": {"texture": "foo"}}},
            r"^inverse_graphics\.network\.texture = 'foo'",
        ),
        (
            {"inverse_graphics_posed": {"network": {"texture_size": 64, "texture_channels": (8, 8)}}},
            r"^inverse_graphics_posed\.network\.texture_size = 64, but 2 .* map of 16 rows",
        ),
    ],
)
def test_a_setting_that_cannot_serve_is_named(config, message):
    with pytest.raises(ValueError, match=message):
        check_settings(config)


def test_what_is_no_number_or_not_set_is_left_alone():
    check_settings(
        {"gan": None, "report": {"title": "nan"}, "viewpoints": {"num_images": None, "soft": False}}
    )

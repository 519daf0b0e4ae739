"""Trained networks as files: what does not fit is named."""

import numpy as np
import pytest

from ganverse_jax.models.stylegan2.stored import load_generator, save_generator

SETTINGS = dict(resolution=8, z_dim=4, w_dim=4, mapping_layers=1, channel_base=16, channel_max=4)


def test_weights_that_are_not_finite_are_named(tmp_path):
    path, variables = tmp_path / "generator.safetensors", {"params": {"a": np.ones(2)}, "noise": {}}
    save_generator(path, SETTINGS, variables | {"noise": {"b4": np.ones(1)}}, np.array([0.0, np.nan]), {})
    with pytest.raises(ValueError, match=r"generator.safetensors holds NaN or infinity in \['w_avg'\]"):
        load_generator(path)


def test_a_file_without_its_parts_is_named(tmp_path):
    path = tmp_path / "generator.safetensors"
    save_generator(path, SETTINGS, {"params": {"a": np.ones(2)}, "noise": {}}, np.zeros(2), {})
    with pytest.raises(ValueError, match=r"lacks \['noise'\]"):
        load_generator(path)

"""NVIDIA's pickles give NVIDIA's numbers, whichever code and version wrote them.

Tolerance: 1e-5 of the maximum, what the golden README allows for another order of summation (the
recording's own float32 error is 1.1e-6). Compiled without LLVM optimisation: 2.5 times faster, as exact.
"""

from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.stylegan2.importer import load_pickle
from ganverse_jax.models.stylegan2.networks import Discriminator, Generator, truncate

GOLDEN = Path(__file__).parents[2] / "golden" / "stylegan2"
TF, ADA = GOLDEN / "tf_stylegan2_res32.pkl", GOLDEN / "ada_res16_torch213_p4.pkl"
jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def recorded(name):
    with np.load(GOLDEN / f"{name}.npz") as archive:
        return {key: archive[key] for key in archive.files}


def assert_close(actual, expected):
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


class Drawn:
    """A bundle's w, truncated w and images [b 3 r r], compiled once."""

    def __init__(self, settings):
        module = Generator(**settings)

        @jit
        def run(bundle, z, psi):
            variables = {"params": bundle["params"], "noise": bundle["noise"]}
            w = module.apply(variables, z, method="map")
            truncated = truncate(module.broadcast(w), bundle["w_avg"], psi)
            images = module.apply(variables, truncated, method="synthesis")
            return w, truncated[:, 0], images.transpose(0, 3, 1, 2)

        self.run = run


def without_noise(bundle):
    """What noise="none" draws: the stored noise images set to zero; spares a second compilation."""
    return bundle | {"noise": jax.tree.map(np.zeros_like, bundle["noise"])}


@pytest.fixture(scope="module")
def tf():
    gan, family = load_pickle(TF)
    assert "TensorFlow" in family
    return gan, Drawn(gan.generator_settings).run


@pytest.fixture(scope="module")
def ada():
    gan, family = load_pickle(ADA)
    assert "ada" in family
    return gan, Drawn(gan.generator_settings).run


def test_tensorflow_generators_give_the_recorded_w_and_images(tf):
    gan, run = tf
    io = recorded("tf_stylegan2_res32_io")
    w, _, images = run(gan.ema, io["z"], 1.0)
    assert_close(w, io["Gs_w"])
    assert_close(images[:4], io["Gs_image_psi1_const"])
    _, w_half, images = run(gan.ema, io["z"], 0.5)
    assert_close(w_half, io["Gs_w_psi05"])
    assert_close(images[:4], io["Gs_image_psi05_const"])
    assert_close(run(without_noise(gan.ema), io["z"], 0.5)[2][:4], io["Gs_image_psi05_none"])
    assert_close(run(gan.generator, io["z"], 1.0)[2][:2], io["G_image_psi1_const"])


def test_ada_generators_give_the_recorded_w_and_images(ada):
    gan, run = ada
    io = recorded("ada_res16_io")
    w, _, images = run(without_noise(gan.ema), io["z"], 1.0)
    assert_close(w, io["w_psi1"])
    assert_close(images, io["G_ema_image_psi1_none"])
    assert_close(run(gan.ema, io["z"], 0.7)[2], io["G_ema_image_psi07_const"])
    assert_close(run(gan.generator, io["z"], 1.0)[2][:2], io["G_image_psi1_const"])


def logits(gan, images):
    critic = Discriminator(**gan.discriminator_settings)
    return jit(critic.apply)({"params": gan.discriminator}, images.transpose(0, 2, 3, 1))


def test_the_tensorflow_discriminator_gives_the_recorded_logits_in_groups_of_four(tf):
    io = recorded("tf_stylegan2_res32_io")
    assert tf[0].discriminator_settings["mbstd_group"] == 4  # not in the file: TensorFlow's default
    assert_close(logits(tf[0], io["D_image"]), io["D_logits_tfdefault_group4"][:, 0])


def test_the_ada_discriminator_gives_the_recorded_logits_from_strided_storages(ada):
    io = recorded("ada_res16_io")
    assert_close(logits(ada[0], io["G_ema_image_psi07_const"]), io["D_logits"][:, 0])


def test_settings_follow_the_file(tf, ada):
    assert tf[0].generator_settings == dict(
        resolution=32, z_dim=64, w_dim=64, mapping_layers=8, channel_base=512, channel_max=32, conv_clamp=None
    )
    assert ada[0].generator_settings["conv_clamp"] == ada[0].discriminator_settings["conv_clamp"] == 256
    assert ada[0].generator_settings["mapping_layers"] == 2


@pytest.mark.parametrize("path", [TF, ADA], ids=["tf", "ada"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.7, 0.9999])
def test_a_truncated_file_is_told_as_such(tmp_path, path, share):
    data = path.read_bytes()
    (tmp_path / "cut.pkl").write_bytes(data[: int(share * len(data))])
    with pytest.raises(ImportedFileError, match="cut.pkl.*(truncated|empty)"):
        load_pickle(tmp_path / "cut.pkl")

"""Files of other versions give the same networks; other architectures are refused by name."""

from pathlib import Path

import jax
import numpy as np
import pytest

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.stylegan2.importer import load_pickle
from ganverse_jax.interchange.stylegan2.pickled import read_bytes, read_pickle

GOLDEN = Path(__file__).parents[2] / "golden" / "stylegan2"


@pytest.fixture(scope="module")
def ada():
    return read_pickle(GOLDEN / "ada_res16_torch213_p4.pkl")


@pytest.fixture(scope="module")
def tf():
    return read_pickle(GOLDEN / "tf_stylegan2_res32.pkl")


def read(data):
    return read_bytes(memoryview(data))


def assert_same(found, expected):
    for name in ("generator", "ema", "discriminator"):
        a, b = getattr(found, name), getattr(expected, name)
        assert a.keys() == b.keys()
        assert [key for key in a if not np.array_equal(a[key], b[key])] == []


@pytest.mark.parametrize("protocol", [2, 3])
def test_older_torch_versions_wrote_ordered_dicts_and_old_protocols(pickles, ada, protocol):
    found = read(pickles.ada_file(ada, protocol=protocol))
    assert_same(found, ada)
    assert (found.generator_clamp, found.discriminator_clamp) == (256, 256)


def test_channels_last_tensors_are_read_by_their_strides(pickles, ada):
    weights = {
        name: x.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2) if x.ndim == 4 else x
        for name, x in ada.discriminator.items()
    }
    assert not weights["b16.conv0.weight"].flags.c_contiguous
    found = read(pickles.ada_file(ada._replace(discriminator=weights)))
    assert_same(found, ada)


@pytest.mark.parametrize(("storage", "dtype"), [("HalfStorage", "<f2"), ("DoubleStorage", "<f8")])
def test_other_storage_types_are_read(pickles, ada, storage, dtype):
    network = pickles.ada_network(ada.ema, "Generator")
    const = ada.ema["synthesis.b4.const"].astype(dtype)
    synthesis = network.arguments[0].items["state"]["_modules"].items["synthesis"]
    block = synthesis.arguments[0].items["state"]["_modules"].items["b4"]
    block.arguments[0].items["state"]["_parameters"].items["const"] = pickles.tensor(const, storage=storage)
    critic = pickles.ada_network(ada.discriminator, "Discriminator")
    found = read(pickles.pickled({"G": network, "D": critic, "G_ema": network}))
    np.testing.assert_array_equal(found.ema["synthesis.b4.const"], const.astype(np.float32))


@pytest.mark.parametrize("options", [{"protocol": 2}, {"protocol": 3}, {"numpy_core": "numpy._core"}])
def test_tensorflow_files_of_other_protocols_and_numpy_versions_read_the_same(pickles, tf, options):
    found = read(pickles.tf_file(tf, **options))
    # 2e-7: the style bias is stored without its 1, which rounds once more here.
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=2e-7), found.ema, tf.ema)
    jax.tree.map(np.testing.assert_array_equal, found.discriminator, tf.discriminator)
    assert found.mbstd_group == 4


@pytest.mark.parametrize(
    ("static", "message"),
    [
        (
            {"functions": ("G_mapping", "G_synthesis_stylegan_revised", "D_stylegan2")},
            "configurations b to d",
        ),
        ({"functions": ("G_mapping", "G_synthesis", "D_basic")}, "configuration a"),
        ({"functions": ("G_mapping", "G_synthesis_stylegan2", "D_stylegan")}, "configurations b to d"),
        ({"g": {"architecture": "resnet"}}, "architecture='resnet', only 'skip'"),
        ({"d": {"architecture": "orig"}}, "architecture='orig', only 'resnet'"),
        ({"g": {"label_size": 10}}, "label_size=10"),
        ({"g": {"resample_kernel": [1, 1]}}, "another filter"),
        ({"d": {"mbstd_group_size": 0}}, "mbstd_group_size 0"),
    ],
)
def test_other_tensorflow_architectures_are_refused_by_name(pickles, tf, static, message):
    with pytest.raises(ImportedFileError, match=message):
        read(pickles.tf_file(tf, static=static))


def test_a_group_that_the_file_names_is_kept(pickles, tf):
    assert read(pickles.tf_file(tf, static={"d": {"mbstd_group_size": 8}})).mbstd_group == 8


def spoil(part, name, change):
    def apply(*parts):
        parts[part][name] = change(parts[part][name])

    return apply


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (spoil(1, "8x8/Conv1/weight", lambda x: x[..., :5]), "b8.*conv1.*weight.*has shape"),
        (spoil(1, "8x8/Conv1/weight", lambda x: x[0]), "8x8/Conv1/weight has shape"),
        (spoil(1, "16x16/Conv1/bias", lambda x: x * np.nan), "bias.*not finite"),
        (spoil(2, "Output/weight", lambda x: x * np.inf), "out.*not finite"),
        (spoil(0, "Dense3/weight", lambda x: x[:7]), "fc3.*has shape"),
        (spoil(1, "noise3", lambda x: x[..., :3]), "noise_const.*has shape"),
        (lambda mapping, synthesis, critic: synthesis.pop("4x4/ToRGB/bias"), "b4.*torgb.*bias.*missing"),
        (lambda mapping, synthesis, critic: critic.update({"x": np.ones(1)}), "variable 'x'"),
        (
            lambda mapping, synthesis, critic: mapping.update({"LabelConcat/weight": np.ones(1)}),
            "conditional",
        ),
        (lambda mapping, synthesis, critic: critic.pop("32x32/FromRGB/weight"), "fromrgb.weight"),
    ],
)
def test_wrong_shapes_and_numbers_are_refused_by_name(tmp_path, pickles, tf, change, message):
    (tmp_path / "bad.pkl").write_bytes(pickles.tf_file(tf, change))
    with pytest.raises(ImportedFileError, match=f"(?s)bad.pkl: .*{message}"):
        load_pickle(tmp_path / "bad.pkl")


@pytest.mark.parametrize(
    ("path", "name", "value", "message"),
    [
        ((), "c_dim", 10, "c_dim=10"),
        (("synthesis", "b8"), "architecture", "resnet", "architecture='resnet'"),
        (("synthesis", "b8", "conv1"), "use_noise", False, "use_noise=False"),
        (("synthesis", "b8", "conv1"), "conv_clamp", 7, "clamps at"),
        (("synthesis", "b8", "conv1"), "conv_clamp", -1.0, "clamp that is no positive number"),
        (("synthesis",), "_buffers", {"resample_filter": np.ones((4, 4), "<f4")}, "another filter"),
        (("synthesis",), "img_channels", 1, "img_channels=1"),
    ],
)
def test_other_ada_architectures_are_refused_by_name(pickles, ada, path, name, value, message):
    network = at = pickles.ada_network(ada.ema, "Generator")
    for step in path:
        at = at.arguments[0].items["state"]["_modules"].items[step]
    if name == "_buffers":
        value = {key: pickles.tensor(x, parameter=False) for key, x in value.items()}
    at.arguments[0].items["state"][name] = value
    critic = pickles.ada_network(ada.discriminator, "Discriminator")
    with pytest.raises(ImportedFileError, match=message):
        read(pickles.pickled({"G": network, "D": critic, "G_ema": network}))


def test_a_network_of_another_class_is_refused(pickles, ada):
    network = pickles.ada_network(ada.ema, "Generator")
    with pytest.raises(ImportedFileError, match="D is a 'Generator', not a StyleGAN2 Discriminator"):
        read(pickles.pickled({"G": network, "D": network, "G_ema": network}))

"""Claims about imported StyleGAN2 weights: the same pictures, and clear errors with nothing half-written."""

from pathlib import Path

import jax
import numpy as np
import pytest

from ganverse_jax.interchange.import_stylegan2 import import_networks
from ganverse_jax.models.pretrained import load_discriminator, load_generator
from ganverse_jax.models.stylegan2 import Generator

GOLDEN = Path(__file__).parents[1] / "golden" / "stylegan2"
G, D = GOLDEN / "tiny_g_state.npz", GOLDEN / "tiny_d_state.npz"


def test_imported_generator_draws_the_recorded_w(tmp_path):
    import_networks(G, D, tmp_path)
    loaded = load_generator(tmp_path / "generator.safetensors")
    with np.load(GOLDEN / "tiny_g_io.npz") as recorded:
        w = jax.jit(lambda v, z: loaded.module.apply(v, z, method=Generator.map))(
            loaded.variables, recorded["z"]
        )
        # 1e-5 of the maximum: what another order of summation may cost (golden README).
        np.testing.assert_allclose(w, recorded["w"], atol=1e-5 * np.abs(recorded["w"]).max())
    assert load_discriminator(tmp_path / "discriminator.safetensors").module.resolution == 32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s | {"synthesis.b8.conv1.weight": s["synthesis.b8.conv1.weight"][..., :2]}, "has shape"),
        (lambda s: s | {"synthesis.b8.conv1.bias": s["synthesis.b8.conv1.bias"] * np.nan}, "not finite"),
        (lambda s: {n: a for n, a in s.items() if "b16.conv0" not in n}, "are missing"),
        (lambda s: {"x": np.ones(1)}, "no StyleGAN2 generator"),
    ],
)
def test_unfit_weights_are_refused_by_name_and_nothing_is_written(tmp_path, change, message):
    with np.load(G) as archive:
        state = {name: archive[name] for name in archive.files if archive[name].dtype.kind == "f"}
    np.savez(tmp_path / "bad.npz", **change(state))
    with pytest.raises(ValueError, match=message):
        import_networks(tmp_path / "bad.npz", D, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_truncated_archive_names_the_file(tmp_path):
    (tmp_path / "cut.npz").write_bytes(G.read_bytes()[:1000])
    with pytest.raises(ValueError, match="cut.npz is damaged"):
        import_networks(tmp_path / "cut.npz", D, tmp_path / "out")

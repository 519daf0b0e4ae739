"""Claims about imported folders: all that is promised is there and agrees, or nothing is there at all."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from configs import car
from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.stylegan2 import folder as import_folder
from ganverse_jax.interchange.stylegan2.folder import picture_rows
from ganverse_jax.interchange.stylegan2.importer import import_networks, import_pickle, load_pickle
from ganverse_jax.interchange.stylegan2.pickled import read_pickle
from ganverse_jax.models.stylegan2.stored import load_discriminator, load_generator
from ganverse_jax.models.stylegan2.style_space import style_layout
from ganverse_jax.runtime.step_checkpoints import Checkpoints

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "stylegan2"
ADA = GOLDEN / "ada_res16_torch213_p4.pkl"
G, D = GOLDEN / "tiny_g_state.npz", GOLDEN / "tiny_d_state.npz"


def assert_same_tree(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    out = tmp_path_factory.mktemp("imported") / "weights"
    settings = import_pickle(ADA, out, licence="none, random numbers", origin="the golden `folder`")
    return out, settings, load_pickle(ADA)[0]


def test_the_folder_holds_the_networks_that_the_gan_stage_reads(imported):
    out, settings, gan = imported
    loaded = load_generator(out / "generator.safetensors")
    assert_same_tree(loaded.variables | {"w_avg": loaded.w_avg}, gan.ema)
    raw = load_generator(out / "generator_raw.safetensors")
    assert_same_tree(raw.variables | {"w_avg": raw.w_avg}, gan.generator)
    critic = load_discriminator(out / "discriminator.safetensors")
    assert_same_tree(critic.variables["params"], gan.discriminator)
    assert loaded.module.conv_clamp == critic.module.conv_clamp == 256
    assert settings["generator"] == gan.generator_settings and settings["crop"] is None
    assert loaded.metadata["licence"] == "none, random numbers"


def test_the_checkpoint_restores_as_a_training_state(imported):
    out, _, gan = imported
    state = {"g": gan.generator["params"], "ema": gan.ema["params"], "d": gan.discriminator}
    state |= {"w_avg": gan.generator["w_avg"], "noise": gan.ema["noise"]}
    checkpoints = Checkpoints(out / "checkpoint")
    assert checkpoints.latest_step() == 0
    assert_same_tree(checkpoints.restore(state), state)
    checkpoints.close()


def test_the_texts_tell_shapes_licence_and_origin(imported):
    out, _, gan = imported
    shapes = (out / "shapes.txt").read_text()
    for path, leaf in jax.tree_util.tree_leaves_with_path({"params": gan.ema["params"]}):
        name = ".".join(part.key for part in path)
        (line,) = [line.split() for line in shapes.splitlines() if line.split()[:1] == [name]]
        assert line[1:3] == ["x".join(map(str, leaf.shape)) or "scalar", str(leaf.size)]
    layout = style_layout(load_generator(out / "generator.safetensors").module)
    assert f"W*: {layout.size} = view {layout.view_size} + content {layout.content_size}" in shapes
    card = (out / "CARD.md").read_text()
    assert "**licence**: none, random numbers" in card and "origin: the golden 'folder'" in card
    assert ADA.name in card and "stylegan2-ada-pytorch" in card


def test_the_config_snippet_points_an_experiment_at_the_weights(imported):
    out, _, _ = imported
    snippet = _module(out / "config_snippet.py")
    config = snippet.apply(car.get_config())
    assert config.gan.pretrained == str(out)
    assert config.gan.crop is None


def _module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_sample_grid_shows_eight_pictures(imported):
    with Image.open(imported[0] / "samples.png") as picture:
        assert picture.size == (4 * 16, 2 * 16)


def black(gan):
    """In place of drawing, which takes seconds to compile."""
    return np.full((8, 16, 16, 3), -1, np.float32)


def test_numpy_archives_give_the_networks_of_the_pickle(tmp_path, imported, monkeypatch):
    monkeypatch.setattr(import_folder, "sample_images", black)
    networks = read_pickle(ADA)
    np.savez(tmp_path / "g.npz", **networks.ema)
    np.savez(tmp_path / "d.npz", **networks.discriminator)
    import_networks(tmp_path / "g.npz", tmp_path / "d.npz", tmp_path / "out")
    loaded = load_generator(tmp_path / "out" / "generator.safetensors")
    assert_same_tree(loaded.variables | {"w_avg": loaded.w_avg}, imported[2].ema)
    assert "g.npz" in (tmp_path / "out" / "CARD.md").read_text()
    assert not (tmp_path / "out" / "generator_raw.safetensors").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s | {"synthesis.b8.conv1.weight": s["synthesis.b8.conv1.weight"][..., :2]}, "has shape"),
        (lambda s: s | {"synthesis.b8.conv1.bias": s["synthesis.b8.conv1.bias"] * np.nan}, "not finite"),
        (lambda s: {n: a for n, a in s.items() if "b16.conv0" not in n}, "are missing"),
        (lambda s: {n: a for n, a in s.items() if "b16." not in n}, "expected 4, 8, "),
        (lambda s: s | {"synthesis.b8.conv1.bias": np.array("text")}, "not numbers"),
        (lambda s: s | {"synthesis.b4.const.x": np.ones(1)}, "within an array"),
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
    with pytest.raises(ValueError, match="cut.npz is no NumPy archive, or damaged"):
        import_networks(tmp_path / "cut.npz", D, tmp_path / "out")


@pytest.mark.parametrize("step", ["_write_checkpoint", "shape_report", "card_text"])
def test_a_failure_half_way_leaves_nothing(tmp_path, imported, monkeypatch, step):
    def fail(*arguments):
        raise OSError("no space left on device")

    monkeypatch.setattr(import_folder, step, fail)
    monkeypatch.setattr(import_folder, "sample_images", black)
    with pytest.raises(OSError, match="no space"):
        import_pickle(ADA, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_generator_that_draws_infinities_is_refused(tmp_path, imported):
    gan = imported[2]
    # Finite itself, but its styles overflow.
    spoiled = gan._replace(ema=gan.ema | {"w_avg": np.full_like(gan.ema["w_avg"], 3e38)})
    with pytest.raises(ImportedFileError, match="pictures that are not finite"):
        import_folder.write_folder(spoiled, tmp_path / "out", {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("scale", "message"),
    [(1e10, "not finite"), (1e3, "values of 234 where pictures lie between"), (1e-30, "the same picture")],
)
def test_a_generator_of_scaled_weights_is_refused(tmp_path, imported, scale, message):
    gan = imported[2]
    params = jax.tree.map(lambda leaf: leaf * np.float32(scale), gan.ema["params"])
    with pytest.raises(ImportedFileError, match=f"{message}.* get it again from its origin"):
        import_folder.write_folder(gan._replace(ema=gan.ema | {"params": params}), tmp_path / "out", {})
    assert list(tmp_path.iterdir()) == []


def test_a_generator_whose_last_layers_alone_are_scaled_is_refused(tmp_path, imported):
    gan = imported[2]
    weight = lambda path: path[-2].key == "torgb" and path[-1].key == "weight"  # noqa: E731
    params = jax.tree_util.tree_map_with_path(
        lambda path, leaf: leaf * np.float32(100) if weight(path) else leaf, gan.ema["params"]
    )
    with pytest.raises(ImportedFileError, match="values of .* where pictures lie between -1 and 1"):
        import_folder.write_folder(gan._replace(ema=gan.ema | {"params": params}), tmp_path / "out", {})


def test_both_archives_are_looked_for_before_the_first_is_read(tmp_path):
    (tmp_path / "broken.npz").write_bytes(b"PK")
    with pytest.raises(FileNotFoundError, match="no NumPy archive at nowhere.npz"):
        import_networks(tmp_path / "broken.npz", "nowhere.npz", tmp_path / "out")


@pytest.mark.parametrize(
    ("part", "scale"), [("generator", 1e30), ("discriminator", 1e30), ("discriminator", 0)]
)
def test_the_networks_that_training_starts_from_are_run_too(imported, part, scale):
    gan = imported[2]
    spoiled = jax.tree.map(lambda leaf: leaf * np.float32(scale), getattr(gan, part))
    with pytest.raises(ImportedFileError, match=f"the (trained )?{part} .*get it again from its origin"):
        import_folder.sample_images(gan._replace(**{part: spoiled}))


def test_a_full_folder_is_not_overwritten(imported):
    with pytest.raises(ValueError, match="not empty; delete it or choose another"):
        import_pickle(ADA, imported[0])


def bars(level):
    images = np.zeros((2, 512, 512, 3), np.float32)
    images[:, :64] = images[:, 448:] = level
    return images


@pytest.mark.parametrize(
    ("crop", "resolution", "images", "names", "expected"),
    [
        ("auto", 512, bars(-0.99), ["car.pkl"], (64, 448)),
        ("auto", 512, bars(-0.5), ["stylegan2-car-config-f.pkl"], None),
        ("auto", 512, bars(0), ["stylegan2-car-config-e-512x384.pkl"], (64, 448)),
        ("auto", 256, bars(-1), ["horse-512x384.pkl"], None),
        ("none", 512, bars(-1), ["car-512x384.pkl"], None),
        ("8:200", 256, bars(0), [], (8, 200)),
    ],
)
def test_pictures_of_512x384_models_are_cropped_to_rows_64_to_447(crop, resolution, images, names, expected):
    assert picture_rows(crop, resolution, images, names) == expected


@pytest.mark.parametrize("crop", ["8", "8:", "9:9", "0:257", "-1:5", "a:b"])
def test_a_crop_outside_the_image_is_refused(crop):
    with pytest.raises(ValueError, match="is not auto, none or TOP:BOTTOM within 256 rows"):
        picture_rows(crop, 256, bars(0), [])


def launch(*arguments):
    command = [sys.executable, "-m", "launch.import_stylegan2", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_the_command_imports_a_wide_car_and_refuses_a_hostile_file(tmp_path, pickles):
    networks = wide(np.random.default_rng(0))
    file = tmp_path / "tiny-car-512x384.pkl"
    file.write_bytes(pickles.tf_file(networks))
    done = launch(f"--pickle={file}", f"--out={tmp_path / 'out'}")
    assert done.returncode == 0, done.stderr
    assert "the picture is in rows 64 to 447" in done.stdout
    with Image.open(tmp_path / "out" / "samples.png") as picture:
        assert picture.size == (4 * 512, 2 * 384)
    config = _module(tmp_path / "out" / "config_snippet.py").apply(car.get_config())
    assert config.gan.crop == (64, 448)
    file.write_bytes(b"\x80\x03cos\nsystem\n(X\x04\0\0\0exittR.")
    failed = launch(f"--pickle={file}", f"--out={tmp_path / 'other'}")
    assert failed.returncode == 1 and "Traceback" not in failed.stderr
    assert failed.stderr.startswith(f"error: {file}: the file asks for 'os.system'")
    assert not (tmp_path / "other").exists()


def wide(random):
    """Random networks of 512 px and 4 channels, with PyTorch's names."""
    from ganverse_jax.interchange.stylegan2.imported_gan import FoundNetworks

    sizes, c = [4 << i for i in range(8)], 4
    g = {
        "synthesis.b4.const": (c, 4, 4),
        "mapping.w_avg": (8,),
        "mapping.fc0.weight": (8, 8),
        "mapping.fc0.bias": (8,),
    }
    d = {"b512.fromrgb.weight": (c, 3, 1, 1), "b512.fromrgb.bias": (c,), "b4.conv.weight": (c, c + 1, 3, 3)}
    d |= {"b4.conv.bias": (c,), "b4.fc.weight": (c, 16 * c), "b4.fc.bias": (c,), "b4.out.weight": (1, c)}
    d |= {"b4.out.bias": (1,)}
    for size in sizes:
        for layer in ("conv0", "conv1", "torgb"):
            if (size, layer) == (4, "conv0"):
                continue
            name, out, kernel = f"synthesis.b{size}.{layer}", *((3, 1) if layer == "torgb" else (c, 3))
            g |= {f"{name}.weight": (out, c, kernel, kernel), f"{name}.bias": (out,)}
            g |= {f"{name}.affine.weight": (c, 8), f"{name}.affine.bias": (c,)}
            if layer != "torgb":
                g |= {f"{name}.noise_const": (size, size), f"{name}.noise_strength": ()}
        if size > 4:
            d |= {f"b{size}.{k}.weight": (c, c, 3, 3) for k in ("conv0", "conv1")}
            d |= {f"b{size}.{k}.bias": (c,) for k in ("conv0", "conv1")} | {
                f"b{size}.skip.weight": (c, c, 1, 1)
            }
    g, d = (
        {name: np.asarray(random.standard_normal(shape), "<f4") for name, shape in x.items()} for x in (g, d)
    )
    return FoundNetworks("", g, d, g)

"""Evaluating and visualising a tiny random GAN: what is written, what it is called, what is refused."""

import functools

import jax
import numpy as np
import pytest
from PIL import Image

from ganverse_jax.commands import finished_networks
from ganverse_jax.commands.evaluate_gan import command as gan_evaluation
from ganverse_jax.commands.visualize_layers import command as layer_visualization
from ganverse_jax.commands.visualize_layers import splits as layer_splits
from ganverse_jax.models.perception.pose_regressor import LearnedPoseRegressor, PoseNet
from ganverse_jax.models.stylegan2.networks import Generator
from ganverse_jax.models.stylegan2.stored import LoadedGenerator, save_generator
from ganverse_jax.runtime.checkpoint import read_json
from ganverse_jax.stages.perception.stage import Perception
from tests.stages.tiny_world import experiment_with

SETTINGS = dict(resolution=16, z_dim=8, w_dim=8, mapping_layers=1, channel_base=64, channel_max=8)
COUNTS = dict(num_images=60, num_paths=4)
EXPERIMENT = experiment_with(gan={}, perception={}, viewpoints={})


def drawn(shapes):
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape).astype(np.float32), shapes)


@pytest.fixture(scope="module")
def gan():
    module = Generator(**SETTINGS)
    variables = drawn(dict(jax.eval_shape(module.init, jax.random.key(0), np.zeros((1, 8), np.float32))))
    return LoadedGenerator(module, variables, np.zeros(8, np.float32), "tiny", {})


@pytest.fixture(scope="module")
def regressor():
    module = PoseNet((8, 8), 8)
    params = drawn(jax.eval_shape(module.init, jax.random.key(0), np.zeros((1, 16, 16, 3)))["params"])
    return LearnedPoseRegressor(params, widths=module.widths, hidden=8, resolution=16)


def whole(images):
    """Stand-in segmenter: everything is foreground."""
    return np.ones(images.shape[:3], np.float32)


@pytest.fixture
def workdir(monkeypatch, gan, regressor, tmp_path):
    """A workdir with 130 pictures, whose networks are the tiny ones."""
    for stage in (gan_evaluation, layer_visualization):
        monkeypatch.setattr(stage, "finished_generator", lambda experiment, folder: gan)
        monkeypatch.setattr(stage, "toy_perception", lambda experiment, folder: Perception(whole, regressor))
    (tmp_path / "pictures").mkdir()
    rng = np.random.default_rng(1)
    for i in range(130):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(tmp_path / f"pictures/{i}.png")
    return tmp_path


def evaluate(workdir, experiment=EXPERIMENT, **settings):
    return gan_evaluation.run(
        experiment, workdir, **(COUNTS | dict(real=str(workdir / "pictures")) | settings)
    )


def test_without_weights_every_figure_is_named_a_proxy(workdir):
    content = evaluate(workdir)
    assert content == read_json(workdir / gan_evaluation.FILE)
    names = [
        "toy_frechet_distance",
        "toy_frechet_distance_real",
        "toy_precision",
        "toy_recall",
        "toy_path_length_w",
    ]
    assert list(content["figures"]) == names
    assert content["features"] == "toy proxy, not FID" and content["fingerprint"] == "tiny"
    figures = content["figures"]
    # noise is far from what a random generator draws, and like itself
    assert figures["toy_frechet_distance"] > 2 * figures["toy_frechet_distance_real"]
    text = gan_evaluation.table(content)
    assert all(name in text for name in names) and "not FID" in text and "not PPL" in text


@pytest.mark.slow
def test_the_figures_are_the_same_every_time(workdir):
    assert evaluate(workdir)["figures"] == evaluate(workdir)["figures"]


def test_with_as_many_pictures_as_asked_for_there_is_no_second_set(workdir):
    assert "toy_frechet_distance_real" not in evaluate(workdir, num_images=120)["figures"]


def test_inception_features_give_fid_and_a_real_class_has_no_path_length(workdir, monkeypatch):
    """The network is stood in for: the real one is checked in tests/models/test_inception.py."""

    def features(images):
        return images.reshape(len(images), -1)[:, :12].astype(np.float32)

    monkeypatch.setattr(gan_evaluation, "toy_perception", lambda experiment, folder: None)
    judge = gan_evaluation.Judge(features, 12, "Inception of 2015-12-05", "fid", "")
    monkeypatch.setattr(gan_evaluation, "_inception_judge", lambda path: judge)
    monkeypatch.setattr(gan_evaluation, "load_inception", lambda path, shapes_only: None)
    content = evaluate(workdir, inception=__file__)  # is there
    assert list(content["figures"]) == ["fid", "fid_real", "precision", "recall"]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (dict(num_images=16), ValueError, "16 images.*--num_images"),
        (dict(num_paths=0), ValueError, "0 paths"),
        (dict(num_images=131), ValueError, "130 real images, 131 asked for"),
        (dict(inception="nowhere.pth"), FileNotFoundError, "nowhere.pth.*pytorch-fid"),
        (dict(vgg="vgg.pth"), ValueError, "both or neither"),
        (dict(vgg="a.pth", lpips="b.pth"), FileNotFoundError, "a.pth.*vgg16"),
        (
            dict(inception=__file__, vgg=__file__, lpips=__file__),
            FileNotFoundError,
            r"--inception: .*no PyTorch file.*pytorch-fid(.|\n)*--vgg: .*vgg16(.|\n)*--lpips: .*v0.1/vgg.pth",
        ),
        (dict(real="nowhere"), FileNotFoundError, "nowhere"),
        (dict(real=None), ValueError, "--real"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_the_remedy(workdir, settings, error, message):
    with pytest.raises(error, match=message):
        evaluate(workdir, **settings)
    assert not (workdir / gan_evaluation.FILE).exists()


def test_without_a_toy_network_inception_is_asked_for(workdir, monkeypatch):
    monkeypatch.setattr(gan_evaluation, "toy_perception", lambda experiment, folder: None)
    with pytest.raises(ValueError, match="pass --inception: get pt_inception"):
        evaluate(workdir)


def test_a_generator_that_draws_nan_is_refused(workdir, monkeypatch, gan):
    broken = jax.tree.map(np.copy, gan.variables)
    broken["params"]["b16"]["conv1"]["bias"][0] = np.nan
    monkeypatch.setattr(gan_evaluation, "finished_generator", lambda *_: gan._replace(variables=broken))
    with pytest.raises(ValueError, match="generator tiny draws pictures that are not finite"):
        evaluate(workdir)


@pytest.fixture
def few_cars(monkeypatch):
    """Yardsticks fitted on 20 cars."""
    make = functools.partial(layer_splits.make_yardsticks, num_objects=20, num_held_out=4)
    monkeypatch.setattr(layer_splits, "make_yardsticks", make)


def test_the_layers_page_shows_and_measures_every_layer(workdir, few_cars):
    page = layer_visualization.run(EXPERIMENT, workdir, num_samples=3, num_views=2, num_contents=3)
    text, content = page.read_text(), read_json(page.with_name("layers.json"))
    assert len(content["splits"]) == 7 and content["fingerprint"] == "tiny"
    first, last = content["splits"][0], content["splits"][-1]
    # by definition: no layer of the view changes nothing, all of them leave nothing to the content
    assert np.isclose(first["identity_agreement"], 1) and np.isclose(last["azimuth_spread"], 0, atol=1e-3)
    sizes = {"blocks": (4, 4), "groups": (4, 3), "split": (3, 4), "deviation": (6, 1)}
    for name, (columns, rows) in sizes.items():
        with Image.open(page.with_name(f"{name}.png")) as picture:
            assert picture.size == (18 * columns - 2, 18 * rows - 2)
    assert "http://" not in text and text.count("<img") == 16 + 12 + 12 + 6
    assert page.with_name("splits.svg").read_text().startswith("<svg xmlns")


def test_without_a_pose_network_the_layers_are_drawn_and_not_measured(workdir, monkeypatch):
    monkeypatch.setattr(layer_visualization, "toy_perception", lambda experiment, folder: None)
    wide = experiment_with(gan={"crop": (2, 14)}, perception={}, viewpoints={})
    page = layer_visualization.run(wide, workdir, num_samples=2, num_views=2, num_contents=2)
    assert not page.with_name("layers.json").exists() and "within 15" not in page.read_text()
    with Image.open(page.with_name("blocks.png")) as picture:
        assert picture.size == (18 * 4 - 2, 14 * 4 - 2)


def test_fewer_than_two_samples_are_refused(workdir):
    with pytest.raises(ValueError, match="num_samples = 1"):
        layer_visualization.run(EXPERIMENT, workdir, num_samples=1, num_views=2, num_contents=2)


def test_yardsticks_need_a_pose_regressor():
    with pytest.raises(ValueError, match="no pose regressor"):
        layer_splits.make_yardsticks(Perception(whole, None), EXPERIMENT)


def test_the_split_takes_rows_from_views_first():
    views, contents = np.full((2, 3), 1.0), np.full((4, 3), 2.0)
    ws = layer_splits.split_ws(views, contents, 2, 5)
    assert ws.shape == (8, 5, 3) and (ws[:, :2] == 1).all() and (ws[:, 2:] == 2).all()
    numbered = layer_splits.split_ws(np.arange(2.0)[:, None], 10 + np.arange(3.0)[:, None], 1, 2)[..., 0]
    assert numbered.tolist() == [[0, 10], [0, 11], [0, 12], [1, 10], [1, 11], [1, 12]]


def test_the_workdirs_networks_come_before_the_experiments(tmp_path, gan):
    experiment = experiment_with(gan=dict(pretrained="toy_car"), perception=dict(pretrained="toy_car"))
    shipped = finished_networks.finished_generator(experiment, tmp_path)
    assert shipped.module.resolution == 64
    assert finished_networks.toy_perception(experiment, tmp_path).pose_regressor is not None
    (tmp_path / "gan").mkdir()
    save_generator(tmp_path / "gan/generator.safetensors", SETTINGS, gan.variables, gan.w_avg, {})
    assert finished_networks.finished_generator(experiment, tmp_path).module.resolution == 16


def test_missing_weights_say_how_to_get_them(tmp_path):
    experiment = experiment_with(gan=dict(pretrained="weights/none", how_to_get="get them"), perception={})
    with pytest.raises(FileNotFoundError, match="weights/none.*get them"):
        finished_networks.finished_generator(experiment, tmp_path)
    assert finished_networks.toy_perception(experiment, tmp_path) is None


def test_pictures_of_something_else_are_not_judged_by_toy_networks(tmp_path):
    pictures, shipped = dict(data=dict(kind="images", path="birds")), dict(pretrained="toy_car")
    experiment = experiment_with(gan=pictures, perception=shipped)
    assert finished_networks.toy_perception(experiment, tmp_path) is None

"""Claims about the StyleGAN-R stage, on random networks of 16 pixels."""

import dataclasses
import functools
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from PIL import Image

from ganverse_jax.data.masks.folder import WANTED, MaskFolder, MissingMasks
from ganverse_jax.data.multiview.set import MultiviewSet
from ganverse_jax.models.inverse_graphics.network import InverseGraphics
from ganverse_jax.models.perception.segmenter import LearnedSegmenter, SegmenterNet
from ganverse_jax.models.stylegan2.camera_input import PARAMS, CameraInput
from ganverse_jax.models.stylegan2.multiview_generator import MultiviewGenerator
from ganverse_jax.models.stylegan2.networks import Generator
from ganverse_jax.models.stylegan2.stored import LoadedGenerator
from ganverse_jax.models.stylegan2.style_space import flatten_styles, mix_ws, style_layout, styles_of
from ganverse_jax.models.stylegan_r.neural_renderer import load_neural_renderer
from ganverse_jax.runtime.checkpoint import fingerprint, read_json, read_npz
from ganverse_jax.runtime.loop import Metrics
from ganverse_jax.stages.stylegan_r import inputs as stylegan_r_inputs
from ganverse_jax.stages.stylegan_r import settings
from ganverse_jax.stages.stylegan_r import stage as stylegan_r
from ganverse_jax.stages.stylegan_r.networks import TrainedInverseGraphics, make_networks
from ganverse_jax.stages.stylegan_r.samples import Examples
from tests.stages.tiny_world import run_in

SIZE, VIEWS, OBJECTS, WIDTHS, W_DIM = 16, 4, 6, (8, 8), 6


def _random(module, *inputs):
    """Variables of the module's shapes, drawn by NumPy: compiling an init would take longer than the test."""
    shapes = jax.eval_shape(module.init, jax.random.key(0), *inputs)
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(leaf.dtype) / 4, shapes)


@functools.cache
def _generator():
    module = Generator(
        resolution=SIZE, z_dim=W_DIM, w_dim=W_DIM, mapping_layers=1, channel_base=64, channel_max=8
    )
    variables = _random(module, np.zeros((1, W_DIM), np.float32))
    return LoadedGenerator(module, variables, np.full(W_DIM, 0.3, np.float32), fingerprint(variables), {})


CAMERA = CameraInput(2, 2, np.array([[0.0, 0.1], [2.0, 0.3]], np.float32))


@functools.cache
def _with_camera():
    """A generator that takes a camera."""
    plain = _generator()
    mapping = _random(CAMERA.mapping(W_DIM), np.zeros((1, 4), np.float32))["params"]
    params = plain.variables["params"] | {PARAMS: mapping}
    return plain._replace(variables=plain.variables | {"params": params}, camera=CAMERA)


NETWORK = InverseGraphics(
    icosphere_level=0, encoder_width=8, encoder_blocks=(1,), code_size=8, shape_hidden=8, texture_size=16,
    texture_channels=(8, 8),
)  # fmt: skip
CAMERAS = {
    "azimuth": np.arange(VIEWS) * np.pi / 2, "elevation": np.zeros(VIEWS), "distance": np.full(VIEWS, 4.2)
}  # fmt: skip


SETTINGS = settings.Settings(
    mapper=settings.Mapper(view_dims=12, hidden=(8,), channels=4, channels_max=4),
    warmup=settings.Warmup(
        num_steps=20,
        batch_size=4,
        learning_rates=settings.WarmupRates(mapper=1e-2),
        weights=settings.WarmupWeights(entropy=0.1),
    ),
    finetune=settings.Finetune(
        num_steps=3,
        batch_size=2,
        learning_rates=settings.FinetuneRates(mapper=1e-3, generator=1e-3),
    ),
    sweep_steps=4,
    log_every=1,
)


def _inverse(params):
    return TrainedInverseGraphics(NETWORK, params, fov_y=0.5)


@functools.cache
def _inputs(takes_camera=False):
    generator = _with_camera() if takes_camera else _generator()
    rng = np.random.default_rng(0)
    multiview = MultiviewGenerator(generator, batch_size=VIEWS * OBJECTS)
    view_w, content_w = (rng.normal(size=(n, W_DIM)).astype(np.float32) for n in (VIEWS, OBJECTS))
    if takes_camera:
        view_w = multiview.camera_codes(np.stack([CAMERAS["azimuth"], CAMERAS["elevation"]], axis=1))
    view_id, object_id = np.tile(np.arange(VIEWS), OBJECTS), np.repeat(np.arange(OBJECTS), VIEWS)
    images, _ = multiview.pairs(view_w[view_id], content_w[object_id])
    masks = np.zeros((len(images), SIZE, SIZE), np.uint8)
    masks[:, 4:12, 3:13] = 255
    views = [
        {"azimuth_bin": 3 * i} | {name: float(values[i]) for name, values in CAMERAS.items()}
        for i in range(VIEWS)
    ]
    whole = MultiviewSet(images, masks, view_id, object_id, views)
    rows = {"train": np.flatnonzero(object_id < 4), "test": np.flatnonzero(object_id >= 4)}
    picture = (np.zeros((1, SIZE, SIZE, 3), np.float32), np.zeros((1, SIZE, SIZE, 1), np.float32))
    segmenter_params = _random(SegmenterNet(WIDTHS), picture[0])["params"]
    splits = {name: Examples(whole.take(row), content_w[object_id[row]]) for name, row in rows.items()}
    return stylegan_r_inputs.assemble(
        generator, _inverse(_random(NETWORK, *picture)["params"]), splits, view_w, CAMERAS,
        segmenter=LearnedSegmenter(segmenter_params, widths=WIDTHS, resolution=SIZE),
        regress=None, settings=SETTINGS,
    )  # fmt: skip


@pytest.fixture(scope="module", params=[False, True], ids=["views", "camera"])
def inputs(request):
    return _inputs(request.param)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, inputs):
    workdir = tmp_path_factory.mktemp("run")
    return workdir, stylegan_r.train_and_measure(run_in(workdir), SETTINGS, inputs)


@pytest.mark.slow  # half a minute of compiling
def test_summary_tells_before_and_after(finished):
    workdir, summary = finished
    assert read_json(workdir / "stylegan_r" / "summary.json") == summary
    assert summary["code_after"] < summary["code_before"]
    for when in ("before_finetuning", "after_finetuning"):
        assert {"cycle_shape", "background_change_texture", "mask_iou_other_view"} <= set(summary[when])
    gates = [summary[f"gate_{name}"] for name in ("shape", "texture", "background")]
    assert sum(gates) == pytest.approx(1, rel=1e-5)  # float32 softmax


@pytest.mark.slow  # half a minute of compiling
def test_both_phases_are_logged(finished):
    stages = [row["stage"] for row in Metrics(finished[0]).read()]
    assert stages.count("stylegan_r_warmup") == 20
    assert stages.count("stylegan_r_finetune") == 3


@pytest.mark.slow  # half a minute of compiling
def test_figures_have_the_agreed_names_and_shapes(finished, inputs):
    arrays = read_npz(finished[0] / "stylegan_r" / "figures.npz")
    # A camera that a generator takes has no distance.
    swept = ("azimuth", "elevation") if inputs.generator.camera else ("azimuth", "elevation", "scale")
    shapes = {name: array.shape for name, array in arrays.items()}
    picture = (SIZE, SIZE, 3)
    sweeps = {name: shape for name, shape in shapes.items() if name.endswith("_sweep")}
    assert sweeps == dict.fromkeys((f"{name}_sweep" for name in swept), (3, 4, *picture))
    for name in ("sampled", "shape_swap", "texture_swap", "background_swap"):
        assert shapes[name] == (3, *picture)
    assert shapes["inputs"] == shapes["dibr"] == shapes["neural"]
    assert all(array.dtype == np.uint8 for array in arrays.values())


@pytest.mark.slow  # half a minute of compiling
def test_written_renderer_draws_the_written_figures(finished, inputs):
    data, workdir = inputs.test, finished[0]
    renderer = load_neural_renderer(workdir / "stylegan_r")
    row = np.array([0])
    camera = data.cameras[data.view_id[row]]
    image = renderer(camera, data.shapes[row], data.textures[row], data.images[row], data.masks[row])
    shown = read_npz(workdir / "stylegan_r" / "figures.npz")["neural"][0]
    np.testing.assert_allclose(255 * image[0], shown, atol=0.51)  # half a step of uint8, and rounding


@pytest.mark.parametrize("include_torgb", [False, True])
def test_codes_of_a_view_and_a_content_are_those_of_the_picture_of_both(include_torgb):
    module, variables = _generator().module, _generator().variables
    layout = style_layout(module, include_torgb=include_torgb)
    view_w, content_w = np.random.default_rng(1).normal(size=(2, 5, W_DIM)).astype(np.float32)
    drawn = jax.jit(lambda a, b: mix_ws(module.broadcast(a), module.broadcast(b)))(view_w, content_w)
    drawn = jax.jit(lambda ws: flatten_styles(styles_of(module, variables, ws), layout))(drawn)
    view, content = (stylegan_r_inputs.style_codes(_generator(), layout, w) for w in (view_w, content_w))
    size = layout.view_size
    codes = np.concatenate([view[:, :size], content[:, size:]], axis=1)
    np.testing.assert_allclose(codes, drawn, rtol=1e-5, atol=1e-6)  # float32 in another program


def test_code_of_the_mean_w_gives_the_mean_image():
    inputs, generator = _inputs(), _generator()
    size = inputs.layout.view_size
    flat = stylegan_r_inputs.style_codes(generator, inputs.layout, generator.w_avg[None])
    variables, module = generator.variables, generator.module
    drawn = jax.jit(inputs.networks.synthesise)(
        variables["params"], inputs.constants, flat[:, :size], flat[:, size:]
    )
    ws = np.broadcast_to(generator.w_avg, (1, module.num_ws, module.w_dim))
    image = jax.jit(functools.partial(module.apply, method=Generator.synthesis))(variables, ws)
    np.testing.assert_allclose(2 * drawn - 1, image, atol=1e-5)  # the same float32 program but for 2 x / 2


def test_a_camera_and_a_contents_whole_code_give_the_generators_picture_of_both():
    generator, inputs = _with_camera(), _inputs(takes_camera=True)
    layout = style_layout(generator.module, include_torgb=True)  # no style is left to a mean
    content_w = np.random.default_rng(1).normal(size=(VIEWS, W_DIM)).astype(np.float32)
    given = inputs.train.view_styles
    images, _ = MultiviewGenerator(generator).pairs(
        MultiviewGenerator(generator).camera_codes(given), content_w
    )
    networks = make_networks(generator, layout, _inverse({}), None, "render")
    codes = stylegan_r_inputs.style_codes(generator, layout, content_w)
    drawn = jax.jit(networks.synthesise)(generator.variables["params"], inputs.constants, given, codes)
    # A level of uint8, and the sum of styles in another order.
    np.testing.assert_allclose(255 * np.clip(drawn, 0, 1), images, atol=0.6)


def test_view_dimensions_and_a_contents_whole_code_give_the_generators_picture_of_both():
    layout = style_layout(_generator().module, include_torgb=True)
    generator = _generator()._replace(view_mask=np.arange(layout.size) % 3 == 0)
    view_w, content_w = np.random.default_rng(1).normal(size=(2, VIEWS, W_DIM)).astype(np.float32)
    images, _ = MultiviewGenerator(generator).pairs(view_w, content_w)
    view, content = stylegan_r_inputs.codes_of(generator, layout, view_w, content_w, [])
    networks = make_networks(generator, layout, _inverse({}), None, "render")
    drawn = jax.jit(networks.synthesise)(generator.variables["params"], _inputs().constants, view, content)
    # A level of uint8, and the same styles in another program.
    np.testing.assert_allclose(255 * np.clip(drawn, 0, 1), images, atol=0.6)


def test_render_mask_is_the_silhouette_at_the_requested_camera():
    data, dibr = _inputs().test, _inputs().dibr
    networks = make_networks(_generator(), _inputs().layout, _inverse({}), None, "render")
    camera, images = data.cameras[data.view_id], data.images.astype(np.float32)
    mask = jax.jit(networks.segment)({}, images, data.shapes, tuple(camera.T))
    np.testing.assert_array_equal(mask[..., 0], dibr(camera, data.shapes, data.textures)[1])


def test_render_mask_obeys_the_offset_as_dibr_does():
    data, dibr = _inputs().test, _inputs().dibr
    networks = make_networks(_generator(), _inputs().layout, _inverse({}), None, "render")
    camera, images = data.cameras[data.view_id], data.images.astype(np.float32)
    offset = np.random.default_rng(0).uniform(-0.4, 0.4, (len(camera), 2)).astype(np.float32)
    camera = np.concatenate([camera, offset], axis=1)
    mask = jax.jit(networks.segment)({}, images, data.shapes, tuple(camera.T))[..., 0]
    np.testing.assert_array_equal(mask, dibr(camera, data.shapes, data.textures)[1])
    assert (mask != dibr(camera[:, :3], data.shapes, data.textures)[1]).any(axis=(1, 2)).all()


def test_learned_segmenter_gives_the_same_mask_in_the_step_as_outside():
    inputs = _inputs()
    images = inputs.test.images[:2]
    inside = inputs.networks.segment(inputs.constants, images.astype(np.float32) / 255.0, None, None)
    # Float32 in another order of operations.
    np.testing.assert_allclose(inside[..., 0], inputs.segment(images), atol=1e-5)


def _measuring(folder, monkeypatch):
    """`stylegan_r._compare` with a folder of masks, on a renderer that adds a level before and another after
    "training"; the sizes of what it drew."""
    inputs, drawn = dataclasses.replace(_inputs(), segment=MaskFolder(folder)), []

    def neural(cameras, shapes, textures, images, masks):
        drawn.append(len(cameras))
        level = neural.params + 20 * cameras[:, 0] + 50 * textures.astype(np.float32).mean(axis=(1, 2, 3))
        return np.clip(images / np.float32(255) + level[:, None, None, None] / 255, 0, 1)

    neural.batch_size = 2
    monkeypatch.setattr(stylegan_r, "_cycle_terms", lambda trained, inputs: lambda params, asked: {})
    trained = SimpleNamespace(warm=5.0, tuned=40.0)
    return lambda: stylegan_r._compare(neural, trained, inputs), drawn


def _segment_by_hand(paths, folder):
    levels = np.zeros((SIZE, SIZE), np.uint8)
    levels[4:12, 3:13] = 1
    for path in paths:
        Image.fromarray(levels).save(folder / path.name)


def test_a_folder_of_masks_is_asked_once_for_all_that_is_measured(tmp_path, monkeypatch, capsys):
    compare, drawn = _measuring(tmp_path, monkeypatch)
    with pytest.raises(MissingMasks) as first:
        compare()
    wanted, rows = sorted((tmp_path / WANTED).iterdir()), len(_inputs().test)
    assert drawn == 10 * [rows] and f"{10 * rows} pictures with masks" in capsys.readouterr().out
    assert first.value.count >= len(wanted) > rows
    _segment_by_hand(wanted[::2], tmp_path)
    with pytest.raises(MissingMasks):  # the other half is still wanted, and nothing more
        compare()
    assert sorted((tmp_path / WANTED).iterdir()) == wanted
    _segment_by_hand(wanted[1::2], tmp_path)
    found = compare()
    assert set(found) == {"before_finetuning", "after_finetuning"}
    assert {"mask_iou_other_view", "background_change_texture", "image_error"} <= set(
        found["after_finetuning"]
    )
    assert found["before_finetuning"]["image_error"] < found["after_finetuning"]["image_error"]


def test_means_over_single_examples_are_those_of_all_at_once():
    x, y = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    terms = jax.jit(lambda scale, batch: {"square": (scale * (batch[0] - batch[1]) ** 2).mean()})
    rows, others = np.arange(5), np.arange(5)[::-1]
    alone = stylegan_r._of_single_examples(terms, 2.0, lambda a, b: (x[a], y[b]), rows, others)
    # Float32 sums in another order.
    assert alone["square"] == pytest.approx(float(terms(2.0, (x[rows], y[others]))["square"]), rel=1e-6)

"""W* is computed from the generator, and is all a generator needs besides the intermediate toRGB styles."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.models.stylegan2.networks import Generator
from ganverse_jax.models.stylegan2.style_space import (
    complete_styles,
    flatten_styles,
    mix_ws,
    split_view_content,
    style_layout,
    styles_of,
    unflatten_styles,
)

jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})  # compiles 2.5 times faster


def config(resolution, channel_base):
    return Generator(resolution, 512, 512, 8, channel_base, 512)


@pytest.mark.parametrize(("channel_base", "content"), [(16384, 3008), (32768, 3968)])
def test_cars_at_512_have_the_paper_sizes(channel_base, content):
    layout = style_layout(config(512, channel_base))
    assert (layout.view_size, layout.content_size) == (2048, content)
    assert len(layout.names) == 16 == config(512, channel_base).num_ws


def test_config_e_has_the_paper_widths():
    layout = style_layout(config(512, 16384))
    assert layout.widths == (512,) * 8 + (256,) * 2 + (128,) * 2 + (64,) * 2 + (32,) * 2
    assert layout.view_names == ("b4.conv1", "b8.conv0", "b8.conv1", "b16.conv0")
    assert layout.names[-1] == "b512.torgb"


@pytest.mark.parametrize(("channel_base", "content"), [(16384, 2944), (32768, 3840)])
def test_horses_at_256_have_14_layers(channel_base, content):
    layout = style_layout(config(256, channel_base))
    assert len(layout.names) == 14
    assert (layout.view_size, layout.content_size) == (2048, content)


@pytest.mark.parametrize("include_torgb", [False, True])
def test_offsets_tell_where_each_style_lies(include_torgb):
    layout = style_layout(config(64, 1024), include_torgb=include_torgb)
    flat = np.arange(layout.size)[None]
    for name, offset in zip(layout.names, layout.offsets, strict=True):
        assert unflatten_styles(flat, layout)[name][0, 0] == offset


def test_the_option_takes_every_torgb_in_by_its_slot():
    layout = style_layout(config(64, 1024), include_torgb=True)
    assert layout.names == tuple(layer.name for layer in config(64, 1024).layers) and layout.other_names == ()
    assert layout.view_names == layout.names[:6]  # b4.torgb and b8.torgb have the slots 1 and 3


def test_a_layout_without_content_is_refused():
    with pytest.raises(ValueError, match="4 layers leave none for the content beside the view.s 4"):
        style_layout(config(8, 64))


@pytest.fixture(scope="module")
def small():
    generator, random = Generator(16, 8, 8, 1, 64, 8), np.random.default_rng(0)
    shapes = jax.eval_shape(generator.init, jax.random.key(0), jnp.zeros((1, 8)))
    variables = jax.tree.map(lambda x: random.standard_normal(x.shape, np.float32), shapes)
    return generator, variables, random.standard_normal((2, 2, generator.num_ws, 8), np.float32)


def test_mixing_ws_is_mixing_flat_codes(small):
    generator, variables, (view, content) = small
    layout = style_layout(generator)
    to_flat = jit(lambda ws: flatten_styles(generator.apply(variables, ws, method="styles"), layout))
    view_part, _ = split_view_content(to_flat(view), layout)
    _, content_part = split_view_content(to_flat(content), layout)
    mixed = to_flat(mix_ws(view, content))
    np.testing.assert_array_equal(mixed, np.concatenate([view_part, content_part], axis=1))


def test_a_code_of_another_generator_is_refused_with_both_lengths():
    layout = style_layout(config(64, 1024))
    with pytest.raises(ValueError, match=f"length 3, but the layout has {layout.size}"):
        unflatten_styles(np.zeros((1, 3)), layout)


@pytest.fixture(scope="module")
def drawn(small):
    """Code, styles and images through W* and through w; each way is compiled once."""
    generator, variables, (ws, _) = small
    layout = style_layout(generator)
    w_avg = jnp.broadcast_to(ws[:1, :1] * 0.3, ws.shape)
    styles, average = (styles_of(generator, variables, x) for x in (ws, w_avg))
    code = flatten_styles(styles, layout)

    def draw(styles, **noise):
        return generator.apply(variables, styles, **noise, method="from_styles")

    complete = complete_styles(code, layout, styles)

    return {
        "code": code,
        "styles": styles,
        "average": average,
        "image of w": jit(lambda ws: generator.apply(variables, ws, method="synthesis"))(ws),
        "image": jit(draw)(complete),
        "image without w": jit(draw)(complete_styles(code, layout, average)),
        "random": jit(partial(draw, noise="random"))(complete, key=jax.random.key(0)),
    }


def test_the_code_holds_what_it_takes_to_rebuild_the_styles(small, drawn):
    layout = style_layout(small[0])
    assert drawn["code"].shape == (2, layout.size)
    rebuilt = complete_styles(drawn["code"], layout, drawn["styles"])
    jax.tree.map(np.testing.assert_array_equal, drawn["styles"], rebuilt)


def test_drawing_from_the_code_of_w_is_drawing_from_w(drawn):
    expected = np.asarray(drawn["image of w"])
    # 1e-5 of the maximum: the styles are computed apart from the picture, so summed in another order.
    np.testing.assert_allclose(drawn["image"], expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_random_noise_is_another_picture_of_the_same_code(drawn):
    assert np.abs(np.asarray(drawn["random"] - drawn["image"])).max() > 0.1


def test_codes_without_w_take_their_intermediate_torgb_styles_from_w_avg(small, drawn):
    layout = style_layout(small[0])
    assert layout.other_names == ("b4.torgb", "b8.torgb")
    for name, style in complete_styles(drawn["code"], layout, drawn["average"]).items():
        source = drawn["average"] if name in layout.other_names else drawn["styles"]
        np.testing.assert_array_equal(style, source[name])
    assert np.abs(np.asarray(drawn["image without w"] - drawn["image"])).max() > 0.01


def test_one_w_serves_every_layer(small):
    generator, variables, (ws, _) = small
    one, all_rows = (styles_of(generator, variables, x) for x in (ws[:, 0], generator.broadcast(ws[:, 0])))
    jax.tree.map(np.testing.assert_array_equal, one, all_rows)

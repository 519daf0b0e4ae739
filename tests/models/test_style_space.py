"""W* is computed from the generator, and is all a generator needs besides the intermediate toRGB styles."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.models.style_space import (
    complete_styles,
    flatten_styles,
    mix_ws,
    split_view_content,
    style_layout,
    unflatten_styles,
)
from ganverse_jax.models.stylegan2 import Generator

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


def test_horses_at_256_have_14_layers():
    assert len(style_layout(config(256, 16384)).names) == 14


def test_the_option_takes_every_torgb_in_by_its_slot():
    layout = style_layout(config(64, 1024), include_torgb=True)
    assert layout.names == config(64, 1024).style_names and layout.other_names == ()
    assert layout.view_names == layout.names[:6]  # b4.torgb and b8.torgb have the slots 1 and 3


def test_a_layout_without_content_is_refused():
    with pytest.raises(ValueError, match="view_layers 4 must lie in 1 .. 3"):
        style_layout(config(8, 64))


@pytest.fixture(scope="module")
def small():
    generator, random = Generator(16, 8, 8, 1, 64, 8), np.random.default_rng(0)
    shapes = jax.eval_shape(generator.init, jax.random.key(0), jnp.zeros((1, 8)))
    variables = jax.tree.map(lambda x: random.standard_normal(x.shape, np.float32), shapes)
    return generator, variables, random.standard_normal((2, 2, generator.num_ws, 8), np.float32)


def test_flat_codes_round_trip_and_render_the_synthesis_image(small):
    generator, variables, (ws, _) = small
    layout = style_layout(generator)

    @jit
    def run(ws):
        styles = generator.apply(variables, ws, method="styles")
        flat = flatten_styles(styles, layout)
        rebuilt = complete_styles(flat, layout, styles)
        image = generator.apply(variables, rebuilt, method="from_styles")
        return flat, styles, rebuilt, image, generator.apply(variables, ws, method="synthesis")

    flat, styles, rebuilt, image, expected = run(ws)
    assert flat.shape == (2, layout.size)
    jax.tree.map(np.testing.assert_array_equal, styles, rebuilt)
    np.testing.assert_array_equal(image, expected)  # the same operations on the same numbers


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

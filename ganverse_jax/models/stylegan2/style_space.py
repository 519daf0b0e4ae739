"""The paper's style code W* (section 3.3, arXiv:2010.09125): one flat vector of per-layer styles.

W* holds the styles of all convolutions and of the last toRGB, in layer order. The first four convolutions
carry the view, everything after them the content. Styles of intermediate toRGB layers (skip architecture)
are not in the paper's W*: they are the affine of the w that drives their slot (the view's w for the first
two, the content's later), or of w_avg where a code has no w (mapped codes); `include_torgb` takes them in.
Sizes come from the generator, never from the paper: config-e at 512 px gives 2048 + 3008.
"""

from typing import NamedTuple

import jax.numpy as jnp

VIEW_LAYERS = 4


class StyleLayout(NamedTuple):
    """Names and widths of the styles in flat order; the first `view_count` of them carry the view.

    `other_names` are the generator's styles outside the flat code.
    """

    names: tuple[str, ...]
    widths: tuple[int, ...]
    view_count: int
    other_names: tuple[str, ...]

    @property
    def size(self):
        """Length of the flat code."""
        return sum(self.widths)

    @property
    def offsets(self):
        """Where each style starts in the flat code."""
        return tuple(sum(self.widths[:i]) for i in range(len(self.widths)))

    @property
    def view_names(self):
        """Names of the styles that carry the view."""
        return self.names[: self.view_count]

    @property
    def view_size(self):
        """Length of the view part, which comes first in the flat code."""
        return sum(self.widths[: self.view_count])

    @property
    def content_size(self):
        """Length of the content part."""
        return self.size - self.view_size


def style_layout(generator, *, include_torgb=False):
    """`StyleLayout` of a generator, from its static widths.

    `include_torgb` takes the intermediate toRGB styles in as well; those driven by the view's w
    (slot < VIEW_LAYERS) then count to the view. Raises ValueError when no layer is left for the content.
    """
    layers = generator.layers
    if generator.num_ws <= VIEW_LAYERS:
        raise ValueError(
            f"{generator.num_ws} layers leave none for the content beside the view's {VIEW_LAYERS}; take a "
            "generator of 16 px or more"
        )
    kept = [layer for layer in layers if include_torgb or layer.name.endswith(("conv0", "conv1"))]
    if not include_torgb:
        kept.append(layers[-1])
    return StyleLayout(
        names=tuple(layer.name for layer in kept),
        widths=tuple(layer.width for layer in kept),
        view_count=sum(layer.slot < VIEW_LAYERS for layer in kept),
        other_names=tuple(layer.name for layer in layers if layer not in kept),
    )


def flatten_styles(styles, layout):
    """Styles {name: [b width]} to the flat code [b layout.size]; styles outside the layout are dropped."""
    return jnp.concatenate([styles[name] for name in layout.names], axis=-1)


def unflatten_styles(flat, layout):
    """Flat code [b layout.size] to {name: [b width]}. Raises ValueError on another length."""
    if flat.shape[-1] != layout.size:
        size = flat.shape[-1]
        raise ValueError(f"code of length {size}, but the layout has {layout.size}; use its generator")
    styles, start = {}, 0
    for name, width in zip(layout.names, layout.widths, strict=True):
        styles[name] = flat[..., start : start + width]
        start += width
    return styles


def split_view_content(flat, layout):
    """Flat code [b n] to (view [b view_size], content [b content_size])."""
    return flat[..., : layout.view_size], flat[..., layout.view_size :]


def complete_styles(flat, layout, fallback):
    """All styles a generator needs: the code's own, and `fallback`'s for the rest.

    `fallback` {name: [b or 1, width]} are the styles of the ws behind the code, or of w_avg for codes
    without one (`styles_of`).
    """
    own = unflatten_styles(flat, layout)
    batch = flat.shape[0]
    others = {name: fallback[name] for name in layout.other_names}
    return own | {name: jnp.broadcast_to(x, (batch, x.shape[-1])) for name, x in others.items()}


def mix_ws(view_ws, content_ws):
    """ws [b num_ws w] with the first rows of one and the rest of the other (section 3.1)."""
    return jnp.concatenate([view_ws[:, :VIEW_LAYERS], content_ws[:, VIEW_LAYERS:]], axis=1)


def mix_styles(view, content, mask):
    """All styles {name: [b width]}: the view's in the dimensions that `mask` {name: bool [width]} holds, the
    content's elsewhere. View dimensions in place of view layers."""
    return {name: jnp.where(mask[name], view[name], content[name]) for name in content}


def styles_of(generator, variables, ws):
    """All styles {name: [b width]} of ws [b num_ws w]; a w [b w] serves every layer."""
    ws = generator.broadcast(ws) if ws.ndim == 2 else ws
    return generator.apply(variables, ws, method="styles")

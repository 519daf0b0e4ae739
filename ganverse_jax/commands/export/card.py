"""The model card of an exported network: README.md."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax

from ganverse_jax.commands.export.networks import Network
from ganverse_jax.commands.export.programs import PLATFORMS
from ganverse_jax.pages.markup import markdown_table

CITATION = """If you use it, please cite the paper and GANverse-JAX:

    @inproceedings{zhang2021image,
      title={Image {GANs} meet Differentiable Rendering for Inverse Graphics and Interpretable 3D Neural
             Rendering},
      author={Zhang, Yuxuan and Chen, Wenzheng and Ling, Huan and Gao, Jun and Zhang, Yinan and Torralba,
              Antonio and Fidler, Sanja},
      booktitle={International Conference on Learning Representations},
      year={2021}
    }"""
USES = {
    "inverse_graphics": (
        "Textured meshes of pictures of the class it was trained on: one whole object, a mask, framed as "
        "in training (`framing` in config.json: share of the picture, centre of the object). "
        "The forward pass needs no rasterizer, except that a texture flow samples the picture, which "
        "this program does in plain JAX. To draw the meshes any renderer of .glb will do."
    ),
    "stylegan_r": (
        "Pictures of objects by handles: camera, shape, texture and background, each from another source. "
        "Shapes and textures come from the inverse graphics network of the same run. No rasterizer is needed."
    ),
    "generator": (
        "Pictures of the class from random codes, one content in many views, for instance as training data. "
        "No rasterizer is needed."
    ),
}
NAMES = {
    "inverse_graphics": (
        "`encoder/` reads picture and mask, `code/` sums them up; `shape/` moves the template's vertices "
        "(`out`: along smooth modes, `free`: each by itself), `texture/` paints its UV map, `light/` lights "
        "it. A `kernel` is [in out], or [rows columns in out] of a convolution."
    ),
    "stylegan_r": (
        "`mapper/` makes codes of the camera (`view_net`), `shape_net`, `texture_net` and `background_net`, "
        "mixed by `gate_logits`; `statistics/` puts them back into the generator's units. `generator/`, "
        "`noise/` and `w_avg` are the generator's: `mapping/` from z to w, `bR/` what draws R pixels."
    ),
    "generator": (
        "`params/mapping/` makes w of z, `params/camera_mapping/` of a camera, where it takes one; "
        "`params/bR/` draw R pixels (`weight`: [rows columns in out], `affine`: w to style, `torgb`: to "
        "colours); `noise/` is fixed; `w_avg` is the mean w, to which truncation pulls."
    ),
}
LIMITS = {
    "inverse_graphics": (
        "Shapes are a deformed sphere: no holes, thin parts are rounded off. What the picture hides is "
        "guessed from the class. Other classes, several objects and cut-off ones give wrong meshes without "
        "a warning. Colours hold the light of the picture."
    ),
    "stylegan_r": (
        "It obeys its handles in part (the figures below say how far) and draws what its generator can. "
        "Pictures are not exact renders: do not measure in them."
    ),
    "generator": (
        "It draws what its training pictures held, their biases included; a view may change the content."
    ),
}


class Provenance(NamedTuple):
    """Where a network comes from, in words; figures: {name: number} as the run's files hold them."""

    origin: str
    data: str
    licence: str
    figures: Mapping[str, float]


def card_text(network: Network, outputs: Mapping[str, Any], told: Provenance, onnx: bool) -> str:
    """The card as Markdown. outputs: of the sample; onnx: whether there is such a file."""
    parameters = sum(leaf.size for leaf in jax.tree.leaves(network.params))
    sections = {
        "What it takes and gives": _signals(network, outputs),
        "How to run it": _how_to_run(onnx),
        "What lasts": _guarantee(),
        "Names of the parameters": NAMES[network.name],
        "Trained on": told.data,
        "Licence": told.licence,
        "Intended use": USES[network.name],
        "Limits": LIMITS[network.name],
        "Figures": _figures(told),
        "How to cite": CITATION,
    }
    begin = (
        f"# {network.title}\n\nExported by GANverse-JAX, an implementation of arXiv:2010.09125, from "
        f"{told.origin}.\n{parameters:,} parameters.\n\n![sample](sample.png)"
    )
    return "\n\n".join([begin, *(f"## {title}\n\n{text}" for title, text in sections.items())]) + "\n"


def _signals(network: Network, outputs: Mapping[str, Any]) -> str:
    taken = [(f"`{name}`", _shape(x.shape), x.meaning) for name, x in network.inputs.items()]
    given = [(f"`{name}`", _shape(x.shape[1:]), network.meanings[name]) for name, x in outputs.items()]
    tables = [
        "\n".join(markdown_table((kind, "shape", "meaning"), rows, "---"))
        for kind, rows in (("input", taken), ("output", given))
    ]
    return "\n\n".join(["float32 arrays of any batch b:", *tables])


def _how_to_run(onnx: bool) -> str:
    return (
        "`python load.py` needs jax, numpy and flatbuffers (by which jax reads programs), no more; from "
        "Python, `load()(**inputs)` of it. "
    ) + (
        "`model.onnx` is the same with its parameters inside, for onnxruntime and its kin."
        if onnx
        else "There is no ONNX file (`launch.export --onnx` writes one)."
    )


def _shape(shape: tuple[int, ...]) -> str:
    return f"[b {' '.join(map(str, shape))}]"


def _guarantee() -> str:
    return (
        "`model.safetensors` is the durable form: named arrays that any reader of safetensors has, and "
        "config.json rebuilds the network in GANverse-JAX. `program.jax_export` was written by jax "
        f"{jax.__version__} for {' and '.join(PLATFORMS)}; JAX promises that versions of six months after it "
        "can run it. It takes the parameters as arguments, a flat dict as in the safetensors file: they "
        "are stored once, and others of the same shapes run in it."
    )


def _figures(told: Provenance) -> str:
    if not told.figures:
        return f"No figures lie beside the network; see {told.origin}."
    rows = [(f"`{name}`", f"{value:.4g}") for name, value in told.figures.items()]
    return "As the run's own files hold them:\n\n" + "\n".join(markdown_table(("figure", "value"), rows))


def numbers_in(values: Mapping[str, Any], before: str = "") -> dict[str, float]:
    """The numbers in a nested mapping, by dotted name, but for how long things took."""
    found: dict[str, float] = {}
    for name, value in values.items():
        if name == "time":
            continue
        if isinstance(value, Mapping):
            found |= numbers_in(value, f"{before}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[f"{before}{name}"] = value
    return found


def licence_of(world: bool, folder: Path) -> str:
    """Of weights trained on pictures of the toy world (world), or on anything else."""
    if world:
        return (
            "Apache-2.0: trained by GANverse-JAX on its own procedural renders, without outside data or "
            "weights."
        )
    told = " What came with the generator is in CARD.md." if (folder / "CARD.md").is_file() else ""
    return (
        "GANverse-JAX's code is Apache-2.0. These parameters follow the licences of the pictures and weights "
        "they were trained on or from, which the run does not tell: ask its maker before you pass them on."
        + told
    )

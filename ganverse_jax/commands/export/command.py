"""Trained networks as folders for others: what `launch.export` does.

A folder each for inverse_graphics, stylegan_r and generator, as far as there are such: model.safetensors,
config.json, program.jax_export, model.onnx where asked for, load.py, README.md (the card), samples,
template.npz and .glb.
"""

import dataclasses
import functools
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from ganverse_jax import __version__
from ganverse_jax.commands.export import card, networks, onnx_model, programs, samples
from ganverse_jax.models.stylegan2.stored import LoadedGenerator, load_generator
from ganverse_jax.models.stylegan_r.neural_renderer import MAPPER_FILE, load_neural_renderer
from ganverse_jax.runtime.checkpoint import read_json, write_json, write_text
from ganverse_jax.runtime.shipped import ASSETS, shipped_with, world_of
from ganverse_jax.stages.gan import stage as gan
from ganverse_jax.stages.perception import load as perception

TOY_WORLD = "Pictures of the project's own toy world: procedural renders of objects with exact geometry."
NAMES = ("inverse_graphics", "stylegan_r", "generator")


@dataclasses.dataclass(frozen=True)
class Source:
    """Where networks lie: `root` holds inverse_graphics/ and stylegan_r/, `gan` the generator, `perceiving`
    the segmenter. origin, data: in words; world: trained on the toy world alone."""

    root: Path
    gan: Path
    perceiving: Path
    origin: str
    data: str
    world: bool
    crop: tuple[int, int] | None = None

    def has(self, name: str) -> bool:
        """Whether there is a trained network of this name."""
        files = {
            "inverse_graphics": self.root / "inverse_graphics" / "network.safetensors",
            "stylegan_r": self.root / "stylegan_r" / MAPPER_FILE,
            "generator": self.gan / gan.GENERATOR,
        }
        return files[name].is_file()


def run(
    out: str | Path, *, workdir: str | Path | None = None, shipped: bool = False, onnx: bool = False
) -> str:
    """Export the networks of a run, or the shipped ones (a folder per set), into the folder `out`.

    onnx: write model.onnx too. Returns what to print. Raises ValueError or FileNotFoundError when there is
    nothing to export, or when `out` holds a folder that this call would write; nothing there is ever
    replaced; ImportError where ONNX is asked for and its libraries are missing.
    """
    if bool(workdir) == shipped:
        raise ValueError("give either --workdir=RUN or --shipped")
    if onnx:
        onnx_model.check_installed()
    out = Path(out)
    sources = {out: _run_source(Path(workdir))} if workdir else _shipped_sources(out)
    wanted = [
        (source, folder / name) for folder, source in sources.items() for name in NAMES if source.has(name)
    ]
    if not wanted:
        raise FileNotFoundError(
            f"no trained network in {workdir}; point --workdir to a run of launch.train, or give --shipped"
        )
    for _, folder in wanted:
        _check_free(folder)
    for source, folder in wanted:
        _export(source, folder, onnx)
        print(f"[export] wrote {folder}", flush=True)
    absent = [name for name in NAMES if name not in {folder.name for _, folder in wanted}]
    told = f" (no trained {' nor '.join(absent)} in {workdir or 'the shipped sets'})" if absent else ""
    return f"{len(wanted)} networks exported{told}; README.md in each folder says how to run it"


def _run_source(workdir: Path) -> Source:
    if not workdir.is_dir():
        raise FileNotFoundError(f"no run at {workdir}; correct --workdir")
    file, data, crop = workdir / gan.NAME / "summary.json", {}, None
    if file.is_file():
        data, crop = _read_object(file, "data", "crop", "truncation")["data"], gan.load_drawing(workdir).crop
    world = data.get("kind") == "world"
    named = [f"{name} {data[name]!r}" for name in ("kind", "path", "name") if data.get(name)]
    told = f"Pictures: {', '.join(named) or 'those that the config.json of the run names'}."
    parts = workdir, workdir / gan.NAME, workdir / perception.NAME, f"the run `{workdir.name}`"
    return Source(*parts, TOY_WORLD if world else told, world, crop)


def _read_object(file: Path, *needed: str) -> dict[str, Any]:
    content = read_json(file)
    if not isinstance(content, dict) or not set(needed) <= content.keys():
        told = f" of {', '.join(needed)}" if needed else ""
        raise ValueError(f"{file} holds no object{told}; delete it and run its stage again")
    return content


def _shipped_sources(out: Path) -> dict[Path, Source]:
    folders = sorted(path for path in ASSETS.iterdir() if (path / "CARD.md").is_file())
    told = "the shipped set `{0}` (ganverse_jax/assets/{0}/CARD.md)"
    return {
        out / path.name: Source(path, path, _perceiving(path), told.format(path.name), TOY_WORLD, True)
        for path in folders
    }


def _perceiving(folder: Path) -> Path:
    """The shipped set whose segmenter knows the objects of the set `folder`."""
    return shipped_with(perception.FILES[0], world_of(folder))


def _check_free(folder: Path) -> None:
    """Raise ValueError where something lies that an export would replace or that can hold no folder."""
    above = next(path for path in (folder.parent, *folder.parent.parents) if path.exists())
    if not above.is_dir():
        raise ValueError(f"{above} is a file, so nothing can be written below it; use another --out")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(
            f"{folder} is there already, and is not replaced; use another --out, or move it away"
        )


def _export(source: Source, folder: Path, onnx: bool) -> None:
    """Write one network's folder, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".export.") as temporary:
        made = Path(temporary) / folder.name
        made.mkdir()
        part = _PARTS[folder.name](source)
        programs.write_program(made, part.network)
        if onnx:
            onnx_model.write_onnx(made, part.network, part.inputs, part.outputs)
        samples.write_arrays(made, part.inputs, part.outputs)
        part.draw(made)
        write_json(made / "config.json", _config(part.network, part.outputs))
        shutil.copyfile(Path(__file__).with_name("load.py"), made / "load.py")
        licence = card.licence_of(source.world, source.gan)
        if not source.world and (source.gan / "CARD.md").is_file():
            shutil.copyfile(source.gan / "CARD.md", made / "CARD.md")
        told = card.Provenance(source.origin, source.data, licence, part.figures)
        write_text(made / "README.md", card.card_text(part.network, part.outputs, told, onnx))
        os.replace(made, folder)


def _config(network: networks.Network, outputs: samples.Arrays) -> dict[str, Any]:
    inputs = {name: {"shape": ["b", *x.shape], "meaning": x.meaning} for name, x in network.inputs.items()}
    given = {
        name: {"shape": ["b", *x.shape[1:]], "meaning": network.meanings[name]} for name, x in outputs.items()
    }
    versions = {"ganverse_jax": __version__, "jax": jax.__version__}
    config = {"network": network.name, "inputs": inputs, "outputs": given, "made_by": versions}
    return config | {"settings": network.settings}


def _pictures(source: Source, size: tuple[int, int]) -> samples.Arrays:
    """Pictures and masks for samples: of the run's multi-view set, else drawn by its GAN."""
    if (source.root / "multiview").is_dir():
        return samples.set_pictures(source.root)
    if source.has("generator") and source.perceiving.is_dir():
        drawn = samples.drawn_pictures(load_generator(source.gan / gan.GENERATOR), source.perceiving)
        if drawn["image"].shape[1:3] == size:
            return drawn
    raise FileNotFoundError(
        f"{source.root} has neither a multi-view set nor a GAN with a segmenter, which give the sample "
        "pictures; run launch.train there with --stages=multiview_dataset"
    )


def _numbers(*files: Path) -> dict[str, float]:
    found = (card.numbers_in(_read_object(file)) for file in files if file.is_file())
    return {name: value for numbers in found for name, value in numbers.items()}


class _Part(NamedTuple):
    """A network, its sample, `draw(folder)` that writes the sample's pictures, and its figures."""

    network: networks.Network
    inputs: samples.Arrays
    outputs: samples.Arrays
    draw: Callable[[Path], None]
    figures: dict[str, float]


def _inverse_graphics(source: Source) -> _Part:
    folder = source.root / "inverse_graphics"
    trained = networks.load_inverse_graphics(folder)
    network, inputs = networks.inverse_graphics(trained), _pictures(source, trained.size)
    outputs = programs.run_network(network, inputs)
    figures = card.numbers_in(trained.metadata.get("card", {}))
    figures |= _numbers(folder / "summary.json", folder / "evaluation.json")
    draw = functools.partial(samples.write_meshes, trained=trained, pictures=inputs, outputs=outputs)
    return _Part(network, inputs, outputs, draw, figures)


def _stylegan_r(source: Source) -> _Part:
    trained = networks.load_inverse_graphics(source.root / "inverse_graphics")
    renderer = load_neural_renderer(source.root / "stylegan_r")
    network, pictures = networks.stylegan_r(renderer, trained), _pictures(source, trained.size)
    meshes = programs.run_network(networks.inverse_graphics(trained), pictures)
    inputs = samples.renderer_inputs(trained, pictures, meshes)
    outputs = programs.run_network(network, inputs)
    draw = functools.partial(samples.write_pictures, rows=[pictures["image"], outputs["image"]])
    figures = _numbers(source.root / "stylegan_r" / "summary.json")
    return _Part(network, inputs, outputs, draw, figures)


def _generator(source: Source) -> _Part:
    loaded: LoadedGenerator = load_generator(source.gan / gan.GENERATOR)
    network, inputs = networks.generator(loaded, source.crop), samples.generator_inputs(loaded)
    outputs = programs.run_network(network, inputs)
    draw = functools.partial(samples.write_pictures, rows=np.split(outputs["image"], samples.COUNT))
    figures = card.numbers_in(loaded.metadata) | _numbers(source.root / "gan_evaluation.json")
    return _Part(network, inputs, outputs, draw, figures)


_PARTS = {"inverse_graphics": _inverse_graphics, "stylegan_r": _stylegan_r, "generator": _generator}

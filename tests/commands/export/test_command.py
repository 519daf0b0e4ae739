"""Exported networks: folders that run without the project, and say what they are."""

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import types
from pathlib import Path

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file

from ganverse_jax.commands.export import command
from ganverse_jax.commands.export.onnx_model import TOLERANCE as ONNX_TOLERANCE
from ganverse_jax.models.stylegan2.networks import Generator
from ganverse_jax.models.stylegan2.stored import load_generator, save_generator
from ganverse_jax.models.stylegan2.style_space import style_layout
from ganverse_jax.models.stylegan_r.latent_mapper import LatentMapper
from ganverse_jax.models.stylegan_r.neural_renderer import NeuralRenderer, save_neural_renderer
from ganverse_jax.runtime.checkpoint import read_npz, write_json
from ganverse_jax.runtime.shipped import world_of
from tests.models.inverse_graphics.untrained import write_network

flatbuffers = pytest.importorskip(
    "flatbuffers", reason="jax.export writes programs by it; pip install flatbuffers"
)

GENERATOR = dict(resolution=32, z_dim=8, w_dim=8, mapping_layers=2, channel_base=64, channel_max=8)
# What runs load.py, where nothing of ours, of Flax nor of safetensors can be imported.
ALONE = """
import importlib, runpy, sys
sys.path.append(sys.argv[1])
for name in ("ganverse_jax", "rasterizer", "launch", "flax", "safetensors"):
    sys.modules[name] = None
    try:
        importlib.import_module(name)
    except ImportError:
        continue
    raise AssertionError(name)
runpy.run_path("load.py", run_name="__main__")
"""
# Two compilations of one program round their sums differently: 1e-6 of numbers of about 1, with room.
TOLERANCE = 1e-5
KNOWN = {
    "inverse_graphics": {"code/kernel", "shape/free/kernel", "texture/start/bias"},
    "stylegan_r": {"mapper/gate_logits", "statistics/view_index", "generator/mapping/fc0/weight", "w_avg"},
    "generator": {"params/mapping/fc0/weight", "w_avg"},
}


def write_generator(folder):
    module = Generator(**GENERATOR)
    variables = module.init(jax.random.key(0), np.zeros((1, 8), np.float32))
    save_generator(
        folder / "generator.safetensors", GENERATOR, variables, np.zeros(8, np.float32), {"steps": 3}
    )
    write_json(
        folder / "summary.json",
        {"data": {"kind": "folder", "path": "cats"}, "truncation": 0.7, "crop": [4, 28]},
    )


def pictures(source, size):
    y, x = np.mgrid[: size[0], : size[1]] / size[0]
    mask = np.float32((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.1)[None, ..., None].repeat(2, axis=0)
    return {"image": np.float32(np.random.default_rng(0).random((2, *size, 3))), "mask": mask}


def write_renderer(folder, gan):
    loaded = load_generator(gan / "generator.safetensors")
    layout = style_layout(loaded.module)
    sizes = dict(view_size=layout.view_size, content_size=layout.content_size, num_vertices=162)
    mapper = LatentMapper(**sizes, view_dims=4, hidden=(8,), channels=4, channels_max=4)
    camera, picture = np.ones((1, 3), np.float32), np.ones((1, 32, 32, 3), np.float32)
    seen = np.ones((1, 162, 3), np.float32), np.ones((1, 8, 16, 3), np.float32), picture, picture[..., :1]
    made = mapper.init(jax.random.key(2), tuple(camera.T), *seen)
    params = {"mapper": made["params"], "generator": loaded.variables["params"]}
    constants = {"statistics": made["statistics"], "noise": loaded.variables["noise"], "w_avg": loaded.w_avg}
    save_neural_renderer(
        folder, NeuralRenderer(mapper, loaded, layout, params, constants), {"made_from": "x"}
    )


@pytest.fixture(scope="module", params=["decoded", "flow_and_colour"])
def exported(request, tmp_path_factory):
    """A run's export, its texture decoded or read from the picture; as ONNX too, where that is installed."""
    folder = tmp_path_factory.mktemp(request.param)
    run, out = folder / "run", folder / "out"
    write_network(run / "inverse_graphics", {"texture": request.param})
    if request.param == "decoded":
        write_generator(run / "gan")
        write_renderer(run / "stylegan_r", run / "gan")
        write_json(run / "inverse_graphics" / "evaluation.json", {"iou_2d": 0.912, "by": {"worst": 0.5}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "_pictures", pictures)
        command.run(out, workdir=run, onnx=importlib.util.find_spec("jax2onnx") is not None)
    return out


def errors_in(text):
    """What load.py prints, an output a line."""
    return [float(line.split("off by ")[1].split()[0]) for line in text.splitlines()]


def folders(out):
    return [out / name for name in command.NAMES if (out / name).is_dir()]


def test_a_program_alone_gives_what_flax_gives(exported, tmp_path):
    for folder in folders(exported):
        words = [sys.executable, "-I", "-c", ALONE, Path(flatbuffers.__file__).parents[1]]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert max(errors_in(done.stdout)) < TOLERANCE


def _plain():
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def test_any_batch_runs_and_wrong_inputs_are_named(exported):
    from ganverse_jax.commands.export.load import load

    for folder in folders(exported):
        run = load(folder)
        inputs = read_npz(folder / "sample_inputs.npz")
        outputs = read_npz(folder / "sample_outputs.npz")
        for name, value in run(**{name: x[:1].repeat(3, axis=0) for name, x in inputs.items()}).items():
            np.testing.assert_allclose(value, outputs[name][:1].repeat(3, axis=0), atol=TOLERANCE)
        with pytest.raises(ValueError, match=f"give {', '.join(inputs)}"):
            run(picture=inputs)


def test_onnx_gives_what_flax_gives_for_any_batch(exported):
    pytest.importorskip("jax2onnx", reason="pip install 'ganverse-jax[onnx]'")
    import onnxruntime

    for folder in folders(exported):
        session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
        inputs = {name: x[:1].repeat(3, axis=0) for name, x in read_npz(folder / "sample_inputs.npz").items()}
        outputs = read_npz(folder / "sample_outputs.npz")
        assert [put.name for put in session.get_outputs()] == list(outputs)
        for name, found in zip(outputs, session.run(None, inputs), strict=True):
            np.testing.assert_allclose(found, outputs[name][:1].repeat(3, axis=0), atol=ONNX_TOLERANCE)


def test_onnx_without_its_libraries_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="needs onnx, onnxruntime, jax2onnx; pip install 'ganverse-jax"):
        command.run(tmp_path / "out", shipped=True, onnx=True)
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_onnx_names_both_versions_and_writes_nothing(tmp_path, monkeypatch):
    def to_onnx(*_, **__):
        raise AttributeError("module 'jax' has no attribute 'of_another_age'")

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.1")
    for name, module in {"jax2onnx": types.SimpleNamespace(to_onnx=to_onnx), "onnxruntime": None}.items():
        monkeypatch.setitem(sys.modules, name, module or types.ModuleType(name))
    write_generator(tmp_path / "run" / "gan")
    told = (
        "jax2onnx 0.1 and jax 0.1 make no right ONNX of generator .AttributeError: .*age'.; leave out --onnx"
    )
    with pytest.raises(ValueError, match=told):
        command.run(tmp_path / "out", workdir=tmp_path / "run", onnx=True)
    assert not list((tmp_path / "out").iterdir())


def test_a_folder_holds_what_others_need(exported):
    for folder in folders(exported):
        config = json.loads((folder / "config.json").read_text())
        assert list(config["inputs"]) == list(read_npz(folder / "sample_inputs.npz"))
        assert list(config["outputs"]) == list(read_npz(folder / "sample_outputs.npz"))
        names = set(load_file(folder / "model.safetensors"))
        assert KNOWN[folder.name] <= names
        assert (folder / "sample.png").is_file()
    meshes = exported / "inverse_graphics"
    assert {"faces", "uv", "uv_faces", "vertices", "mirror"} == set(read_npz(meshes / "template.npz"))
    assert (meshes / "template.glb").is_file() and (meshes / "sample.glb").is_file()


def test_the_card_tells_data_licence_figures_and_what_lasts(exported):
    text = (exported / "inverse_graphics" / "README.md").read_text()
    for told in ("six months", "durable form", "no rasterizer", "## How to cite", "## Limits"):
        assert told in text
    if (exported / "generator").is_dir():
        assert "kind 'folder', path 'cats'" in text and "ask its maker" in text
        assert "| `iou_2d` | 0.912 |" in text and "| `by.worst` | 0.5 |" in text
    else:
        assert (
            "No figures lie beside the network; see the run `run`." in text
            and "| `flow` | [b 8 16 2] |" in text
        )


def test_nothing_that_lies_there_is_replaced(exported):
    before = {path: path.read_bytes() for path in exported.rglob("*") if path.is_file()}
    run = exported.parent / "run"
    with pytest.raises(ValueError, match="is there already, and is not replaced; use another --out"):
        command.run(exported, workdir=run)
    with pytest.raises(ValueError, match="is a file, so nothing can be written below it"):
        command.run(exported / "inverse_graphics" / "config.json", workdir=run)
    assert {path: path.read_bytes() for path in exported.rglob("*") if path.is_file()} == before


def test_wrong_inputs_are_named_with_a_remedy(tmp_path):
    with pytest.raises(ValueError, match="give either --workdir=RUN or --shipped"):
        command.run(tmp_path / "out")
    with pytest.raises(ValueError, match="give either"):
        command.run(tmp_path / "out", workdir=tmp_path, shipped=True)
    with pytest.raises(FileNotFoundError, match="no run at .*nowhere; correct --workdir"):
        command.run(tmp_path / "out", workdir=tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no trained network in"):
        command.run(tmp_path / "out", workdir=tmp_path)
    write_network(tmp_path / "inverse_graphics")
    with pytest.raises(FileNotFoundError, match="neither a multi-view set nor a GAN with a segmenter"):
        command.run(tmp_path / "out", workdir=tmp_path)
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())
    write_json(tmp_path / "inverse_graphics" / "evaluation.json", [1])
    with pytest.raises(ValueError, match="evaluation.json holds no object; delete it"):
        command._numbers(tmp_path / "inverse_graphics" / "evaluation.json")
    write_json(tmp_path / "gan" / "summary.json", {"data": {}})
    with pytest.raises(ValueError, match="summary.json holds no object of data, crop, truncation; delete it"):
        command.run(tmp_path / "out", workdir=tmp_path)


def test_a_shipped_set_is_exported_with_the_segmenter_of_its_own_world(tmp_path):
    for folder, source in command._shipped_sources(tmp_path).items():
        assert world_of(source.perceiving) == world_of(folder)


@pytest.mark.slow  # the shipped networks, in an environment of its own from the package index
def test_the_shipped_networks_run_in_a_clean_environment(tmp_path):
    command.run(tmp_path / "out", shipped=True)
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    needed = ["jax", "flatbuffers", "numpy"]
    subprocess.run([python, "-m", "pip", "install", "-q", *needed], env=_plain(), check=True)
    ask = "import importlib.util; assert importlib.util.find_spec('ganverse_jax') is None"
    subprocess.run([python, "-c", ask], cwd=tmp_path, env=_plain(), check=True)
    made = sorted((tmp_path / "out").glob("*/*"))
    assert [f"{path.parent.name}/{path.name}" for path in made] == [
        "toy_car/generator", "toy_car/inverse_graphics", "toy_car_round2/generator",
        "toy_car_round2/inverse_graphics", "toy_car_round2/stylegan_r"]  # fmt: skip
    for folder in made:
        words = [python, Path(folder, "load.py")]
        done = subprocess.run(words, cwd=tmp_path, env=_plain(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert max(errors_in(done.stdout)) < TOLERANCE

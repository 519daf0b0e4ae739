"""Networks of NVIDIA's TensorFlow StyleGAN2 as PyTorch-named states (the names of stylegan2-ada-pytorch).

A network is pickled as its static settings, its variables [(name, array)] and its component networks.
Undone here: convolutions are [k k i o] and dense layers [i o] there, up-convolutions are correlations (the
PyTorch code applies true convolutions: flipped in both axes), style biases are stored without their 1.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.pickles.inert_arrays import Arrays
from ganverse_jax.interchange.pickles.safe_pickle import is_call

NETWORK = "dnnlib.tflib.network.Network"
_OTHERS = {  # what configurations a to d are built by
    "G_style": "configuration a (StyleGAN1)",
    "G_synthesis": "configuration a (StyleGAN1), or another code base",
    "D_basic": "configuration a (StyleGAN1)",
    "G_synthesis_stylegan_revised": "one of the configurations b to d",
    "D_stylegan": "one of the configurations b to d",
}
_FIXED = {  # settings whose other values are other architectures
    "label_size": (0,),
    "num_channels": (3,),
    "nonlinearity": ("lrelu",),
    "normalize_latents": (True,),
    "mapping_lrmul": (0.01,),
    "mapping_nonlinearity": ("lrelu",),
    "use_noise": (True,),
    "mbstd_num_features": (1,),
}
_NAME = re.compile(r"[\w./-]{1,80}", re.ASCII)
_DEFAULT_GROUP = 4  # of the minibatch standard deviation; the released files do not name it
_ROUND = r"(\d{1,5})x\1"
_SYNTHESIS = re.compile(
    _ROUND + r"/(Conv|Conv0_up|Conv1|ToRGB)/(weight|bias|mod_weight|mod_bias|noise_strength)"
)
_CRITIC = re.compile(_ROUND + r"/(FromRGB|Conv0|Conv1_down|Skip)/(weight|bias)")
_HEAD = re.compile(r"(4x4/Conv|4x4/Dense0|Output)/(weight|bias)")
_DENSE = re.compile(r"Dense(\d{1,3})/(weight|bias)")
_NOISE = re.compile(r"noise(\d{1,2})")
_LAYERS = {"Conv": "conv1", "Conv0_up": "conv0", "Conv1": "conv1", "ToRGB": "torgb"}
_CRITIC_LAYERS = {"FromRGB": "fromrgb", "Conv0": "conv0", "Conv1_down": "conv1", "Skip": "skip"}
_HEAD_LAYERS = {"4x4/Conv": "b4.conv", "4x4/Dense0": "b4.fc", "Output": "b4.out"}
_State = dict[str, np.ndarray]


def generator_state(network: Any, arrays: Arrays, label: str) -> _State:
    """PyTorch-named state of a generator's record; ImportedFileError names `label` and the trouble."""
    fields = _fields(network, label, "G_main", "skip")
    components = fields.get("components")
    if not isinstance(components, dict) or not {"mapping", "synthesis"} <= components.keys():
        raise ImportedFileError(f"{label} lacks its mapping or synthesis network; the file is damaged")
    mapping = _fields(components["mapping"], f"{label}.mapping", "G_mapping", "skip")
    synthesis = _fields(components["synthesis"], f"{label}.synthesis", "G_synthesis_stylegan2", "skip")
    state = {}
    for name, value in _variables(fields, label).items():
        if name == "dlatent_avg":
            state["mapping.w_avg"] = arrays.array(value, f"{label} {name}")
    for name, value in _variables(mapping, label).items():
        match = _match(_DENSE, name, label)
        array = arrays.array(value, f"{label} {name}")
        state[f"mapping.fc{int(match[1])}.{match[2]}"] = (
            _dense(array, name) if match[2] == "weight" else array
        )
    for name, value in _variables(synthesis, label).items():
        target, array = _synthesis_variable(name, arrays.array(value, f"{label} {name}"), label)
        state[f"synthesis.{target}"] = array
    return state


def discriminator_state(network: Any, arrays: Arrays, label: str = "D") -> tuple[_State, int]:
    """PyTorch-named state of a discriminator's record, and its stddev group."""
    fields = _fields(network, label, "D_stylegan2", "resnet")
    state = {}
    for name, value in _variables(fields, label).items():
        if name == "lod":
            continue
        array = arrays.array(value, f"{label} {name}")
        head = _HEAD.fullmatch(name)
        if head:
            target, kind = _HEAD_LAYERS[head[1]], head[2]
        else:
            match = _match(_CRITIC, name, label)
            target, kind = f"b{match[1]}.{_CRITIC_LAYERS[match[2]]}", match[3]
        if kind == "weight":
            dense = head is not None and head[1] != "4x4/Conv"
            array = _dense(array, name) if dense else _convolution(array, name)
        state[f"{target}.{kind}"] = array
    group = fields["static_kwargs"].get("mbstd_group_size", _DEFAULT_GROUP)
    if type(group) is not int or not 1 <= group <= 4096:
        raise ImportedFileError(f"{label} has mbstd_group_size {_shown(group)}; a small count is expected")
    return state, group


def _fields(network: Any, label: str, function: str, architecture: str) -> Mapping[str, Any]:
    """A network's pickled state, once it is sure to be the architecture of this code."""
    if not is_call(network, NETWORK) or not isinstance(network.state, dict):
        raise ImportedFileError(
            f"{label} is a {type(network).__name__}, not a network; pass a StyleGAN2 pickle"
        )
    fields = network.state
    found = fields.get("build_func_name")
    if found != function:
        other = _OTHERS.get(found) if isinstance(found, str) else None
        raise ImportedFileError(
            f"{label} is built by {_shown(found)}, {other or 'no StyleGAN2 function'}; only configurations e "
            f"and f ({function}) have the architecture read here: get one of those files"
        )
    settings = fields.get("static_kwargs")
    if not isinstance(settings, dict):
        raise ImportedFileError(f"{label} has no settings; the file is damaged")
    for name, values in (_FIXED | {"architecture": (architecture,)}).items():
        if name in settings and not any(_same(settings[name], value) for value in values):
            raise ImportedFileError(
                f"{label} has {name}={_shown(settings[name])}, only {values[0]!r} is read here; "
                "get a file of configuration e or f without labels"
            )
    kernel = settings.get("resample_kernel", [1, 3, 3, 1])
    if (
        not isinstance(kernel, list)
        or len(kernel) != 4
        or any(map(lambda a, b: not _same(a, b), kernel, (1, 3, 3, 1)))
    ):
        raise ImportedFileError(
            f"{label} resamples with another filter than [1, 3, 3, 1]; it cannot be read here"
        )
    return fields


def _variables(fields: Mapping[str, Any], label: str) -> dict[str, Any]:
    variables = fields.get("variables")
    if not isinstance(variables, list):
        raise ImportedFileError(f"{label} has no variables; the file is damaged")
    found = {}
    for entry in variables:
        named = isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], str)
        if not named or not _NAME.fullmatch(entry[0]):
            raise ImportedFileError(f"{label} has a variable without name or value; the file is damaged")
        found[entry[0]] = entry[1]
    return found


def _synthesis_variable(name: str, array: np.ndarray, label: str) -> tuple[str, np.ndarray]:
    if name == "4x4/Const/const":
        return "b4.const", _first(array, name, 4)
    noise = _NOISE.fullmatch(name)
    if noise:  # noise image 2 log2(r) - 5 belongs to conv0 of r x r, 2 log2(r) - 4 to conv1
        index = int(noise[1])
        layer = f"b{2 ** ((index + 5) // 2)}.conv{1 - index % 2}"
        return f"{layer}.noise_const", _first(_first(array, name, 4), name, 3)
    match = _match(_SYNTHESIS, name, label)
    layer, kind = f"b{match[1]}.{_LAYERS[match[2]]}", match[3]
    if kind == "weight":
        array = _convolution(array, name)
        return f"{layer}.weight", array[:, :, ::-1, ::-1] if match[2] == "Conv0_up" else array
    if kind == "mod_weight":
        return f"{layer}.affine.weight", _dense(array, name)
    if kind == "mod_bias":
        return f"{layer}.affine.bias", array + 1
    return f"{layer}.{kind}", array


def _match(pattern: re.Pattern, name: str, label: str) -> re.Match:
    match = pattern.fullmatch(name)
    if match is None:
        raise ImportedFileError(
            f"{label} has a variable {name[:80]!r}, which configurations e and f do not have; "
            "the configurations a to d and conditional networks are not read here"
        )
    return match


def _axes(array: np.ndarray, name: str, count: int) -> np.ndarray:
    if array.ndim != count:
        raise ImportedFileError(f"{name} has shape {array.shape}, expected {count} axes; the file is damaged")
    return array


def _first(array: np.ndarray, name: str, count: int) -> np.ndarray:
    if _axes(array, name, count).shape[0] != 1:
        raise ImportedFileError(f"{name} has shape {array.shape}, expected 1 first; the file is damaged")
    return array[0]


def _convolution(array: np.ndarray, name: str) -> np.ndarray:
    return _axes(array, name, 4).transpose(3, 2, 0, 1)


def _dense(array: np.ndarray, name: str) -> np.ndarray:
    return _axes(array, name, 2).T


def _same(found: Any, wanted: Any) -> bool:
    return isinstance(found, str | int | float) and found == wanted


def _shown(value: Any) -> str:
    """A value of the file for a message; only plain ones, since others may be endless."""
    plain = value is None or isinstance(value, str | int | float)
    return repr(value)[:80] if plain else f"a {type(value).__name__}"

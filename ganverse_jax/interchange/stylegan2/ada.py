"""Networks of stylegan2-ada-pytorch as states {dotted name: array}, out of inert pickle records.

A module is pickled as a call of `_reconstruct_persistent_obj` with its class name, its source (never
looked at) and its state, which holds `_parameters`, `_buffers` and `_modules`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.pickles.inert_arrays import Arrays
from ganverse_jax.interchange.pickles.safe_pickle import Inert, is_call

MODULE = "torch_utils.persistence._reconstruct_persistent_obj"
_DICTS = ("collections.OrderedDict", "dnnlib.util.EasyDict")
_SETS = ("builtins.set", "__builtin__.set", "builtins.frozenset")
OTHER_NAMES = frozenset({MODULE, *_DICTS, *_SETS})
_MAX_MODULES = 1000  # a 1024-px generator has about 80
_MAX_DEPTH = 8
_MAX_ENTRIES = 1000  # of one module; they have about 40
_NAME = re.compile(r"\w{1,60}", re.ASCII)
_FIXED = {  # attributes whose other values are other architectures
    "c_dim": 0,
    "cmap_dim": 0,
    "img_channels": 3,
    "use_noise": True,
    "num_channels": 1,  # of the minibatch standard deviation
}
_FILTER = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64
_Attributes = dict[str, Mapping[str, Any]]


def generator_state(module: Any, arrays: Arrays, label: str) -> tuple[dict[str, np.ndarray], float | None]:
    """State of a generator's record and its clamp (None: none).

    Raises ImportedFileError naming `label` and the trouble when it is another architecture or damaged.
    """
    state, attributes = _read(module, arrays, label, "Generator", "skip")
    for name, values in attributes.items():
        gain = values.get("bias_gain")
        if name.startswith("mapping.fc") and isinstance(gain, int | float) and gain != 0.01:
            raise ImportedFileError(f"{label} {name} learns at {gain}, only 0.01 is read here")
    return state, _clamp(attributes, label)


def discriminator_state(
    module: Any, arrays: Arrays, label: str = "D"
) -> tuple[dict[str, np.ndarray], float | None, int | None]:
    """State of a discriminator's record, its clamp, and its stddev group (None: the whole batch)."""
    state, attributes = _read(module, arrays, label, "Discriminator", "resnet")
    group = attributes.get("b4.mbstd", {}).get("group_size", 4)
    if group is not None and (type(group) is not int or not 1 <= group <= 4096):
        raise ImportedFileError(f"{label} has a stddev group that is no small count; the file is damaged")
    return state, _clamp(attributes, label), group


def _read(module, arrays, label, kind, architecture) -> tuple[dict[str, np.ndarray], _Attributes]:
    state, attributes = {}, {}
    for path, class_name, values in _modules(module, label):
        if not path and class_name != kind:
            raise ImportedFileError(f"{label} is a {class_name[:60]!r}, not a StyleGAN2 {kind}")
        attributes[path] = values
        _check_attributes(f"{label} {path}".strip(), values, architecture)
        for group in ("_parameters", "_buffers"):
            for name, value in _mapping(values.get(group), f"{label} {path} {group}").items():
                if value is None:  # a layer without this parameter
                    continue
                _check_name(name, f"{label} {path}")
                full = f"{path}.{name}" if path else f"{name}"
                state[full] = arrays.array(value, f"{label} {full}")
                if name == "resample_filter":
                    _check_filter(state[full], f"{label} {full}")
    return state, attributes


def _modules(root: Any, label: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(dotted path, class name, attributes) of every module, without recursion."""
    waiting, count = [((), root)], 0
    while waiting:
        path, module = waiting.pop()
        count += 1
        if count > _MAX_MODULES or len(path) > _MAX_DEPTH:
            raise ImportedFileError(f"{label} has more modules than any StyleGAN2; it was made to do harm")
        dotted = ".".join(path)
        if not is_call(module, MODULE) or len(module.arguments) != 1:
            raise ImportedFileError(
                f"{label} {dotted} is a {_kind(module)}, not a module; pass a StyleGAN2 pickle"
            )
        meta = _mapping(module.arguments[0], f"{label} {dotted}")
        if not isinstance(meta.get("class_name"), str):
            raise ImportedFileError(f"{label} {dotted} has no class; the file is damaged")
        values = _mapping(meta.get("state"), f"{label} {dotted} state")
        yield dotted, meta["class_name"], values
        for name, child in _mapping(values.get("_modules"), f"{label} {dotted} _modules").items():
            _check_name(name, f"{label} {dotted}")
            if child is not None:
                waiting.append(((*path, name), child))


def _mapping(value: Any, where: str) -> Mapping[Any, Any]:
    """A dict of the file: a plain one, an OrderedDict or an EasyDict, filled or made from pairs."""
    if is_call(value, *_DICTS):
        value = value.arguments[0] if value.arguments and not value.items else value.items
    if not isinstance(value, dict | list):
        raise ImportedFileError(f"{where} is a {_kind(value)}, expected a dict; the file is damaged")
    if len(value) > _MAX_ENTRIES:  # one dict may be shared by all modules, so its length counts often
        raise ImportedFileError(f"{where} has {len(value)} entries; no StyleGAN2 module has as many")
    if isinstance(value, dict):
        return value
    if not all(isinstance(p, list | tuple) and len(p) == 2 and isinstance(p[0], str) for p in value):
        raise ImportedFileError(f"{where} is made of something that is not pairs; the file is damaged")
    return dict(value)


def _check_name(name: Any, where: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ImportedFileError(f"{where} holds something with an odd name; the file is damaged")


def _check_attributes(where: str, values: Mapping[str, Any], architecture: str) -> None:
    fixed = _FIXED | {"architecture": architecture}
    if "conv_clamp" in values:  # a convolution; dense layers may be linear
        fixed |= {"activation": "lrelu"} if where.split(".")[-1].startswith("conv") else {}
    for name, wanted in fixed.items():
        found = values.get(name, wanted)
        if not isinstance(found, str | int) or found != wanted:
            shown = repr(found)[:60] if isinstance(found, str | int) else f"a {_kind(found)}"
            raise ImportedFileError(
                f"{where} has {name}={shown}, only {wanted!r} is read here (no labels, skip generator, "
                "residual discriminator)"
            )


def _check_filter(kernel: np.ndarray, where: str) -> None:
    # 1e-6: the filter's values are exact in float32.
    if kernel.shape != (4, 4) or not np.allclose(kernel, _FILTER, rtol=0, atol=1e-6):
        raise ImportedFileError(f"{where} resamples with another filter than [1, 3, 3, 1]; not read here")


def _clamp(attributes: _Attributes, label: str) -> float | None:
    """The one clamp of all convolutions; the residual blocks' skips never have one."""
    found = [
        values["conv_clamp"]
        for path, values in attributes.items()
        if "conv_clamp" in values and not path.endswith(".skip")
    ]
    for clamp in found:
        if clamp is not None and (type(clamp) not in (int, float) or not 0 < clamp < 1e9):
            raise ImportedFileError(f"{label} has a clamp that is no positive number; the file is damaged")
    values = set(found)
    if len(values) > 1:
        raise ImportedFileError(
            f"{label} clamps at {sorted(map(str, values))}; one clamp for all is read here"
        )
    clamp = values.pop() if values else None
    return None if clamp is None else float(clamp)


def _kind(value: Any) -> str:
    return f"record of {value.name}" if isinstance(value, Inert) else type(value).__name__

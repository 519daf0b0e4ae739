"""States of the PyTorch StyleGAN2 (stylegan2-ada-pytorch's names, as NumPy arrays) to this code's parameters.

Differences undone here: convolutions [o i k k] become [k k i o], dense [o i] become [i o], the head's
first dense layer, which flattens channels first there, is permuted to height, width, channels. Up
convolutions keep their orientation: both apply a true convolution (see `convolve_up`).
"""

import numpy as np

from ganverse_jax.interchange.errors import ImportedFileError

_IGNORED = ("resample_filter",)


def _insert(tree, path, value):
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
        if not isinstance(tree, dict):
            raise ImportedFileError(f"{'.'.join(path)} lies within an array; this is no StyleGAN2 state")
    tree[path[-1]] = value


def _converted(name, kind, value):
    """One array in our layout; `kind` is the last part of its name."""
    value = np.asarray(value)
    if value.dtype.kind not in "fiub":
        raise ImportedFileError(f"{name} is of type {value.dtype}, not numbers; pass the plain state dict")
    value = value.astype(np.float32, copy=False)
    if kind == "weight" and value.ndim == 4:
        return np.ascontiguousarray(value.transpose(2, 3, 1, 0))
    if kind == "weight" and value.ndim == 2:
        return np.ascontiguousarray(value.T)
    if kind == "const" and value.ndim == 3:
        return np.ascontiguousarray(value.transpose(1, 2, 0))
    if kind in ("weight", "const"):
        raise ImportedFileError(f"{name} has shape {value.shape}; this is no StyleGAN2 state")
    return value


def _trees(state):
    params, buffers = {}, {}
    for name, value in state.items():
        path = name.split(".")
        if path[0] == "synthesis" and len(path) > 1:
            path = path[1:]
        if path[-1] in _IGNORED:
            continue
        _insert(buffers if path[-1] == "noise_const" else params, path, _converted(name, path[-1], value))
    return params, buffers


def _require(state, name, kind):
    if name not in state:
        raise ImportedFileError(
            f"no {name!r} among {len(state)} arrays: this is no {kind}; pass its state dict"
        )


def generator_from_torch_state(state):
    """{"mapping.fc0.weight": array, ...} to a bundle {"params", "noise", "w_avg"} of NumPy arrays.

    Raises ImportedFileError (a ValueError) when the state is no generator's.
    """
    _require(state, "synthesis.b4.const", "StyleGAN2 generator")
    if "mapping.w_avg" not in state:
        raise ImportedFileError(
            "the state holds no 'mapping.w_avg'; save buffers too (state_dict keeps them)"
        )
    params, buffers = _trees(state)
    w_avg = params["mapping"].pop("w_avg")
    return {"params": params, "noise": buffers, "w_avg": w_avg}


def discriminator_from_torch_state(state):
    """{"b32.fromrgb.weight": array, ...} to the parameters of `Discriminator`, as NumPy arrays.

    Raises ImportedFileError (a ValueError) when the state is no residual discriminator's.
    """
    _require(state, "b4.fc.weight", "StyleGAN2 discriminator")
    params, _ = _trees(state)
    weight = params["b4"]["fc"]["weight"]
    if weight.ndim != 2 or weight.shape[0] % 16:
        raise ImportedFileError(f"b4.fc.weight has shape {weight.shape}; expected [o, 16 i]")
    inputs, outputs = weight.shape
    by_pixel = weight.reshape(inputs // 16, 4, 4, outputs).transpose(1, 2, 0, 3)
    params["b4"]["fc"]["weight"] = by_pixel.reshape(inputs, outputs)
    return params

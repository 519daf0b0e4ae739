"""States of the PyTorch StyleGAN2 (stylegan2-ada-pytorch's names, as NumPy arrays) to this code's parameters.

Differences undone here: convolutions [o i k k] become [k k i o], dense [o i] become [i o], the head's
first dense layer, which flattens channels first there, is permuted to height, width, channels. Up
convolutions keep their orientation: both apply a true convolution (see `convolve_up`).
"""

import numpy as np

_IGNORED = ("resample_filter",)


def _insert(tree, path, value):
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
    tree[path[-1]] = value


def _converted(path, value):
    """One array in our layout; `path` is its list of names."""
    value = np.asarray(value, np.float32)
    if path[-1] == "weight" and value.ndim == 4:
        return np.ascontiguousarray(value.transpose(2, 3, 1, 0))
    if path[-1] == "weight":
        return np.ascontiguousarray(value.T)
    if path[-1] == "const":
        return np.ascontiguousarray(value.transpose(1, 2, 0))
    return value


def _trees(state):
    params, buffers = {}, {}
    for name, value in state.items():
        path = name.split(".")
        if path[0] == "synthesis":
            path = path[1:]
        if path[-1] in _IGNORED:
            continue
        _insert(buffers if path[-1] == "noise_const" else params, path, _converted(path, value))
    return params, buffers


def _require(state, name, kind):
    if name not in state:
        raise ValueError(f"no {name!r} among {len(state)} arrays: this is no {kind}; pass its state dict")


def generator_from_torch_state(state):
    """{"mapping.fc0.weight": array, ...} to a bundle {"params", "noise", "w_avg"} of NumPy arrays.

    Raises ValueError when the state is no generator's.
    """
    _require(state, "synthesis.b4.const", "StyleGAN2 generator")
    params, buffers = _trees(state)
    w_avg = params["mapping"].pop("w_avg", None)
    if w_avg is None:
        raise ValueError("the state holds no 'mapping.w_avg'; save buffers too (state_dict keeps them)")
    return {"params": params, "noise": buffers, "w_avg": w_avg}


def discriminator_from_torch_state(state):
    """{"b32.fromrgb.weight": array, ...} to the parameters of `Discriminator`, as NumPy arrays.

    Raises ValueError when the state is no residual discriminator's.
    """
    _require(state, "b4.fc.weight", "StyleGAN2 discriminator")
    params, _ = _trees(state)
    weight = params["b4"]["fc"]["weight"]
    inputs, outputs = weight.shape
    by_pixel = weight.reshape(inputs // 16, 4, 4, outputs).transpose(1, 2, 0, 3)
    params["b4"]["fc"]["weight"] = by_pixel.reshape(inputs, outputs)
    return params

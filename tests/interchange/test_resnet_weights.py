"""ResNet weights in torchvision's layout give what a second implementation makes of the same file."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.resnet_weights import load_resnet
from ganverse_jax.models.inverse_graphics.resnet import ResNet

SHAPES = {18: ((2, 2, 2, 2), (3, 3), 1), 50: ((3, 4, 6, 3), (1, 3, 1), 4)}  # blocks, kernels, expansion


def random_state(depth, rng):
    """Every array of torchvision's ResNet; gains keep a signal's size through its depth."""
    state = {}

    def layer(conv, norm, outputs, inputs, side, gain=1.0):
        spread = np.sqrt(2.0 / (inputs * side * side))
        state[f"{conv}.weight"] = rng.normal(0, spread, (outputs, inputs, side, side)).astype(np.float32)
        state[f"{norm}.weight"] = (gain * rng.uniform(0.5, 1.5, outputs)).astype(np.float32)
        state[f"{norm}.bias"], state[f"{norm}.running_mean"] = rng.normal(0, 0.2, (2, outputs)).astype("f4")
        state[f"{norm}.running_var"] = rng.uniform(0.5, 1.5, outputs).astype(np.float32)
        state[f"{norm}.num_batches_tracked"] = np.array(7, np.int64)

    blocks, kernels, expansion = SHAPES[depth]
    layer("conv1", "bn1", 64, 3, 7)
    inputs = 64
    for stage, count in enumerate(blocks, start=1):
        width = 32 * 2**stage
        for block in range(count):
            name = f"layer{stage}.{block}"
            if not block and (stage > 1 or expansion > 1):
                layer(f"{name}.downsample.0", f"{name}.downsample.1", width * expansion, inputs, 1)
            for number, side in enumerate(kernels, start=1):
                last = number == len(kernels)
                outputs = width * expansion if last else width
                layer(f"{name}.conv{number}", f"{name}.bn{number}", outputs, inputs, side, 0.3 if last else 1)
                inputs = outputs
    state["fc.weight"], state["fc.bias"] = np.zeros((1000, inputs), "f4"), np.zeros(1000, "f4")
    return state


def reference(state, depth, x):
    """torchvision's forward pass up to the pooling, channels first, normalisation apart."""

    def layer(x, conv, norm, stride=1):
        kernel = state[f"{conv}.weight"]
        padding = [(kernel.shape[-1] // 2,) * 2] * 2
        y = jax.lax.conv_general_dilated(x, kernel, (stride, stride), padding)
        scale, shift, mean, variance = (
            state[f"{norm}.{part}"][:, None, None]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (y - mean) / jnp.sqrt(variance + 1e-5) * scale + shift

    mean, deviation = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], "f4")[..., None, None]
    x = jax.nn.relu(layer((x - mean) / deviation, "conv1", "bn1", 2))
    x = jnp.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-jnp.inf)
    x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 3, 3), (1, 1, 2, 2), "VALID")
    blocks, kernels, _ = SHAPES[depth]
    for stage, count in enumerate(blocks, start=1):
        for block in range(count):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            y = x
            for number, side in enumerate(kernels, start=1):
                strided = number == (1 if depth == 18 else 2)
                assert not strided or side == 3
                y = layer(y, f"{name}.conv{number}", f"{name}.bn{number}", stride if strided else 1)
                y = jax.nn.relu(y) if number < len(kernels) else y
            if f"{name}.downsample.0.weight" in state:
                x = layer(x, f"{name}.downsample.0", f"{name}.downsample.1", stride)
            x = jax.nn.relu(x + y)
    return x


@pytest.mark.parametrize(("depth", "channels"), [(18, 512), (50, 2048)])
def test_an_imported_trunk_equals_torchvisions_forward_pass(tmp_path, write_torch, depth, channels):
    rng = np.random.default_rng(depth)
    state = random_state(depth, rng)
    params = load_resnet(write_torch(tmp_path / "resnet.pth", state), depth)
    image, mask = rng.random((1, 64, 64, 3), np.float32), rng.random((1, 64, 64, 1), np.float32)
    ours = jax.jit(ResNet(depth).apply)({"params": params}, image, mask)
    assert ours.shape == (1, 2, 2, channels)
    floats = {name: x for name, x in state.items() if x.dtype == np.float32}
    whole = jax.jit(functools.partial(reference, depth=depth))
    theirs = whole(floats, x=image.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    # Folded kernels are rounded to float32 anew, in up to 53 layers of up to 4608 terms.
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())
    assert np.abs(theirs).std() > 0.01 * np.abs(theirs).max()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("layer2.0.downsample.1.bias", None, "layer2.0.downsample.1.bias is not among"),
        ("conv1.weight", np.zeros((64, 1, 7, 7), "f4"), r"conv1.weight has shape \(64, 1, 7, 7\), expected"),
        ("layer4.1.bn2.weight", np.full(512, np.nan, "f4"), "layer4.1.bn2.weight holds NaN or infinity"),
        ("layer1.0.bn1.running_var", np.full(64, -1, "f4"), "layer1.0.bn1.running_var is negative"),
    ],
)
def test_an_array_that_does_not_fit_is_named(tmp_path, write_torch, name, value, message):
    state = random_state(18, np.random.default_rng(0))
    state.pop(name)
    state |= {} if value is None else {name: value}
    with pytest.raises(ImportedFileError, match=message):
        load_resnet(write_torch(tmp_path / "resnet.pth", state), 18)


def test_another_depths_file_is_refused(tmp_path, write_torch):
    path = write_torch(tmp_path / "resnet18.pth", random_state(18, np.random.default_rng(0)))
    with pytest.raises(ImportedFileError, match="no ResNet-50; get torchvision's resnet50"):
        load_resnet(path, 50)

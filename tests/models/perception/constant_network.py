"""A tiny ONNX file that stands for a Mask R-CNN of 178 MB."""

from pathlib import Path

import numpy as np

BOXES = np.array([[8, 8, 24, 16], [0, 0, 32, 32], [16, 16, 32, 32], [0, 0, 4, 4]], np.float32)
LABELS, SCORES = np.array([3, 15, 3, 3]), np.array([0.7, 0.99, 0.9, 0.2], np.float32)
MASKS = np.ones((4, 1, 28, 28), np.float32)
PASTED = np.zeros((4, 1, 32, 32), np.float32)  # as torchvision gives its masks, within the picture
for mask, (left, top, right, bottom) in zip(PASTED[:, 0], BOXES.astype(int), strict=True):
    mask[top:bottom, left:right] = 1


def write_network(
    path: Path, masks=MASKS, names=None, rank=3, normalises=False, sides=("h", "w"), labels=LABELS
) -> Path:
    """Write one that always finds the same, at BOXES of 32 x 32 pixels; needs the package onnx.

    names: labels in the file; rank, sides: of its input; normalises: it subtracts ImageNet's mean itself, as
    torchvision's exports do.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    shape = [*sides] if rank == 2 else [1, 3, *sides][4 - rank :]
    constants = {"a": SCORES, "b": masks.astype(np.float32), "c": labels, "boxes0": BOXES}
    nodes = [helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array))
             for name, array in constants.items()]  # fmt: skip
    mean = np.float32([0.485, 0.456, 0.406] if normalises else [0, 0, 0]).reshape(3, 1, 1)
    nodes += [helper.make_node("Constant", [], ["mean"], value=numpy_helper.from_array(mean)),
              helper.make_node("Sub", ["pixels", "mean"], ["normal"]),
              helper.make_node("ReduceMax", ["normal"], ["peak"], keepdims=0),
              helper.make_node("Sub", ["peak", "peak"], ["zero"]),
              helper.make_node("Add", ["boxes0", "zero"], ["d"])]  # fmt: skip
    kinds = {
        "a": TensorProto.FLOAT,
        "b": TensorProto.FLOAT,
        "c": TensorProto.INT64,
        "d": TensorProto.FLOAT,
    }
    outputs = [helper.make_tensor_value_info(name, kind, None) for name, kind in kinds.items()]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "tiny", [pixels], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    if names:
        helper.set_model_props(model, {"names": repr(names)})
    onnx.save(model, str(path))
    return path

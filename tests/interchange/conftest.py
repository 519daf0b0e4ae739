"""Pickles as older versions of NVIDIA's code wrote them, and hostile ones, without any of that code."""

import struct
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest


class Call:
    """Written as a call of a global name; `items` are set on the result, `state` is its BUILD."""

    def __init__(self, name, *arguments, items=None, state=None, new=False):
        self.name, self.arguments, self.items, self.state, self.new = name, arguments, items, state, new


class Persistent:
    """Written as a reference by persistent id."""

    def __init__(self, reference):
        self.reference = reference


class Global:
    """Written as a bare global."""

    def __init__(self, name):
        self.name = name


class Writer:
    """Pickles of protocol 2 or 3 (repeated texts come from the memo), with NumPy's old module paths."""

    def __init__(self, protocol=3, numpy_core="numpy.core"):
        self.out, self.memo = bytearray(b"\x80" + bytes([protocol])), {}
        self.protocol, self.core = protocol, numpy_core

    def finished(self, value):
        self.put(value)
        return bytes(self.out) + b"."

    def text(self, value):
        if value in self.memo:
            self.out += b"j" + struct.pack("<I", self.memo[value])
            return
        raw = value.encode()
        self.memo[value] = len(self.memo)
        self.out += b"X" + struct.pack("<I", len(raw)) + raw + b"r" + struct.pack("<I", self.memo[value])

    def put(self, value):
        if value is None or isinstance(value, bool):
            self.out += {None: b"N", True: b"\x88", False: b"\x89"}[value]
        elif isinstance(value, str):
            self.text(value)
        elif isinstance(value, int):
            raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            self.out += b"\x8a" + bytes([len(raw)]) + raw
        elif isinstance(value, float):
            self.out += b"G" + struct.pack(">d", value)
        elif isinstance(value, bytes) and self.protocol < 3:
            self.put(Call("_codecs.encode", value.decode("latin-1"), "latin1"))
        elif isinstance(value, bytes):
            self.out += b"B" + struct.pack("<I", len(value)) + value
        elif isinstance(value, np.ndarray | np.generic):
            self.put_array(np.asarray(value))
        elif isinstance(value, tuple):
            self.group(b"(", value, b"t")
        elif isinstance(value, list):
            self.out += b"]"
            self.group(b"(", value, b"e")
        elif isinstance(value, dict):
            self.out += b"}"
            self.group(b"(", [x for pair in value.items() for x in pair], b"u")
        else:
            self.put_call(value)

    def group(self, start, values, end):
        self.out += start
        for value in values:
            self.put(value)
        self.out += end

    def put_call(self, value):
        if isinstance(value, Persistent):
            self.put(value.reference)
            self.out += b"Q"
            return
        module, _, name = value.name.rpartition(".")
        self.out += b"c" + f"{module}\n{name}\n".encode()
        if isinstance(value, Global):
            return
        self.put(value.arguments)
        self.out += b"\x81" if value.new else b"R"
        if value.items:
            self.group(b"(", [x for pair in value.items.items() for x in pair], b"u")
        if value.state is not None:
            self.put(value.state)
            self.out += b"b"

    def put_array(self, array):
        dtype = Call(
            "numpy.dtype",
            array.dtype.str[1:],
            0,
            1,
            state=(3, array.dtype.str[0], None, None, None, -1, -1, 0),
        )
        if array.ndim == 0:
            self.put(Call(f"{self.core}.multiarray.scalar", dtype, array.tobytes()))
            return
        fortran = array.flags.f_contiguous and not array.flags.c_contiguous
        raw = array.tobytes(order="F" if fortran else "C")
        made = Call(f"{self.core}.multiarray._reconstruct", Global("numpy.ndarray"), (0,), b"b")
        made.state = (1, array.shape, dtype, bool(fortran), raw)
        self.put(made)


def pickled(value, **options):
    """Bytes of a pickle."""
    return Writer(**options).finished(value)


def stream(array, storage="FloatStorage", view=None, key="0"):
    """A legacy PyTorch stream that holds the array's numbers as one storage."""
    parts = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
    parts.append(Persistent(("storage", Global(f"torch.{storage}"), key, "cpu", array.size, view)))
    parts.append([key])
    raw = b"".join(pickled(part, protocol=2) for part in parts)
    in_memory = array.transpose(np.argsort([-step for step in array.strides], kind="stable"))
    return raw + struct.pack("<q", array.size) + in_memory.tobytes()


def tensor(array, parameter=True, **options):
    """A parameter or buffer whose storage keeps the array's memory order."""
    strides = tuple(step // array.itemsize for step in array.strides)
    hooks = Call("collections.OrderedDict")
    storage = Call("torch.storage._load_from_bytes", stream(array, **options))
    plain = Call("torch._utils._rebuild_tensor_v2", storage, 0, array.shape, strides, False, hooks)
    return Call("torch._utils._rebuild_parameter", plain, False, hooks) if parameter else plain


def module(class_name, parameters=None, buffers=None, modules=None, **attributes):
    """A module of stylegan2-ada-pytorch as torch 1.7 and Python 3.7 pickled it."""
    ordered = {
        "_parameters": {name: tensor(value) for name, value in (parameters or {}).items()},
        "_buffers": {name: tensor(value, parameter=False) for name, value in (buffers or {}).items()},
        "_modules": modules or {},
        "_backward_hooks": {},
    }
    state = {name: Call("collections.OrderedDict", items=items) for name, items in ordered.items()}
    state |= {"training": False, "_non_persistent_buffers_set": Call("builtins.set", [])}
    meta = {"type": "class", "version": 6, "module_src": "# removed", "class_name": class_name}
    items = meta | {"state": state | attributes}
    return Call(
        "torch_utils.persistence._reconstruct_persistent_obj",
        Call("dnnlib.util.EasyDict", items=items, new=True),
    )


def ada_network(state, class_name, clamp=256):
    """A whole network from its state {dotted name: array}; convolutions get the clamp."""

    def build(prefix, kind):
        names = {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}
        own = {name: value for name, value in names.items() if "." not in name}
        children = {name.partition(".")[0]: None for name in names if "." in name}
        modules = {name: build(f"{prefix}{name}.", "Layer") for name in children}
        buffers = {n: own.pop(n) for n in ("w_avg", "noise_const", "resample_filter") if n in own}
        layer = prefix.rstrip(".").rpartition(".")[2]
        clamped = {"conv_clamp": clamp} if layer in ("conv0", "conv1", "conv", "torgb", "fromrgb") else {}
        return module(kind, own, buffers, modules, **clamped)

    return build("", class_name)


def tf_network(function, variables, components=None, **static):
    """A `Network` of TensorFlow's StyleGAN2."""
    fields = {
        "version": 4, "name": function, "static_kwargs": static, "components": components or {},
        "build_module_src": "# removed", "build_func_name": function, "variables": list(variables.items()),
    }  # fmt: skip
    return Call("dnnlib.tflib.network.Network", state=fields, new=True)


def ada_file(networks, **options):
    content = {
        "G": ada_network(networks.generator, "Generator"),
        "D": ada_network(networks.discriminator, "Discriminator"),
        "G_ema": ada_network(networks.ema, "Generator"),
        "training_set_kwargs": {"path": "data.zip"},
        "augment_pipe": None,
    }
    return pickled(content, **options)


def tf_variables(networks):
    """The TensorFlow variables of the golden file's networks, by a second reading of the layout."""
    layers = {"conv0": "Conv0_up", "conv1": "Conv1", "torgb": "ToRGB"}
    synthesis, mapping = {}, {}
    for name, x in networks.ema.items():
        parts = name.split(".")
        if parts[0] == "mapping":
            if parts[1] != "w_avg":
                mapping[f"Dense{parts[1][2:]}/{parts[2]}"] = x.T if x.ndim == 2 else x
            continue
        size = int(parts[1][1:])
        layer = "Const" if parts[2] == "const" else layers[parts[2]]
        layer = "Conv" if (size, layer) == (4, "Conv1") else layer
        scope = f"{size}x{size}/{layer}"
        if parts[-1] == "const":
            synthesis[f"{scope}/const"] = x[None]
        elif parts[-1] == "noise_const":
            index = 2 * int(np.log2(size)) - (5 if layer == "Conv0_up" else 4)
            synthesis[f"noise{index}"] = x[None, None]
        elif parts[-2] == "affine":
            synthesis[f"{scope}/mod_{parts[-1]}"] = x.T if x.ndim == 2 else x - 1
        elif parts[-1] == "weight":
            x = x[:, :, ::-1, ::-1] if layer == "Conv0_up" else x
            synthesis[f"{scope}/weight"] = x.transpose(2, 3, 1, 0)
        else:
            synthesis[f"{scope}/{parts[-1]}"] = x
    critic = {}
    names = {"fromrgb": "FromRGB", "conv0": "Conv0", "conv1": "Conv1_down", "skip": "Skip", "conv": "Conv"}
    for name, x in networks.discriminator.items():
        block, layer, kind = name.split(".")
        size = block[1:]
        scope = {"fc": "4x4/Dense0", "out": "Output"}.get(layer) or f"{size}x{size}/{names[layer]}"
        critic[f"{scope}/{kind}"] = x.transpose(2, 3, 1, 0) if x.ndim == 4 else x.T if x.ndim == 2 else x
    return mapping, synthesis, critic


def tf_file(networks, change=lambda mapping, synthesis, critic: None, static=None, **options):
    mapping, synthesis, critic = tf_variables(networks)
    change(mapping, synthesis, critic)
    static = {"g": {}, "d": {}, "functions": ("G_mapping", "G_synthesis_stylegan2", "D_stylegan2")} | (
        static or {}
    )
    functions = static["functions"]
    components = {
        "mapping": tf_network(functions[0], mapping),
        "synthesis": tf_network(functions[1], synthesis, **static["g"]),
    }
    averages = (networks.generator["mapping.w_avg"], networks.ema["mapping.w_avg"])
    g, gs = (tf_network("G_main", {"lod": np.float32(0), "dlatent_avg": x}, components) for x in averages)
    d = tf_network(functions[2], {"lod": np.float32(0)} | critic, **static["d"])
    return pickled((g, d, gs), **options)


@pytest.fixture(scope="session")
def pickles():
    """The writers above."""
    return SimpleNamespace(
        Call=Call, Global=Global, Persistent=Persistent, pickled=pickled, stream=stream, tensor=tensor,
        module=module, ada_network=ada_network, tf_network=tf_network, ada_file=ada_file, tf_file=tf_file,
    )  # fmt: skip


def torch_file(path, state):
    """A zipped PyTorch file of {name: array}, as torch.save lays it out: float32 and int64."""
    content = {}
    for index, (name, x) in enumerate(state.items()):
        storage = "torch.LongStorage" if x.dtype == np.int64 else "torch.FloatStorage"
        reference = ("storage", Global(storage), str(index), "cpu", x.size)
        strides = tuple(step // x.itemsize for step in np.ascontiguousarray(x).strides)[: x.ndim]
        hooks = Call("collections.OrderedDict")
        content[name] = Call(
            "torch._utils._rebuild_tensor_v2", Persistent(reference), 0, x.shape, strides, False, hooks
        )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/data.pkl", pickled(content, protocol=2))
        for index, x in enumerate(state.values()):
            archive.writestr(
                f"weights/data/{index}", x.astype("<i8" if x.dtype == np.int64 else "<f4").tobytes()
            )
    return path


@pytest.fixture(scope="session")
def write_torch():
    """The writer of PyTorch files above."""
    return torch_file

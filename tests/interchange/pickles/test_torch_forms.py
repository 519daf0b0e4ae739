"""Every form in which torch has written a state dict since 2017, made by hand as torch 2.14 reads it."""

import io
import struct
import tarfile

import numpy as np
import pytest

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.pickles.torch_state import read_torch_state

ARRAYS = {
    "features.0.weight": np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32),
    "features.0.bias": np.array([1.5, -2.0, 3.25], np.float32),
}
MAGIC = 0x1950A86A20F9469CFC6C
STRIDES = {"features.0.weight": (6, 2, 1), "features.0.bias": (1,)}


def python2(value, pickles):
    """Protocol 2 as Python 2's cPickle wrote it: byte strings for texts, no texts of Unicode."""

    def put(value):
        if value is None or isinstance(value, bool):
            return {None: b"N", True: b"\x88", False: b"\x89"}[value]
        if isinstance(value, str):
            return b"U" + bytes([len(value)]) + value.encode()
        if isinstance(value, int):
            raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            return b"K" + bytes([value]) if 0 <= value < 256 else b"\x8a" + bytes([len(raw)]) + raw
        if isinstance(value, tuple | list):
            start, end = (b"(", b"t") if isinstance(value, tuple) else (b"](", b"e")
            return start + b"".join(map(put, value)) + end
        if isinstance(value, dict):
            return b"}(" + b"".join(put(x) for pair in value.items() for x in pair) + b"u"
        if isinstance(value, pickles.Persistent):
            return put(value.reference) + b"Q"
        module, _, name = value.name.rpartition(".")
        out = f"c{module}\n{name}\n".encode()
        if isinstance(value, pickles.Global):
            return out
        out += put(value.arguments) + (b"\x81" if value.new else b"R")
        return out if value.state is None else out + put(value.state) + b"b"

    return b"\x80\x02" + put(value) + b"."


def ordered(pickles, items, **state):
    """An OrderedDict as Python 2 reduced it: called with a list of [key, value]."""
    return pickles.Call("collections.OrderedDict", [list(pair) for pair in items.items()], **state)


def rebuilt(pickles, form, key, name, view=None, count=None):
    """The record of a tensor in one form; storages are called by their key."""
    x = ARRAYS[name]
    storage = ("storage", pickles.Global("torch.FloatStorage"), key, "cuda:0", count or x.size, view)
    arguments = pickles.Persistent(storage), 0, x.shape, STRIDES[name]
    if form == "2017":
        return pickles.Call("torch._utils._rebuild_tensor", *arguments)
    plain = pickles.Call("torch._utils._rebuild_tensor_v2", *arguments, False, None)
    if form == "with attributes":
        function, kind = pickles.Global("torch._utils._rebuild_tensor_v2"), pickles.Global("torch.Tensor")
        return pickles.Call(
            "torch._tensor._rebuild_from_type_v2", function, kind, (*arguments, False, None), {"note": 1}
        )
    return plain if form == "0.4" else variable(pickles, form, plain)


def variable(pickles, form, tensor):
    """A Parameter, which old state dicts hold in place of its tensor."""
    if form == "called with its tensor":
        return pickles.Call("torch.nn.parameter.Parameter", tensor, state=(True, False, None))
    assert form == "given a state"
    state = (tensor, None, None, True, False)
    return pickles.Call("torch.nn.parameter.Parameter", state=state, new=True)


def legacy(pickles, content, storages, write=python2):
    """The five pickles, and the numbers."""
    system = {"protocol_version": 1001, "type_sizes": {"int": 4}, "little_endian": True}
    parts = [write(part, pickles) for part in (MAGIC, 1001, system, content, sorted(storages))]
    for key in sorted(storages):
        parts.append(struct.pack("<q", storages[key].size) + storages[key].tobytes())
    return b"".join(parts)


def python3(value, pickles):
    return pickles.pickled(value, protocol=2)


def same(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    found = read_torch_state(path)
    assert list(found) == list(ARRAYS)
    for name, x in found.items():
        np.testing.assert_array_equal(x, ARRAYS[name])


FORMS = ("2017", "0.4", "with attributes", "called with its tensor", "given a state")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("write", [python2, python3])
def test_every_form_of_a_tensor_gives_its_values(tmp_path, pickles, form, write):
    items = {name: rebuilt(pickles, form, str(n), name) for n, name in enumerate(ARRAYS)}
    storages = {str(n): x.ravel() for n, x in enumerate(ARRAYS.values())}
    if write is python2:  # with the versions of its modules, as torch 0.4 keeps them
        versions = ordered(pickles, {"": ordered(pickles, {"version": 1})})
        items = ordered(pickles, items, state={"_metadata": versions})
    same(tmp_path, legacy(pickles, items, storages, write))


def test_a_storage_that_is_part_of_another_is_cut_out_of_it(tmp_path, pickles):
    whole = np.concatenate([np.zeros(5, np.float32), *map(np.ravel, ARRAYS.values())])
    items, offset = {}, 5
    for name, x in ARRAYS.items():
        items[name] = rebuilt(pickles, "2017", "7", name, (f"v{offset}", offset, x.size), whole.size)
        offset += x.size
    same(tmp_path, legacy(pickles, ordered(pickles, items), {"7": whole}))


def test_tensors_of_nothing_are_read_as_such(tmp_path, pickles):
    storage = ("storage", pickles.Global("torch.FloatStorage"), "0", "cpu", 0, None)
    empty = pickles.Call(
        "torch._utils._rebuild_tensor_v2", pickles.Persistent(storage), 0, (0, 3), (3, 1), False, None
    )
    path = tmp_path / "weights.pth"
    path.write_bytes(legacy(pickles, {"seen": empty}, {"0": np.zeros(0, np.float32)}, python3))
    assert read_torch_state(path)["seen"].shape == (0, 3)


def tar(pickles, content, *, view=False):
    """A file of torch 0.1.8 and before, whose second storage may be part of the first."""
    dump = lambda value: python2(value, pickles)  # noqa: E731
    kind, arrays = pickles.Global("torch.FloatStorage"), [x.ravel() for x in ARRAYS.values()]
    whole = [np.concatenate(arrays)] if view else arrays
    storages = dump(len(whole)) + b"".join(
        dump((100 + n, "cpu", kind)) + struct.pack("<q", x.size) + x.tobytes() for n, x in enumerate(whole)
    )
    sizes = [x.size for x in arrays]
    storages += dump([(200, 100, 0, sizes[0]), (201, 100, *sizes)] if view else [])
    tensors = dump(len(ARRAYS))
    for n, (name, x) in enumerate(ARRAYS.items()):
        tensors += dump((300 + n, n + (200 if view else 100), pickles.Global("torch.cuda.FloatTensor")))
        numbers = (*x.shape, *STRIDES[name], 0)
        tensors += struct.pack(f"<ii{len(numbers)}q", x.ndim, 0, *numbers)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:", format=tarfile.PAX_FORMAT) as archive:
        parts = {"sys_info": dump({}), "storages": storages, "tensors": tensors, "pickle": dump(content)}
        for name, part in parts.items():
            member = tarfile.TarInfo(name)
            member.size = len(part)
            archive.addfile(member, io.BytesIO(part))
    return buffer.getvalue()


def in_tar(pickles, form=None):
    tensors = {name: pickles.Persistent(str(300 + n)) for n, name in enumerate(ARRAYS)}
    if form:
        tensors = {name: variable(pickles, form, tensor) for name, tensor in tensors.items()}
    return ordered(pickles, tensors)


@pytest.mark.parametrize("form", [None, "called with its tensor", "given a state"])
@pytest.mark.parametrize("view", [False, True])
def test_the_tars_of_the_first_versions_give_their_values(tmp_path, pickles, form, view):
    same(tmp_path, tar(pickles, in_tar(pickles, form), view=view))


def test_mutations_of_old_files_end_in_arrays_or_in_the_one_error(tmp_path, pickles):
    items = ordered(pickles, {name: rebuilt(pickles, "0.4", "0", name) for name in list(ARRAYS)[:1]})
    contents = [tar(pickles, in_tar(pickles, form="given a state"), view=True)]
    contents.append(legacy(pickles, items, {"0": next(iter(ARRAYS.values())).ravel()}))
    generator, path, refused = np.random.default_rng(0), tmp_path / "weights.pth", 0
    for content in contents * 150:
        damaged = bytearray(content)
        for position in generator.integers(0, len(content), generator.integers(1, 20)):
            damaged[position] = generator.integers(0, 256)
        path.write_bytes(damaged[: generator.integers(1, 2 * len(content))])
        try:
            read_torch_state(path)
        except ImportedFileError as error:
            refused += str(path) in str(error)
    assert refused > 100


@pytest.mark.parametrize("missing", ["storages", "tensors", "pickle"])
def test_another_tar_is_told_by_what_it_lacks(tmp_path, pickles, missing):
    content = tar(pickles, in_tar(pickles)).replace(missing.encode(), b"x" * len(missing), 1)
    # The header's checksum is a sum of its bytes.
    at = content.index(b"x" * len(missing))
    header = bytearray(content[at : at + 512])
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    path = tmp_path / "weights.pth"
    path.write_bytes(content[:at] + bytes(header) + content[at + 512 :])
    with pytest.raises(ImportedFileError, match=f"a tar without {missing}"):
        read_torch_state(path)


@pytest.mark.parametrize("pairs", [[["a"]], [[("a",), 1]], 7, [7], [[None, 1]], [["a", 1, 2]]], ids=str)
def test_an_ordered_dict_of_something_else_than_pairs_is_refused(tmp_path, pickles, pairs):
    path = tmp_path / "weights.pth"
    path.write_bytes(legacy(pickles, pickles.Call("collections.OrderedDict", pairs), {}))
    with pytest.raises(ImportedFileError, match="something else than pairs"):
        read_torch_state(path)


@pytest.mark.parametrize("view", [5, (1, 2), ("v", -1, 2), ("v", "a", 2)], ids=str)
def test_a_view_of_no_known_kind_is_refused(tmp_path, pickles, view):
    items = {name: rebuilt(pickles, "2017", "0", name, view) for name in list(ARRAYS)[:1]}
    path = tmp_path / "weights.pth"
    path.write_bytes(legacy(pickles, items, {"0": ARRAYS["features.0.weight"].ravel()}, python3))
    with pytest.raises(ImportedFileError, match="no known way|no count"):
        read_torch_state(path)

"""A hostile pickle does nothing: no code runs, no memory is spent, the error names the trouble."""

import os
import pickle
import struct
import time
import tracemalloc

import numpy as np
import pytest

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.pickles.inert_arrays import Arrays
from ganverse_jax.interchange.pickles.safe_pickle import Inert
from ganverse_jax.interchange.stylegan2.importer import import_pickle
from ganverse_jax.interchange.stylegan2.pickled import ALLOWED, read_bytes, read_pickle

START = b"\x80\x04"


def read(data):
    return read_bytes(memoryview(data))


class Command:
    """Pickles to a call that creates a file when loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_that_runs_a_command_is_refused_by_name_and_nothing_runs(tmp_path, protocol):
    target, file = tmp_path / "made", tmp_path / "hostile.pkl"
    file.write_bytes(pickle.dumps({"G": Command(target), "D": 0, "G_ema": 0}, protocol))
    with pytest.raises(ImportedFileError, match="hostile.pkl: the file asks for '(posix|nt).mkdir'.*refused"):
        import_pickle(file, tmp_path / "out")
    assert not target.exists() and not (tmp_path / "out").exists()
    pickle.loads(file.read_bytes())  # the test's own premise: Python would have run it
    assert target.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("os", "system"),
        ("numpy", "load"),
        ("dnnlib.util", "EasyDict.__init__.__globals__"),
        ("dnnlib", "util"),
        ("torch", "load"),
        ("tfutil", "Network"),
    ],
)
@pytest.mark.parametrize("stack", [True, False])
def test_every_other_global_is_refused_by_name(module, name, stack):
    text = b"".join(b"\x8c" + bytes([len(x)]) + x.encode() for x in (module, name)) + b"\x93"
    line = f"c{module}\n{name}\n".encode()
    with pytest.raises(ImportedFileError, match=f"asks for '{module}.{name}'"):
        read(START + (text if stack else line) + b")R.")


def test_the_allowed_names_are_data_only():
    """What is allowed stands for arrays, dicts, modules and nothing else; none is ever looked up."""
    roots = {name.split(".")[0] for name in ALLOWED}
    assert roots == {
        "numpy",
        "torch",
        "torch_utils",
        "dnnlib",
        "collections",
        "builtins",
        "__builtin__",
        "_codecs",
    }
    assert {n for n in ALLOWED if "builtin" in n} == {"builtins.set", "__builtin__.set", "builtins.frozenset"}


BUILD_ON_LIST = b"]}b."
CALL_OF_A_RESULT = b"ccollections\nOrderedDict\n)R)R."
LONG = struct.pack("<I", 0xFFFFFFFF)
HUGE = struct.pack("<Q", 2**62)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"B" + LONG + b"x", "4294967295 bytes are announced"),
        (b"X" + LONG + b"x", "a text of 4294967295 bytes"),
        (b"\x8e" + HUGE, "bytes are announced"),
        (b"\x96" + HUGE, "bytes are announced"),
        (b"\x8d" + HUGE, "a text of"),
        (b"\x8b" + struct.pack("<i", -5), "an integer of 4294967291 bytes"),
        (b"\x8b" + struct.pack("<I", 2**31 - 1) + bytes(100), "an integer of"),
        (b"(" * 100_000, "nested more than 200 deep"),
        (b"c" + b"x" * 10_000, "a name at byte 3 does not end"),
        (b"\x8c\x02\xff\xfe.", "not utf-8"),
        (b"I12\n.", "opcode 0x49"),
        (b"Vtext\n.", "opcode 0x56"),
        (b"P0\n.", "opcode 0x50"),
        (b"K\x01Q.", "reference to something outside"),
        (b"i os\nsystem\n.", "opcode 0x69"),
        (b"\x82\x01.", "opcode 0x82"),
        (b"h\x05.", "reference to item 5"),
        (b".", "an operand is missing"),
        (b"t.", "a mark is missing"),
        (b"((0K\x01tR.", "operand is missing|is called"),
        (b"K\x01)R.", "a int is called"),
        (CALL_OF_A_RESULT, "a Inert is called"),
        (BUILD_ON_LIST, "state for a list"),
        (b"K\x01K\x02a.", "an element for a int"),
        (b"}K\x01K\x02K\x03u.", "a mark is missing"),
        (b"}(K\x01u.", "items for a dict"),
        (b"}))s.", "a key that is a tuple"),
        (b"}.", "a dict with the keys"),
        (b"N.", "a NoneType"),
        (b"", "truncated"),
    ],
)
def test_damaged_and_hostile_opcodes_end_in_the_one_error(body, message):
    with pytest.raises(ImportedFileError, match=message):
        read(START + body)


def peak_of(data):
    """Peak bytes and seconds that reading takes; it must fail."""
    tracemalloc.start()
    started = time.perf_counter()
    with pytest.raises(ImportedFileError) as caught:
        read(data)
    seconds, peak = time.perf_counter() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, seconds, str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"}r" + LONG + b"j" + struct.pack("<I", 7),  # a memo index of 4e9
        b"\x95" + HUGE + b"B" + LONG,  # a frame of 4e18
        b"B" + LONG + bytes(1000),
        b"\x8b" + struct.pack("<I", 2**31 - 1) + bytes(1000),
    ],
)
def test_announcements_allocate_nothing(body):
    peak, _, _ = peak_of(START + body)
    assert peak < 1 << 20  # the error's own text and traceback take some 10 kB


def test_a_flood_of_objects_is_cut_off():
    # 3 million empty dicts would take 190 MB; 200,000 objects of 64 bytes plus the stack take 15.
    peak, _, message = peak_of(START + b"}" * 3_000_000)
    assert "more than 200000 opcodes" in message and peak < 24 << 20


def test_deep_tuples_are_data_like_any_other():
    # Python's own reader survives this, but hashing, printing or comparing the result would not.
    with pytest.raises(ImportedFileError, match="holds a tuple of 1"):
        read(START + b"}" + b"\x85" * 150_000 + b".")


def test_modules_that_hold_themselves_end_in_an_error():
    name = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n"
    text = lambda x: b"\x8c" + bytes([len(x)]) + x  # noqa: E731
    # state = {}; m = module({"class_name": "Generator", "state": state}); state["_modules"] = {a: m, b: m}
    loop = (
        b"}q\x00" + text(b"state_holder") + b"0"
        + name + b"}(" + text(b"class_name") + text(b"Generator") + text(b"state") + b"h\x00" + b"u\x85Rq\x01"
        + b"h\x00(" + text(b"_parameters") + b"}" + text(b"_buffers") + b"}"
        + text(b"_modules") + b"}(" + text(b"a") + b"h\x01" + text(b"b") + b"h\x01" + b"uu0"
    )  # fmt: skip
    body = loop + b"}(" + b"".join(text(k) + b"h\x01" for k in (b"G", b"D", b"G_ema")) + b"u."
    _, seconds, message = peak_of(START + body)
    assert "more modules than any StyleGAN2" in message
    assert seconds < 5  # 2^8 modules at most; without the bound it would never end


def test_tensors_may_not_multiply_a_storage(pickles):
    numbers = np.zeros(100_000, np.float32)
    shared = pickles.Call("torch.storage._load_from_bytes", pickles.stream(numbers))

    def window(size, stride, offset=0):
        return pickles.Call("torch._utils._rebuild_tensor_v2", shared, offset, size, stride, False, None)

    def network(tensors):
        made = pickles.module("Generator")
        made.arguments[0].items["state"]["_parameters"] = tensors
        return pickles.pickled({"G": made, "D": made, "G_ema": made})

    for size, stride, offset in [
        ((10**6, 10**6), (0, 0), 0),
        ((100_001,), (1,), 0),
        ((2,), (99_999,), 1),
        ((2,), (1,), 99_999),
        ((2, 2), (1,), 0),
        ((2,), (-1,), 5),
        ((2,), (1,), -1),
        ((2**50,), (1,), 0),
        ((1,) * 40, (1,) * 40, 0),
    ]:
        with pytest.raises(
            ImportedFileError, match="does not fit|no count|do not fit|without a proper shape"
        ):
            read(network({"x": window(size, stride, offset)}))


def test_many_tensors_may_not_copy_one_storage_each(pickles):
    stream = memoryview(pickles.stream(np.zeros(1000, np.float32)))
    shared = Inert("torch.storage._load_from_bytes", (stream,))
    tensor = Inert("torch._utils._rebuild_tensor", (shared, 0, (1000,), (1,)))
    arrays = Arrays(budget=2 * len(stream))
    for name in ("a", "b"):
        assert arrays.array(tensor, name).shape == (1000,)
    with pytest.raises(ImportedFileError, match="c: the arrays hold more numbers than the file"):
        arrays.array(tensor, "c")


@pytest.mark.parametrize(
    ("group", "content", "message"),
    [
        ("_parameters", {f"p{i}": None for i in range(2000)}, "2000 entries; no StyleGAN2 module"),
        ("_parameters", {"\x1b[2J": 1.0}, "odd name"),
        ("_parameters", {7: 1.0}, "odd name"),
        ("_modules", {"a.b": 1}, "odd name"),
        ("_parameters", [("x", 1.0, 2)], "not pairs"),
        ("_parameters", 5, "a int, expected a dict"),
        ("_modules", {"a": 5}, "a int, not a module"),
    ],
)
def test_odd_contents_of_modules_are_refused(pickles, group, content, message):
    made = pickles.module("Generator")
    made.arguments[0].items["state"][group] = content
    with pytest.raises(ImportedFileError, match=message):
        read(pickles.pickled({"G": made, "D": made, "G_ema": made}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04rest", "a zip; pass NumPy archives"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs", "Git LFS pointer"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"\x93NUMPY", "no StyleGAN2 pickle"),
        (pickle.dumps([1, 2]), "a list of 2; expected"),
        (pickle.dumps({"model": {}}), r"keys \['model'\]; expected \(G, D, Gs\)"),
        (bytes(range(1, 100)), "no StyleGAN2 pickle"),
    ],
)
def test_unrelated_files_are_told_what_they_are(tmp_path, content, message):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ImportedFileError, match=f"file.*{message}"):
        read_pickle(tmp_path / "file")


@pytest.mark.parametrize("name", ["absent.pkl", "."])
def test_no_file_is_told_as_such(tmp_path, name):
    with pytest.raises(FileNotFoundError, match="no file at"):
        read_pickle(tmp_path / name)

"""PyTorch's files as torch 2.13 wrote them, and damaged or hostile ones, without torch."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.pickles.torch_state import read_torch_state

GOLDEN = Path(__file__).parents[2] / "golden" / "inception"
FORMATS = ("tricky_zip.pth", "tricky_legacy.pth")


@pytest.mark.parametrize("name", FORMATS)
def test_both_formats_give_the_values_that_torch_saved(name):
    state, recorded = read_torch_state(GOLDEN / name), np.load(GOLDEN / "tricky.npz")
    assert set(state) == set(recorded.files)
    for key in state:
        assert state[key].dtype == np.float32
        np.testing.assert_array_equal(state[key], recorded[key])


@pytest.mark.parametrize("name", [*FORMATS, "state_dict.pth"])
def test_shapes_alone_are_those_of_the_whole_file(name):
    state, shapes = (read_torch_state(GOLDEN / name, shapes_only=only) for only in (False, True))
    assert {key: x.shape for key, x in shapes.items()} == {key: x.shape for key, x in state.items()}
    assert not any(x.any() for x in shapes.values())


def test_numbers_are_not_read_for_the_shapes(tmp_path):
    data = bytearray((GOLDEN / "tricky_zip.pth").read_bytes())
    with zipfile.ZipFile(GOLDEN / "tricky_zip.pth") as archive:
        info = archive.getinfo("tricky_zip/data/0")
    data[info.header_offset + 200] ^= 0xFF  # behind the padding up to 64 bytes: a number
    (tmp_path / "damaged.pth").write_bytes(data)
    with pytest.raises(ImportedFileError, match="CRC"):
        read_torch_state(tmp_path / "damaged.pth")
    assert read_torch_state(tmp_path / "damaged.pth", shapes_only=True)


def test_a_state_dict_keeps_buffers_and_counters():
    state = read_torch_state(GOLDEN / "state_dict.pth")
    assert state["conv.weight"].shape == (4, 3, 3, 3)
    assert {"bn.running_mean", "bn.running_var", "bn.num_batches_tracked"} <= set(state)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_truncated_file_is_told_as_such(tmp_path, name, share):
    content = (GOLDEN / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ImportedFileError, match=name):
        read_torch_state(path)


@pytest.mark.parametrize("name", FORMATS)
def test_mutations_end_in_arrays_or_in_the_one_error(tmp_path, name):
    content, path = (GOLDEN / name).read_bytes(), tmp_path / name
    generator = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(content)
        for position in generator.integers(0, len(content), generator.integers(1, 6)):
            damaged[position] = generator.integers(0, 256)
        path.write_bytes(damaged)
        try:
            state = read_torch_state(path)
        except ImportedFileError:
            continue
        assert all(isinstance(value, np.ndarray) for value in state.values())


class _Command:
    def __reduce__(self):
        return os.system, ("touch /tmp/ganverse_jax_was_here",)


def rezipped(change, source="tricky_zip.pth", compression=zipfile.ZIP_STORED):
    """The golden zip with `change(entries)` made to its {name: bytes}."""
    with zipfile.ZipFile(GOLDEN / source) as archive:
        entries = {info.filename: archive.read(info) for info in archive.infolist()}
    change(entries)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _hostile(entries):
    entries["tricky_zip/data.pkl"] = pickle.dumps({"weight": _Command()}, protocol=2)


def _without_numbers(entries):
    del entries["tricky_zip/data/0"]


def _short_numbers(entries):
    entries["tricky_zip/data/0"] = entries["tricky_zip/data/0"][:-4]


def _big_endian(entries):
    entries["tricky_zip/byteorder"] = b"big"


def _program(entries):
    entries["tricky_zip/code/__torch__.py"] = b"..."


def _no_pickle(entries):
    del entries["tricky_zip/data.pkl"]


def _crowd(entries):
    entries |= {f"tricky_zip/data/{i}x": b"" for i in range(6000)}


@pytest.mark.parametrize("shapes_only", [False, True])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_hostile, "system.*nothing was executed"),
        (_without_numbers, "lacks data/0"),
        (_short_numbers, "bytes for"),
        (_big_endian, "big-endian"),
        (_program, "TorchScript"),
        (_no_pickle, "without data.pkl"),
        (_crowd, "entries"),
    ],
)
def test_odd_and_hostile_zips_are_refused_with_the_reason(tmp_path, change, message, shapes_only):
    path = tmp_path / "weights.pth"
    path.write_bytes(rezipped(change))
    with pytest.raises(ImportedFileError, match=message):
        read_torch_state(path, shapes_only=shapes_only)
    assert not Path("/tmp/ganverse_jax_was_here").exists()


def test_a_compressed_zip_cannot_unfold_to_more_than_the_file(tmp_path):
    def bomb(entries):
        entries["tricky_zip/data/0"] = bytes(1 << 26)

    path = tmp_path / "weights.pth"
    path.write_bytes(rezipped(bomb, compression=zipfile.ZIP_DEFLATED))
    assert path.stat().st_size < 1 << 18
    with pytest.raises(ImportedFileError, match="compressed"):
        read_torch_state(path)


def test_entries_that_lie_within_one_another_cannot_add_up_to_more_than_the_file(tmp_path, pickles):
    """Each of two storages would be nearly the whole file; both announce the right count."""
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("tricky_zip/data/1", bytes(60_000))
        nested = archive.infolist()[0]
    carrier = inner.getvalue()
    carrier += bytes(-len(carrier) % 4)

    def tensor(key, count):
        reference = ("storage", pickles.Global("torch.FloatStorage"), key, "cpu", count)
        arguments = (pickles.Persistent(reference), 0, (count,), (1,), False, None)
        return pickles.Call("torch._utils._rebuild_tensor_v2", *arguments)

    state = {"a": tensor("0", len(carrier) // 4), "b": tensor("1", 15_000)}
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("tricky_zip/data.pkl", pickles.pickled(state, protocol=2))
        archive.writestr("tricky_zip/data/0", carrier)
        nested.header_offset = outer.getvalue().index(carrier[:30])
        archive.filelist.append(nested)
    path = tmp_path / "weights.pth"
    path.write_bytes(outer.getvalue())
    with zipfile.ZipFile(path) as archive:
        assert sum(info.file_size for info in archive.infolist()) > 1.5 * path.stat().st_size
    with pytest.raises(ImportedFileError, match="overlap|Overlap"):  # newer Pythons notice it themselves
        read_torch_state(path)


def test_a_hostile_legacy_file_executes_nothing(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps({"weight": _Command()}, protocol=2))
    with pytest.raises(ImportedFileError, match="nothing was executed"):
        read_torch_state(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b"<!DOCTYPE html>", "no PyTorch file"), (pickle.dumps([1, 2]), "truncated")],
)
def test_unrelated_files_are_told_what_is_wrong(tmp_path, content, message):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(ImportedFileError, match=message):
        read_torch_state(path)


def test_a_dict_within_the_file_is_pointed_out(tmp_path, pickles):
    def nested(entries):
        inner = pickles.Call("collections.OrderedDict")
        entries["tricky_zip/data.pkl"] = pickles.pickled({"state_dict": inner}, protocol=2)

    path = tmp_path / "weights.pth"
    path.write_bytes(rezipped(nested))
    with pytest.raises(ImportedFileError, match="'state_dict' is a dict"):
        read_torch_state(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.pth"):
        read_torch_state(tmp_path / "nowhere.pth")

"""NumPy archives of others: every harmless one is read, every harmful or damaged one is refused by name."""

import io
import re
import zipfile

import numpy as np
import pytest

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.pickles.numpy_archive import read_numpy_archive


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_saves_is_read_back(tmp_path, save):
    random = np.random.default_rng(0)
    arrays = {
        "mapping.fc0.weight": random.standard_normal((8, 8), np.float32),
        "half": random.standard_normal((3, 5)).astype(np.float16),
        "fortran": np.asfortranarray(random.standard_normal((4, 6))),
        "scalar": np.array(3, np.int64),
        "zeros": np.zeros(1000, np.float32),
        "none": np.zeros((0, 3), np.float32),
    }
    save(tmp_path / "state.npz", **arrays)
    found = read_numpy_archive(tmp_path / "state.npz")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def _npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def _zip(path, entries, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


PICKLED = io.BytesIO()
np.save(PICKLED, np.array([print], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}", b"0000"), "but 4 bytes"),
        (_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -1)}", b"0000"), "shape (-1, -1)"),
        (_npy("{'descr': '<f4', 'shape': " + "(" * 4000), "no header"),
        (_npy("__import__('os').abort()"), "no header"),
        (b"\x93NUMPY\x07\x00", "array format (7, 0)"),
        (PICKLED.getvalue(), "not numbers"),
        (b"no array", "no NumPy archive"),
    ],
)
def test_a_harmful_array_is_refused_by_name(tmp_path, data, told):
    path = _zip(tmp_path / "bad.npz", [("weight.npy", data)])
    with pytest.raises(ImportedFileError, match=re.escape(told)) as caught:
        read_numpy_archive(path)
    assert "bad.npz" in str(caught.value)


def test_an_archive_that_unfolds_a_thousandfold_is_refused_before_it_is_unfolded(tmp_path):
    zeros = io.BytesIO()
    np.save(zeros, np.zeros(4_000_000, np.float32))
    bomb = [("weight.npy", zeros.getvalue())]
    path = _zip(tmp_path / "bomb.npz", bomb, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ImportedFileError, match="bomb.npz.* unfold to 16000128"):
        read_numpy_archive(path)


def test_crowded_and_doubled_archives_are_refused(tmp_path):
    crowd = _zip(tmp_path / "crowd.npz", [(f"{i}.npy", b"") for i in range(5001)])
    with pytest.raises(ImportedFileError, match="5001 entries"):
        read_numpy_archive(crowd)
    one = _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", b"0000")
    with pytest.raises(ImportedFileError, match="'a' is there twice"):
        read_numpy_archive(_zip(tmp_path / "twice.npz", [("a.npy", one), ("a", one)]))


def test_no_cut_or_flipped_byte_ends_otherwise_than_in_arrays_or_a_clear_error(tmp_path):
    """Damage anywhere: 400 files, half of them cut, half with bytes changed."""
    np.savez_compressed(tmp_path / "whole.npz", a=np.arange(60.0, dtype=np.float32), b=np.ones((3, 4)))
    whole, random = (tmp_path / "whole.npz").read_bytes(), np.random.default_rng(0)
    path = tmp_path / "damaged.npz"
    for number in range(400):
        data = bytearray(whole)
        if number % 2:
            del data[random.integers(len(data)) :]
        for position in random.integers(0, max(len(data), 1), 3 * (number % 2 == 0)):
            data[position] = random.integers(256)
        path.write_bytes(data)
        try:
            read_numpy_archive(path)
        except ImportedFileError as error:
            assert "damaged.npz" in str(error)

"""Claims about saved files: round trips, half precision, atomic writes, clear errors."""

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from ganverse_jax.runtime.checkpoint import (
    fingerprint,
    load_weights,
    read_json,
    read_npz,
    save_weights,
    write_atomic,
    write_json,
    write_npz,
)

TREE = {"layer": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3) / 7, "count": np.int32(3)}}


def test_weights_round_trip_with_metadata(tmp_path):
    save_weights(tmp_path / "w.safetensors", TREE, {"steps": 7, "model": {"depth": 2}})
    tree, metadata = load_weights(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(tree["layer"]["kernel"], TREE["layer"]["kernel"])
    assert tree["layer"]["count"] == 3 and metadata == {"steps": 7, "model": {"depth": 2}}
    assert fingerprint(tree) == fingerprint(TREE)


def test_half_precision_halves_the_error_budget_not_the_type(tmp_path):
    save_weights(tmp_path / "w.safetensors", TREE, {}, dtype=np.float16)
    kernel = load_weights(tmp_path / "w.safetensors")[0]["layer"]["kernel"]
    assert kernel.dtype == np.float32
    np.testing.assert_allclose(kernel, TREE["layer"]["kernel"], rtol=2**-10)  # fp16 has 11 bits


def test_fingerprint_sees_one_changed_bit():
    other = {"layer": TREE["layer"] | {"kernel": np.nextafter(TREE["layer"]["kernel"], np.float32(9))}}
    assert fingerprint(other) != fingerprint(TREE)


def test_missing_and_truncated_weights_name_the_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no weights at .*gone"):
        load_weights(tmp_path / "gone")
    save_weights(tmp_path / "w.safetensors", TREE, {})
    data = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "w.safetensors").write_bytes(data[:-5])
    with pytest.raises(
        ValueError, match="w.safetensors is not a readable safetensors file .*; copy it again, or"
    ):
        load_weights(tmp_path / "w.safetensors")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    write_json(tmp_path / "a.json", {"ok": True})

    def fail(path):
        path.write_text("half")
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_atomic(tmp_path / "a.json", fail)
    assert read_json(tmp_path / "a.json") == {"ok": True}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_json_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "a.json").write_text('{"ok": true}', encoding="utf-8-sig")
    assert read_json(tmp_path / "a.json") == {"ok": True}


def test_damaged_json_and_npz_name_file_and_remedy(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ValueError, match="a.json is not valid JSON"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("1" * 5000)
    with pytest.raises(ValueError, match="a.json is not valid JSON .*4300 digits"):
        read_json(tmp_path / "a.json")
    write_npz(tmp_path / "a.npz", x=np.ones(3))
    np.testing.assert_array_equal(read_npz(tmp_path / "a.npz")["x"], np.ones(3))
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:40])
    with pytest.raises(ValueError, match="a.npz is damaged"):
        read_npz(tmp_path / "a.npz")


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_narrow_weights_come_back_as_float32(tmp_path, dtype):
    values = np.arange(6, dtype=np.float32)  # small whole numbers are exact in all of them
    save_weights(tmp_path / "w.safetensors", {"a": values, "n": np.int16([3])}, {}, dtype=dtype)
    tree, _ = load_weights(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(tree["a"], values)
    assert tree["a"].dtype == np.float32 and tree["n"].dtype == np.int16


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ml_dtypes.bfloat16])
def test_shapes_alone_are_told_without_the_numbers(tmp_path, dtype):
    tree = {"a": {"b": np.ones((2, 3), np.float32), "n": np.arange(4)}, "one": np.float32(1)}
    save_weights(tmp_path / "w.safetensors", tree, {"kind": "cake"}, dtype=dtype)
    whole, metadata = load_weights(tmp_path / "w.safetensors")
    shapes, same = load_weights(tmp_path / "w.safetensors", shapes_only=True)
    assert same == metadata and shapes["a"].keys() == whole["a"].keys()
    for found, full in ((shapes["a"]["b"], whole["a"]["b"]), (shapes["a"]["n"], whole["a"]["n"])):
        assert (found.shape, found.dtype) == (full.shape, full.dtype) and not found.any()
    assert shapes["one"].shape == ()


def test_weights_in_numbers_that_numpy_has_not_are_told_as_that(tmp_path):
    header = b'{"a": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}'
    (tmp_path / "w.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"ab")
    with pytest.raises(ValueError, match="w.safetensors holds numbers that are not read here .*as float32"):
        load_weights(tmp_path / "w.safetensors")


def test_whole_weights_of_another_program_are_not_called_damaged(tmp_path):
    path = tmp_path / "w.safetensors"
    save_file({"a": np.ones(3, np.float32)}, path, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"w\.safetensors was written by another program"):
        load_weights(path)
    save_file({"a": np.ones(3, np.float32), "a/b": np.ones(3, np.float32)}, path)
    with pytest.raises(ValueError, match=r"w\.safetensors was written by another program"):
        load_weights(path)

"""Claims about saved files: round trips, half precision, atomic writes, clear errors."""

import numpy as np
import pytest

from ganverse_jax.runtime.checkpoint import (
    Checkpoints,
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


def test_a_checkpoint_of_another_shape_is_refused_by_directory(tmp_path):
    checkpoints = Checkpoints(tmp_path / "gan")
    checkpoints.save(3, {"w": np.ones(4, np.float32)})
    checkpoints.wait()
    with pytest.raises(ValueError, match="gan/3 does not fit these settings"):
        checkpoints.restore({"w": np.ones(5, np.float32)})
    checkpoints.close()

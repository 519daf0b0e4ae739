"""Claims about what an ONNX file tells unopened; files are made here byte by byte, without onnx."""

import pytest

from ganverse_jax.models.perception.onnx_file import check_network

FOUR = ("boxes", "labels", "scores", "masks")
MODEL = {"ir_version": 1, "producer_name": 2, "graph": 7}
GRAPH = {"node": 1, "initializer": 5, "output": 12}


def field(number: int, content: bytes) -> bytes:
    """A field of bytes; its length in groups of seven bits."""
    length, left = b"", len(content)
    while left > 0x7F:
        length, left = length + bytes([left & 0x7F | 0x80]), left >> 7
    return bytes([number << 3 | 2]) + length + bytes([left]) + content


def model(outputs=FOUR, weights=1000) -> bytes:
    values = b"".join(field(GRAPH["output"], field(1, name.encode())) for name in outputs)
    graph = field(GRAPH["node"], b"") + field(GRAPH["initializer"], bytes(weights)) + values
    version = bytes([MODEL["ir_version"] << 3, 9])
    return version + field(MODEL["producer_name"], b"pytorch") + field(MODEL["graph"], graph)


@pytest.mark.parametrize("weights", [0, 127, 128, 70_000])
def test_a_network_of_any_size_is_told_from_its_fields(tmp_path, weights):
    path = tmp_path / "network.onnx"
    path.write_bytes(model(weights=weights))
    check_network(path)


def test_a_classifier_is_told_by_what_it_gives(tmp_path):
    path = tmp_path / "network.onnx"
    path.write_bytes(model(["logits"]))
    with pytest.raises(ValueError, match="network.onnx gives logits; a Mask R-CNN gives boxes, labels"):
        check_network(path)


@pytest.mark.parametrize("content", [
    pytest.param(b"", id="empty"),
    pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(99), id="picture"),
    pytest.param(b"PK\x03\x04" + bytes(99), id="zip"),
    pytest.param(b"\x80\x02}q\x00.", id="pickle"),
    pytest.param(b"no network", id="text"),
    pytest.param(b"version https://git-lfs.github.com/spec/v1\n", id="pointer"),
    pytest.param(b"<!DOCTYPE html><html></html>", id="web page"),
    pytest.param(b"\xff" * 40, id="endless number"),
    pytest.param(bytes([8, 9]), id="no graph"),
])  # fmt: skip
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "network.onnx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="network.onnx is no ONNX network, or damaged"):
        check_network(path)


def test_a_download_that_stopped_anywhere_is_noticed(tmp_path):
    path, whole = tmp_path / "network.onnx", model(weights=100)
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match="no ONNX network, or damaged"):
            check_network(path)

"""Claims about files of views that are wrong: each is refused with file, value and remedy."""

import json

import pytest

from ganverse_jax.annotation import candidates as proposed
from ganverse_jax.annotation.bins import store
from ganverse_jax.pipeline.settings import build
from ganverse_jax.runtime.checkpoint import write_json
from ganverse_jax.stages.viewpoints import stage as viewpoints
from ganverse_jax.stages.viewpoints.settings import Settings


def test_views_of_another_gan_are_refused_with_the_remedy(tmp_path):
    path = tmp_path / "viewpoints.json"
    write_json(path, {"fingerprint": "other", "views": [{"id": 0, "w": [0.0], "azimuth_bin": 3}]})
    with pytest.raises(ValueError, match="GAN other.*this GAN is mine.*pose_regressor"):
        viewpoints.read_views(path, "mine")
    path.write_text('["no views"]')
    with pytest.raises(ValueError, match="no viewpoints file.*delete it"):
        viewpoints.read_views(path, "mine")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"azimuth_bin": 12}, "azimuth_bin 12; .*nearest bin"),
        ({"azimuth_bin": 3.0}, "azimuth_bin 3.0"),
        ({"azimuth_bin": True}, "azimuth_bin True"),
        ({"azimuth_bin": "3"}, "azimuth_bin '3'"),
        ({"azimuth_bin": [3]}, r"azimuth_bin \[3\]"),
        ({"id": 0}, "id 0 comes twice"),
        ({"w": [0.0]}, "its code w has 1 numbers, not 2"),
        ({"w": [0.0, float("nan")]}, r"w\[1\] is nan"),
    ],
)
def test_a_wrong_view_is_refused_with_file_value_and_remedy(tmp_path, change, message):
    path = tmp_path / "viewpoints.json"
    views = [{"id": i, "w": [0.0, 1.0], "azimuth_bin": 3} for i in range(2)]
    path.write_text(json.dumps({"fingerprint": "mine", "views": views}))
    assert viewpoints.read_views(path, "mine", 2).w.shape == (2, 2)
    with pytest.raises(ValueError, match="view 0 in .*has 2 numbers, not 128"):
        viewpoints.read_views(path, "mine", 128)
    path.write_text(json.dumps({"fingerprint": "mine", "views": [views[0], views[1] | change]}))
    with pytest.raises(ValueError, match=f"viewpoints.json : .*{message}"):
        viewpoints.read_views(path, "mine", 2)


@pytest.mark.parametrize("data", [b"", b'{"fingerprint": "mine", "views": [', b"\x89PNG\r\n\xff", b"3"])
@pytest.mark.parametrize("name", ["viewpoints.json", "candidates.json", "annotation.json"])
def test_files_that_are_none_are_refused_with_a_remedy(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    readers = {
        "viewpoints.json": lambda: viewpoints.read_views(tmp_path / name, "mine"),
        "candidates.json": lambda: proposed.read_candidates(tmp_path, "mine"),
        "annotation.json": lambda: store.read_annotation(
            tmp_path / name, proposed.Candidates([], "mine", "")
        ),
    }
    with pytest.raises(ValueError, match=f"{name}.*(delete|move) it|{name}.*--export=FILE"):
        readers[name]()


@pytest.mark.parametrize("name", ["nope", "", None])
def test_shipped_views_that_there_are_none_of_are_named(name):
    message = f"viewpoints.shipped = {name!r} names no .*; choose one of toy_bird, toy_car"
    with pytest.raises(ValueError, match=message):
        build(Settings, {"annotated_by": "shipped", "shipped": name}, "viewpoints")

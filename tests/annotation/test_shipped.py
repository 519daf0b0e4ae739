"""The shipped views are those that the shipped annotation keeps."""

from pathlib import Path

import ganverse_jax
from ganverse_jax.annotation.bins import store
from ganverse_jax.runtime.checkpoint import read_json

ASSETS = Path(ganverse_jax.__file__).parent / "assets" / "toy_car"


def test_the_shipped_views_are_those_that_the_shipped_annotation_keeps():
    annotation, viewpoints = read_json(ASSETS / "annotation.json"), read_json(ASSETS / "viewpoints.json")
    assert annotation["format"] == store.ANNOTATION.form
    assert annotation["fingerprint"] == viewpoints["fingerprint"] and viewpoints["annotated_by"] == "person"
    kept = {entry["id"]: entry["azimuth_bin"] for entry in annotation["views"] if entry["keep"]}
    assert {view["candidate"]: view["azimuth_bin"] for view in viewpoints["views"]} == kept

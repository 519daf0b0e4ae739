"""Claims about a photo whose border cuts the object, by the shipped networks."""

from pathlib import Path

import numpy as np
import pytest

from ganverse_jax.commands.reconstruct.networks import crop_of, find_camera, networks_of, predict
from ganverse_jax.data.photos import Photo, read_photo
from ganverse_jax.evaluation.cameras import wrap_angle

PHOTO = Path(__file__).parents[3] / "docs" / "photos" / "brown.png"


@pytest.fixture(scope="module")
def azimuth_of():
    _, network, segment, _ = networks_of()
    photo = read_photo(PHOTO, segment=segment)

    def found(left, right):
        part = Photo(photo.image[:, left:right], photo.mask[:, left:right], "")
        crop = crop_of(network, part, PHOTO)
        _, _, meshes = predict(network, part, crop)
        return find_camera(network, meshes, part, crop, None)[0].azimuth

    return found


@pytest.mark.parametrize(("left", "right"), [(76, 192), (0, 115)])
def test_a_third_of_the_object_may_lie_beyond_the_border(azimuth_of, left, right):
    # A whole photo's cameras are good to 3 degrees (median); what lies beyond as background: 15 and 107 off.
    off = wrap_angle(azimuth_of(left, right) - azimuth_of(0, 192))
    assert abs(np.degrees(off)) < 8

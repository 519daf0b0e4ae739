"""The single-view set beside a posed one: as many images, other cars, the same held-out ones."""

import numpy as np

from ganverse_jax.classes.car.toy.world import ToyCars
from ganverse_jax.data.multiview.posed_world import posed_renders, single_view_renders, true_cameras
from ganverse_jax.scene.cameras import given_cameras


def test_single_views_are_as_many_images_of_other_cars_with_true_cameras():
    world = ToyCars(16, supersample=1)
    posed = posed_renders(world, num_objects=10, num_views=5, views_per_object=3)
    single = single_view_renders(world, posed)
    train = single.split("train")
    assert len(train) == len(posed.split("train")) == 24
    assert len(np.unique(train.object_id)) == len(np.unique(train.view_id)) == 24
    assert not np.isin(train.object_id, posed.object_id).any()
    assert not np.isin(train.view_id, np.arange(5)).any()
    for name in ("validation", "test"):
        ours, theirs = single.split(name), posed.split(name)
        np.testing.assert_array_equal(ours.images, theirs.images)
        np.testing.assert_array_equal(ours.view_id, theirs.view_id)
    truth = true_cameras(single.views)
    np.testing.assert_array_equal(given_cameras(single.views)["azimuth"], np.float32(truth["azimuth"]))
    again = world.render_views(
        train.object_id[:2],
        *(truth[name][train.view_id[:2]] for name in ("azimuth", "elevation", "distance")),
    )
    np.testing.assert_array_equal(again["image"], train.images[:2])

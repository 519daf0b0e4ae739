"""Claims about the ONNX Mask R-CNN adapter; a tiny graph made here stands for the 178 MB file."""

import numpy as np
import pytest

from ganverse_jax.models.perception import mask_rcnn
from ganverse_jax.models.perception.mask_rcnn import CARDS, MaskRCNN, paste, prepare, sort_outputs
from tests.models.perception.constant_network import BOXES, LABELS, MASKS, PASTED, SCORES, write_network


def test_a_full_mask_fills_its_box_and_nothing_else():
    mask = paste(np.ones((28, 28), np.float32), np.array([8, 4, 24, 12]), (20, 40))
    expected = np.zeros((20, 40), np.float32)
    expected[4:12, 8:24] = 1.0
    inside = expected > 0
    assert mask[inside].min() >= 0.5 and mask.shape == (20, 40)
    # half a cell (8 / 28 / 2 px) of soft border reaches no neighbouring pixel's centre
    np.testing.assert_allclose(mask[~inside], 0.0, atol=1e-6)


def test_pasting_at_the_masks_own_size_is_the_identity():
    mask = np.random.default_rng(0).random((6, 9)).astype(np.float32)
    # atol: float32 products with weights that are 1 up to rounding
    np.testing.assert_allclose(paste(mask, np.array([0, 0, 9, 6]), (6, 9)), mask, atol=1e-5)


def test_the_zoos_card_wants_bgr_without_mean_at_800_padded_to_32():
    image = np.zeros((384, 512, 3), np.uint8)
    image[..., 0] = 200  # red
    tensor, frame = prepare(image, CARDS["onnx_zoo"], ("3", "height", "width"))
    assert frame == (800, 1067) and tensor.shape == (3, 800, 1088) and tensor.dtype == np.float32
    np.testing.assert_allclose(tensor[:, 0, 0], [-102.9801, -115.9465, 200 - 122.7717], atol=1e-3)
    assert (tensor[:, :, 1067:] == 0).all()


def test_long_pictures_stop_at_the_long_side():
    _, frame = prepare(np.zeros((100, 400, 3), np.uint8), CARDS["onnx_zoo"], (3, None, None))
    assert frame == (333, 1333)


def test_torchvisions_card_wants_rgb_in_unit_range_as_it_is():
    image = np.full((48, 64, 3), 255, np.uint8)
    tensor, frame = prepare(image, CARDS["torchvision"], (1, 3, "h", "w"))
    assert tensor.shape == (1, 3, 48, 64) and frame == (48, 64) and tensor.max() == 1.0


def test_a_fixed_input_size_wins():
    tensor, frame = prepare(np.zeros((48, 64, 3), np.uint8), CARDS["onnx_zoo"], (1, 3, 100, 120))
    assert tensor.shape == (1, 3, 100, 120) and frame == (100, 120)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
@pytest.mark.parametrize("batched", [False, True])
def test_outputs_are_told_apart_in_any_order(order, batched):
    outputs = [BOXES, LABELS, SCORES, MASKS]
    outputs = [outputs[i][None] if batched else outputs[i] for i in order]
    found = sort_outputs(outputs)
    for array, expected in zip(found, (BOXES, LABELS, SCORES, MASKS[:, 0]), strict=True):
        np.testing.assert_array_equal(array, expected)


def test_one_detection_is_no_batch():
    found = sort_outputs([BOXES[:1], LABELS[:1], SCORES[:1], MASKS[:1]])
    assert found.boxes.shape == (1, 4) and found.masks.shape == (1, 28, 28)


def test_other_networks_are_refused_with_what_they_give():
    with pytest.raises(ValueError, match=r"float32 \(4, 4\).*gives boxes"):
        sort_outputs([BOXES, SCORES, MASKS])


def test_a_missing_file_says_where_to_get_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="MaskRCNN-12 of the ONNX model zoo.*source='masks'"):
        MaskRCNN(tmp_path / "none.onnx", class_name="car")


def test_without_onnxruntime_the_extra_is_named(tmp_path, monkeypatch):
    path = tmp_path / "network.onnx"
    path.touch()
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"ganverse-jax\[masks\]"):
        MaskRCNN(path, class_name="car")


@pytest.fixture
def network(tmp_path):
    """make(...) -> path of a `constant_network`."""
    pytest.importorskip("onnxruntime", reason="the [masks] extra is not installed")
    pytest.importorskip("onnx", reason="onnx, which makes the tiny network, is not installed")
    return lambda *args, **options: write_network(tmp_path / "network.onnx", *args, **options)


def test_instances_of_the_class_come_best_first(network):
    segmenter = MaskRCNN(network(), class_name="car", card=card_of_32())
    images = np.zeros((2, 32, 32, 3), np.uint8)
    for masks in segmenter.detect(images):
        assert masks.shape == (2, 32, 32)
        assert (masks > 0.5).sum(axis=(1, 2)).tolist() == [16 * 16, 16 * 8]
    together = segmenter(images)
    assert together.shape == (2, 32, 32) and (together[0] > 0.5).sum() == 16 * 16 + 16 * 8


def test_boxes_are_brought_back_to_the_picture(network):
    segmenter = MaskRCNN(network(), class_name="car", card=card_of_32())  # the network sees 32 x 32
    mask = segmenter.detect(np.zeros((1, 64, 64, 3), np.uint8))[0][0] > 0.5
    assert mask.sum() == 32 * 32 and mask[32:, 32:].all()


def test_pasted_masks_are_taken_as_they_are(network):
    pasted = np.zeros((4, 1, 32, 32), np.float32)
    pasted[:, :, 5:9, 5:9] = 1
    masks = MaskRCNN(network(pasted), class_name="car", card=card_of_32()).detect(
        np.zeros((1, 32, 32, 3), np.uint8)
    )
    np.testing.assert_array_equal(masks[0][0] > 0.5, pasted[0, 0] > 0.5)


def test_label_names_in_the_file_win(network):
    path = network(names={15: "car", 3: "boat"})
    assert MaskRCNN(path, class_name="car").label == 15
    assert MaskRCNN(path, class_name="car", label=4).label == 4
    with pytest.raises(ValueError, match="knows no class 'plane', only boat, car"):
        MaskRCNN(path, class_name="plane")


def test_batched_inputs_are_fed_batched(network):
    masks = MaskRCNN(network(rank=4), class_name="car", card=card_of_32()).detect(
        np.zeros((1, 32, 32, 3), np.uint8)
    )
    assert len(masks[0]) == 2


def test_no_network_and_another_network_are_refused(network, tmp_path):
    with pytest.raises(ValueError, match=r"takes pixels tensor\(float\).*one float image"):
        MaskRCNN(network(rank=2), class_name="car")
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(ValueError, match="no ONNX network"):
        MaskRCNN(tmp_path / "text.onnx", class_name="car")


def test_the_file_tells_whose_export_it_is(network):
    assert MaskRCNN(network(), class_name="car").card is CARDS["onnx_zoo"]
    path = network(normalises=True)
    assert MaskRCNN(path, class_name="car").card is CARDS["torchvision"]
    assert MaskRCNN(path, class_name="car", card="torchvision").card is CARDS["torchvision"]
    with pytest.raises(ValueError, match="card = 'onnx_zoo', but .*network.onnx normalises.*'torchvision'"):
        MaskRCNN(path, class_name="car", card="onnx_zoo")


@pytest.mark.parametrize("rank", [3, 4])
@pytest.mark.parametrize("sides", [("h", "w"), (32, 32)])
def test_torchvisions_exports_find_their_instances_unasked(network, rank, sides):
    segmenter = MaskRCNN(network(PASTED, rank=rank, normalises=True, sides=sides), class_name="car")
    masks = segmenter.detect(np.zeros((1, 32, 32, 3), np.uint8))[0]
    assert (masks > 0.5).sum(axis=(1, 2)).tolist() == [16 * 16, 16 * 8]


@pytest.mark.parametrize("rank", [3, 4])
def test_an_export_of_a_fixed_size_gives_masks_of_the_pictures_size(network, rank):
    segmenter = MaskRCNN(network(PASTED, rank=rank, normalises=True, sides=(32, 32)), class_name="car")
    masks = segmenter.detect(np.zeros((1, 48, 64, 3), np.uint8))[0]
    assert masks.shape == (2, 48, 64)
    assert (masks > 0.5).sum(axis=(1, 2)).tolist() == [16 * 16 * 3, 16 * 8 * 3]  # 1.5 times 2


def test_a_failure_inside_the_network_is_a_line_that_names_the_setting(network):
    segmenter = MaskRCNN(network(normalises=True, sides=(32, 32)), class_name="car")
    tensor = np.zeros((3, 16, 16), np.float32)
    with pytest.raises(ValueError, match=r"network.onnx fails on.*\(3, 16, 16\).*segmenter.card"):
        segmenter._outputs(tensor)


def card_of_32() -> mask_rcnn.Card:
    """The zoo's card for a frame of 32 pixels."""
    return mask_rcnn.Card(1.0, (0.0, 0.0, 0.0), True, 32, None, 1, "onnx_zoo")

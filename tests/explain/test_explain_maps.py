"""Receptive fields, occlusion, input gradient, Grad-CAM and nearest images of `cf.explain`."""

from __future__ import annotations

from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import models, nn
from cnnfast.datasets import ImageDataset
from cnnfast.explanation.grad_cam import grad_cam
from cnnfast.explanation.receptive_field import fields

Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(0)


def fully_linear() -> nn.Sequential:
    """Every value depends on all that it could depend on: no maxima, no zeros."""
    return nn.Sequential(
        {
            "pad": nn.Pad2d(1, "reflect"),
            "conv": nn.Conv2d(1, 2, 3, stride=2, dilation=2),
            "mean": nn.AdaptiveAvgPool2d((3, 2)),
            "up": nn.Upsample2d(2),
            "back": nn.ConvTranspose2d(2, 1, 3, stride=2, padding=1),
            "rest": nn.Residual(nn.Conv2d(1, 1, (1, 3), padding=(0, 1))),
            "flat": nn.Flatten(),
        },
        input_shape=(1, 11, 9),
        seed=0,
    )


@pytest.mark.parametrize("layer", ["pad", "conv", "mean", "up", "back", "add", "flat"])
def test_a_receptive_field_is_the_smallest_rectangle_of_pixels_that_change_a_value(layer: str) -> None:
    model = fully_linear().to("float64")
    x = RNG.standard_normal((1, 1, 11, 9))
    explanation = cf.explain(model, x)
    names = [name for name in explanation.network.names() if name.endswith(layer)]
    name = names[-1]
    y = explanation.network.values[explanation.network.find("", name)]
    changed = np.zeros((y.size, 11, 9), bool)
    for row in range(11):
        for column in range(9):
            other = x.copy()
            other[0, 0, row, column] += 1
            outputs = model.trace(other).outputs[name][0]
            changed[:, row, column] = (outputs != y).ravel()
    for flat in RNG.choice(y.size, 8, replace=False):
        rows, columns = np.nonzero(changed[flat].any(1))[0], np.nonzero(changed[flat].any(0))[0]
        index = tuple(int(i) for i in np.unravel_index(flat, y.shape))
        expected = ((rows[0], rows[-1] + 1), (columns[0], columns[-1] + 1))
        assert explanation.receptive_field(name, index) == expected, index


def test_receptive_fields_of_d4() -> None:
    explanation = cf.explain(models.d4(seed=0), np.zeros((28, 28), np.uint8))
    assert explanation.receptive_field("conv1", (0, 0, 0)) == ((0, 2), (0, 2))
    assert explanation.receptive_field("pool2", (0, 3, 3)) == ((9, 19), (9, 19))
    assert explanation.receptive_field("flatten", 24) == ((9, 19), (9, 19))
    assert explanation.receptive_field("hidden", 3) == ((0, 28), (0, 28))
    assert explanation.receptive_field("input", (0, 3, 4)) == ((3, 4), (4, 5))
    found = fields(explanation.network)
    assert [field is None for field in found] == [False] * 7 + [True] * 4


def corner_model() -> nn.Sequential:
    """Class 1 if there is ink in the upper left corner of 8x8 pixels."""
    model = nn.Sequential(
        {"conv": nn.Conv2d(1, 1, 1), "flat": nn.Flatten(), "full": nn.Linear(64, 2)}, input_shape=(1, 8, 8)
    )
    weight = np.zeros((2, 64), np.float32)
    weight[1, [0, 1, 8, 9]] = 4
    values = {"conv.weight": np.ones((1, 1, 1, 1), np.float32), "full.weight": weight}
    model.load_state_dict({**{k: np.zeros_like(v) for k, v in model.state_dict().items()}, **values})
    return model


@pytest.fixture
def ink() -> Array:
    image = np.zeros((8, 8), np.uint8)
    image[:2, :2] = 255
    image[5:7, 5:7] = 255
    return image


def test_hiding_what_decides_lowers_the_probability(ink: Array) -> None:
    hidden = cf.explain(corner_model(), ink).occlusion()
    assert hidden
    assert (hidden.target, hidden.size, hidden.text) == (1, (2, 2), "")
    assert hidden.before == pytest.approx(1 / (1 + np.exp(-16)), rel=1e-6)
    assert np.unravel_index(hidden.map.argmax(), (8, 8)) == (1, 1)
    assert hidden.map[1, 1] == pytest.approx(hidden.before - 0.5, abs=1e-6)
    assert not hidden.map[3:].any()


def test_an_occlusion_map_that_is_flat_says_so() -> None:
    hidden = cf.explain(corner_model(), np.zeros((8, 8), np.uint8)).occlusion()
    assert hidden
    assert hidden.text == "flat: hiding a square changes the result nowhere"


def test_a_large_image_is_hidden_in_steps() -> None:
    model = nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2), input_shape=(3, 64, 50), seed=0
    )
    hidden = cf.explain(model, RNG.integers(0, 256, (3, 64, 50), np.uint8)).occlusion()
    assert hidden
    assert hidden.map.shape == (64, 50)
    np.testing.assert_array_equal(hidden.map[::2, ::2], hidden.map[1::2, ::2])


def test_the_input_gradient_is_that_of_the_score(ink: Array) -> None:
    gradient = cf.explain(corner_model(), ink).input_gradient()
    assert gradient is not None
    assert gradient.shape == (1, 8, 8)
    assert sorted(map(tuple, np.argwhere(gradient[0] == 4))) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert np.count_nonzero(gradient) == 4


def test_the_score_of_class_0_of_a_binary_network_is_the_negative_output() -> None:
    model = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid(), input_shape=(2,), seed=0)
    x = np.ones(2, np.float32)
    yes, no = (cf.explain(model, x, target=target).input_gradient() for target in (1, 0))
    assert yes is not None
    assert no is not None
    np.testing.assert_allclose(yes, model.state_dict()["0.weight"][0], rtol=1e-12)
    np.testing.assert_allclose(no, -yes, rtol=1e-12)
    values = nn.Sequential(nn.Linear(2, 1), input_shape=(2,), seed=0)
    values.task = "regression"
    np.testing.assert_allclose(cf.explain(values, x).input_gradient(), yes, rtol=1e-12)


def test_grad_cam_is_the_weighted_sum_of_the_maps(ink: Array) -> None:
    explanation = cf.explain(corner_model(), ink)
    (found,) = explanation.grad_cam("conv")
    np.testing.assert_allclose(found.map, 4 * 4 / 64 * (ink / 255), rtol=1e-12)
    assert found.text == ""
    assert [cam.layer for cam in explanation.grad_cam()] == ["conv"]


@pytest.mark.parametrize(
    ("values", "gradients", "text"),
    [
        (1.0, 0.0, "zero: no gradient reaches this layer, so that the score does not change with its values"),
        (0.0, 1.0, "zero: the mean gradient of each active channel is zero"),
        (1.0, -1.0, "zero: every position speaks against the class, the weighted sum is negative everywhere"),
        (1.0, 1.0, "flat: all positions have the same value"),
        (np.nan, 1.0, "not finite: values or gradients of this layer are not"),
    ],
)
def test_a_grad_cam_map_that_shows_nothing_says_why(values: float, gradients: float, text: str) -> None:
    found = grad_cam("conv", np.full((2, 3, 3), values), np.full((2, 3, 3), gradients))
    assert found.text == text


def test_a_grad_cam_map_of_one_position_says_so() -> None:
    assert (
        grad_cam("gap", np.ones((2, 1, 1)), np.ones((2, 1, 1))).text
        == "flat: this layer has a single position"
    )


def test_grad_cam_of_a_layer_without_positions_is_refused(ink: Array) -> None:
    with pytest.raises(
        ValueError, match=r"^explain: the output of layer 'full' has no positions for a Grad-CAM map$"
    ):
        cf.explain(corner_model(), ink).grad_cam("full")


def test_maps_of_a_regression_or_of_an_output_with_positions_do_not_exist(ink: Array) -> None:
    explanation = cf.explain(nn.Sequential(nn.Conv2d(1, 2, 3), input_shape=(1, 8, 8), seed=0), ink)
    assert explanation.occlusion() is None
    assert explanation.input_gradient() is None
    assert explanation.grad_cam() == []


def test_sequences_have_maps_of_one_row() -> None:
    model = models.cnn1d(seed=0)
    explanation = cf.explain(model, RNG.standard_normal(model.input_shape or ()).astype(np.float32))
    hidden = explanation.occlusion()
    assert hidden
    assert hidden.map.shape == (1, 128)
    assert {cam.map.shape[0] for cam in explanation.grad_cam()} == {1}


def test_the_nearest_image_in_the_last_hidden_layer_is_the_image_itself() -> None:
    model = models.d4(seed=0)
    images = RNG.integers(0, 256, (700, 28, 28), np.uint8)
    train = ImageDataset(images, np.arange(700) % 10, tuple("abcdefghij"))
    explanation = cf.explain(model, images[613], train=train)
    near = explanation.neighbors(5)
    assert (near[0].row, near[0].label) == (613, "d")
    assert near[0].distance < 1e-5
    hidden = model.copy().to("float64").trace(images).outputs["relu3"]
    distances = np.linalg.norm(hidden - hidden[613], axis=1)
    assert [one.row for one in near] == np.argsort(distances)[:5].tolist()
    assert near[4].distance == pytest.approx(np.sort(distances)[4], rel=1e-4)
    np.testing.assert_array_equal(near[1].image, images[near[1].row][None])


def test_training_images_that_do_not_fit_are_refused() -> None:
    train = ImageDataset(np.zeros((2, 9, 9), np.uint8), np.array([0, 1]), ("a", "b"))
    image = np.zeros((28, 28), np.uint8)
    with pytest.raises(
        ValueError, match=r"^explain: train has images of \(1, 9, 9\), but the network reads \(1, 28, 28\)$"
    ):
        cf.explain(models.d4(seed=0), image, train=train).neighbors()
    with pytest.raises(TypeError, match=r"^explain: train must be an ImageDataset, got ndarray$"):
        cf.explain(models.d4(seed=0), image, train=image).neighbors()  # type: ignore[arg-type]

"""Plots of images: kernels, feature maps, confusion matrices; and of graphs."""

from __future__ import annotations

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import models, nn, plot
from cnnfast.nn import drawing
from cnnfast.plot import mosaic

from tests.support.refusal import refused

Figure = pytest.importorskip("matplotlib.figure", reason="matplotlib is not installed").Figure


def shown(ax: object) -> np.ndarray:  # type: ignore[type-arg]
    return np.ma.filled(ax.images[0].get_array(), np.nan)  # type: ignore[attr-defined]


def test_mosaic() -> None:
    images = np.arange(8.0).reshape(1, 2, 2, 2)
    np.testing.assert_array_equal(mosaic.mosaic(images), [[0, 1, np.nan, 4, 5], [2, 3, np.nan, 6, 7]])
    assert mosaic.in_rows(np.ones((9, 2, 2))).shape == (2, 8, 2, 2)
    assert np.isnan(mosaic.in_rows(np.ones((9, 2, 2)))[1, 1:]).all()
    assert mosaic.color_limits(np.array([-1.0, 3.0, np.nan, np.inf])) == (-3.0, 3.0)
    assert mosaic.color_limits(np.array([0.0, 3.0])) == (0.0, 3.0)
    assert mosaic.color_limits(np.array([np.nan, 0.0])) == (0.0, 1.0)


def test_kernels_of_one_channel() -> None:
    model = models.d4(seed=0)
    figure = model.plot_kernels()
    ax = figure.axes[0]
    assert ax.get_title() == "conv1 Conv2d: 8 kernels of 3x3"
    drawn = shown(ax)
    assert drawn.shape == (3, 8 * 4 - 1)
    np.testing.assert_array_equal(drawn[:, 12:15], model["conv1"].weight[3, 0])
    assert np.isnan(drawn[:, 3]).all()
    numbers = [text.get_text() for text in ax.texts]
    assert len(numbers) == 72
    assert numbers[0] == f"{model['conv1'].weight[0, 0, 0, 0]:.2f}".replace("-", "−")


@pytest.mark.slow
def test_kernels_of_many_channels() -> None:
    model = models.d4(seed=0)
    ax = Figure().subplots()
    assert plot.kernels(model, "conv2", most=4, ax=ax) is ax.figure
    assert ax.get_title() == "conv2 Conv2d: 128 kernels of 3x3, first 4 outputs and 4 inputs"
    drawn = shown(ax)
    assert drawn.shape == (15, 15)
    np.testing.assert_array_equal(drawn[8:11, 4:7], model["conv2"].weight[2, 1])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("input channel", "output channel")
    low, high = ax.images[0].get_clim()
    assert -low == high == np.abs(model["conv2"].weight[:4, :4]).max()


def test_kernels_of_colors() -> None:
    conv = nn.Conv2d(3, 2, 3, seed=0)
    drawn = shown(plot.kernels(conv).axes[0])
    weight = conv.weight[1]
    np.testing.assert_allclose(drawn[:, 4:7], 0.5 + 0.5 * (weight / np.abs(weight).max()).transpose(1, 2, 0))


def test_kernels_of_sequences_and_transposed_convolutions() -> None:
    conv = nn.Conv1d(4, 2, 5, seed=0)
    drawn = shown(conv.plot_kernels().axes[0])
    np.testing.assert_array_equal(drawn[:, 6:], conv.weight[1])
    transposed = nn.ConvTranspose2d(2, 5, 3, seed=0)  # weights (in, out, kernel)
    drawn = shown(transposed.plot_kernels().axes[0])
    np.testing.assert_array_equal(drawn[8:11, 4:7], transposed.weight[1, 2])


def test_kernels_errors() -> None:
    model = models.d4()
    names = "'conv1', 'relu1', 'pool1', 'conv2', 'relu2', 'pool2', 'flatten', 'hidden', 'relu3', 'output'"
    message = f"plot.kernels: the model has no layer 'con2'; there are {names}; did you mean 'conv2'?"
    with refused(ValueError, message):
        model.plot_kernels("con2")
    message = "plot.kernels: the layer 'hidden' is a Linear and has no kernels; 'conv1', 'conv2' have"
    with refused(ValueError, message):
        model.plot_kernels("hidden")
    with refused(ValueError, "plot.kernels: the model has no convolution, so no kernels"):
        models.mlp().plot_kernels()
    with refused(TypeError, "plot.kernels: model must be a Module, got str"):
        plot.kernels("d4")  # type: ignore[arg-type]
    with refused(TypeError, "plot.kernels: layer must be the name of a layer, got int"):
        model.plot_kernels(0)  # type: ignore[arg-type]


def test_feature_maps() -> None:
    data, model = cf.datasets.glyphs(1, seed=0), models.d4(seed=0, num_classes=26)
    image = data.images[0]
    figure = plot.feature_maps(model, image, ["input", "conv1", "pool2", "output"], most=12)
    outputs = model.trace(image[None]).outputs
    panels = [ax for ax in figure.axes if ax.get_title()]
    assert [ax.get_title() for ax in panels] == [
        "input (1, 28, 28)",
        "conv1 Conv2d (8, 28, 28)",
        "pool2 MaxPool2d (16, 7, 7), first 12",
        "output Linear (26,)",
    ]
    np.testing.assert_array_equal(shown(panels[0]), image)
    np.testing.assert_array_equal(shown(panels[1])[:, 31:59], outputs["conv1"][0, 1])
    np.testing.assert_array_equal(shown(panels[2])[8:, 8:15], outputs["pool2"][0, 9])
    np.testing.assert_array_equal(shown(panels[3])[0], outputs["output"][0])
    assert (panels[1].images[0].get_cmap().name, panels[2].images[0].get_cmap().name) == ("RdBu_r", "gray")


def test_feature_maps_by_default_are_those_of_convolutions() -> None:
    image = np.zeros((1, 28, 28), np.float32)
    titles = [ax.get_title() for ax in plot.feature_maps(models.d4(), image).axes if ax.get_title()]
    assert [title.split()[0] for title in titles] == ["input", "conv1", "conv2"]


@pytest.mark.slow
def test_feature_maps_of_a_color_image_and_many_layers() -> None:
    model = models.get("resnet20")
    image = np.random.default_rng(0).integers(0, 256, (3, 32, 32), np.uint8)
    figure = plot.feature_maps(model, image)
    assert len([ax for ax in figure.axes if ax.get_title()]) == 13
    np.testing.assert_allclose(shown(figure.axes[0]), image.transpose(1, 2, 0) / 255)


def test_feature_maps_of_a_lazy_network() -> None:
    model = nn.Sequential(nn.LazyConv2d(4, 3), input_shape=None)
    figure = plot.feature_maps(model, np.ones((1, 8, 8), np.float32), "0")
    assert figure.axes[0].get_title() == "0 Conv2d (4, 6, 6)"


def test_feature_maps_of_a_sequence() -> None:
    model, x = models.cnn1d(seed=0), np.ones((24, 128), np.float32)
    figure = plot.feature_maps(model, x, "0")
    np.testing.assert_array_equal(shown(figure.axes[0]), model.trace(x[None]).outputs["0"][0])


def test_feature_maps_errors() -> None:
    image = np.zeros((28, 28), np.uint8)
    with refused(ValueError, "plot.feature_maps: layers must name a layer, got list without names"):
        plot.feature_maps(models.d4(), image, [])
    with pytest.raises(
        ValueError, match=r"^plot.feature_maps: the model has no layer 'conv'; there are 'input', "
    ):
        plot.feature_maps(models.d4(), image, "conv")
    with pytest.raises(ValueError, match=r"^Sequential: x must have shape \(n, 1, 28, 28\)"):
        plot.feature_maps(models.d4(), np.zeros((9, 9), np.uint8))
    with refused(TypeError, "plot.feature_maps: model must be a Module, got None"):
        plot.feature_maps(None, image)  # type: ignore[arg-type]


def test_confusion_matrix() -> None:
    model, data = models.d4(seed=0, num_classes=26), cf.datasets.glyphs(60, seed=0)
    result = cf.evaluate(model, data)
    assert isinstance(result, cf.Evaluation)
    ax = result.plot().axes[0]
    rows = np.maximum(result.confusion.sum(axis=1, keepdims=True), 1)
    np.testing.assert_array_equal(shown(ax), result.confusion / rows)
    assert sum(int(text.get_text()) for text in ax.texts) == 60
    assert [label.get_text() for label in ax.get_yticklabels()] == list(data.classes)


def test_class_names_are_no_formulas() -> None:
    figure = plot.confusion_matrix(np.eye(2, dtype=int), ["$x", "\\frac{$"])
    figure.draw_without_rendering()
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["$x", "\\frac{$"]


def test_confusion_matrix_errors() -> None:
    with refused(
        ValueError, "plot.confusion_matrix: result must be counts (classes, classes), got shape (2, 3)"
    ):
        plot.confusion_matrix(np.ones((2, 3), int))
    with refused(ValueError, "plot.confusion_matrix: classes must be 2 names, got 1"):
        plot.confusion_matrix(np.eye(2, dtype=int), ["a"])
    with pytest.raises(
        TypeError, match=r"must be an Evaluation of a classifier or a matrix of integers, got "
    ):
        plot.confusion_matrix(np.ones((2, 2)))


def test_graph() -> None:
    model = models.get("resnet20")
    ax = plot.graph(model).axes[0]
    title, boxes, layout = drawing.boxes_of(model, "test")
    assert ax.get_title() == title
    texts = [text.get_text() for text in ax.texts]
    assert texts == [line for box in boxes for line in box.lines]
    kinds = [type(patch).__name__ for patch in ax.patches]
    assert kinds.count("FancyBboxPatch") == len(boxes)
    assert kinds.count("PathPatch") == kinds.count("Polygon") == len(layout.paths)
    with refused(ValueError, "plot.graph: needs an input_shape, this module has none of its own"):
        plot.graph(nn.Sequential(nn.ReLU()))

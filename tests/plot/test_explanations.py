"""Plots that show arithmetic: windows of convolutions, influences, dimensions, neurons."""

from __future__ import annotations

import re

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import models, nn, plot

from tests.support.refusal import refused

Figure = pytest.importorskip("matplotlib.figure", reason="matplotlib is not installed").Figure


def value_in(title: str) -> float:
    """The result of an equation."""
    return float(title.replace("−", "-").rpartition("= ")[2])


@pytest.mark.parametrize(
    ("conv", "at"),
    [
        (nn.Conv2d(2, 4, 3, padding=1, seed=0), (3, 0, 5)),
        (nn.Conv2d(2, 4, (3, 2), 2, padding=((0, 1), (2, 0)), groups=2, seed=1), (2, 1, 3)),
        (nn.Conv2d(2, 3, 3, dilation=2, bias=False, seed=2), (1, 2, 3)),
    ],
)
def test_window_is_what_the_layer_computes(conv: nn.Conv2d, at: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    model = nn.Sequential(a=nn.ReLU(), b=conv, c=nn.ReLU(), input_shape=(2, 8, 9))
    x = rng.standard_normal((2, 8, 9)).astype(np.float32)
    channel, row, column = at
    figure = plot.window(model, x, channel=channel, row=row, column=column)
    title = figure.get_suptitle()
    assert title.startswith(f"b[{channel}, {row}, {column}]: sum of ")
    assert abs(value_in(title) - model.trace(x[None]).outputs["b"][0][at]) < 1e-4


def test_window_reads_the_normalized_image() -> None:
    data, model = cf.datasets.glyphs(1, seed=0), models.d4(seed=0)
    figure = plot.window(model, data.images[0], "conv1", channel=3, row=8, column=14)
    _, window, kernel, products = figure.axes
    x = (np.pad(data.images[0] / 255.0, 1, constant_values=0.1307)[8:11, 14:17] - 0.1307) / 0.3081
    np.testing.assert_allclose(window.images[0].get_array(), x, atol=1e-6)
    np.testing.assert_array_equal(kernel.images[0].get_array(), model["conv1"].weight[3, 0])
    np.testing.assert_allclose(products.images[0].get_array(), x * model["conv1"].weight[3, 0], atol=1e-6)
    (frame,) = figure.axes[0].patches
    assert (frame.get_xy(), frame.get_width(), frame.get_height()) == ((13.5, 7.5), 3, 3)


def test_window_errors() -> None:
    image = np.zeros((28, 28), np.uint8)
    with refused(
        ValueError, "plot.window: the layer 'conv1' has outputs (8, 28, 28), got the index (8, 0, 0)"
    ):
        plot.window(models.d4(), image, channel=8)
    with refused(ValueError, "plot.window: the layer '0' is a Conv1d, only Conv2d is drawn"):
        plot.window(models.cnn1d(), np.zeros((24, 128), np.float32))


def drawn_numbers(ax: object) -> list[float]:
    return [float(text.get_text().replace("−", "-")) for text in ax.texts]  # type: ignore[attr-defined]


def test_influence_of_a_pixel_on_a_convolution() -> None:
    conv, rng = nn.Conv2d(1, 1, 2, bias=False), np.random.default_rng(0)
    conv.weight = np.array([[[[1, 2], [3, 4]]]], np.float32)
    x = rng.integers(0, 9, (1, 3, 3)).astype(float)
    dy = np.array([[[5.0, 6], [7, 8]]])
    figure = plot.influence(conv, x, (0, 1, 1), dy=dy)
    _, slopes, right = figure.axes
    assert drawn_numbers(slopes) == [4, 3, 2, 1]  # the kernel, flipped
    assert drawn_numbers(right) == [5, 6, 7, 8]
    assert figure.get_suptitle() == "dx[0, 1, 1] = 4·5 + 3·6 + 2·7 + 1·8 = 60"
    dx = cf.functional.conv2d_backward(dy[None], x[None], conv.weight.astype(float), bias=False)[0]
    assert dx[0, 0, 1, 1] == 60
    assert len(figure.artists) == 4  # arrows
    assert conv.dtype == np.float32


@pytest.mark.parametrize(
    ("layer", "position", "title"),
    [
        (nn.MaxPool2d(2), (0, 0, 1), "dx[0, 0, 1] = 1·10 = 10"),
        (nn.MaxPool2d(2), (0, 0, 0), "dx[0, 0, 0] = 0"),
        (nn.AvgPool2d(2), (0, 1, 3), "dx[0, 1, 3] = 0.25·(−20) = −5"),
    ],
)
def test_influence_of_a_pixel_on_a_pool(layer: nn.Module, position: tuple[int, ...], title: str) -> None:
    x = np.array([[[1.0, 5, 2, 0], [3, 4, 8, 6]]])
    figure = plot.influence(layer, x, position, dy=np.array([[[10.0, -20]]]))
    assert figure.get_suptitle() == title


def test_influence_in_a_sequence_with_channels() -> None:
    layer, rng = nn.Conv1d(2, 3, 2, seed=0), np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 6)), rng.standard_normal((3, 5))
    title = plot.influence(layer, x, (1, 2), dy=dy).get_suptitle()
    layer = layer.to("float64")
    layer.forward(x[None])
    assert value_in(title) == pytest.approx(layer.backward(dy[None])[0, 1, 2], abs=1e-3)
    assert len(re.findall("·", title)) == 6


def test_influence_errors() -> None:
    with refused(ValueError, "plot.influence: position must be an index of x (1, 2, 2), got (0, 2, 0)"):
        plot.influence(nn.ReLU(), np.ones((1, 2, 2)), (0, 2, 0))
    with refused(ValueError, "plot.influence: dy must have the shape of the output (1, 2, 2), got (4,)"):
        plot.influence(nn.ReLU(), np.ones((1, 2, 2)), (0, 0, 0), dy=np.ones(4))
    with refused(ValueError, "plot.influence: x must be small, got (1, 40, 40) with outputs (1, 40, 40)"):
        plot.influence(nn.ReLU(), np.ones((1, 40, 40)), (0, 0, 0))


def test_dimensions() -> None:
    ax = Figure().subplots()
    plot.dimensions((5,), (4, 5), (3, 4, 5), (2, 3, 4, 5), names=list("abcd"), ax=ax)
    planes = 1 + 1 + 3 + 2 * 3
    assert len(ax.patches) == 5 + 20 + 60 + 120 + planes
    assert [text.get_text() for text in ax.texts][-1] == "d\n(2, 3, 4, 5)"
    message = (
        "plot.dimensions: a shape must have 1 to 4 extents, up to 16 cells and 8 planes, got (1, 1, 1, 1, 1)"
    )
    with refused(ValueError, message):
        plot.dimensions((1,) * 5)
    with refused(ValueError, "plot.dimensions: names must be 1, one for each shape, got 2"):
        plot.dimensions((1,), names=["a", "b"])
    with refused(ValueError, "plot.dimensions: needs at least one shape"):
        plot.dimensions()


def test_neurons() -> None:
    figure = plot.neurons([["a", "b", "…"], ["c", "d"]], [(0, 0, 1)], colors=[[0, 0, 0], [1, 2]])
    (ax,) = figure.axes
    assert len(ax.patches) == 4  # no circle for the gap
    (line,) = ax.lines
    assert list(line.get_ydata()) == [1.0, -0.5]
    assert ax.patches[2].get_edgecolor() != ax.patches[3].get_edgecolor()
    with refused(ValueError, "plot.neurons: there is no edge (0, 0, 2) between these layers"):
        plot.neurons([["a"], ["b"]], [(0, 0, 2)])
    with refused(ValueError, "plot.neurons: colors must be [1, 1] numbers, as there are neurons"):
        plot.neurons([["a"], ["b"]], colors=[[1]])
    with refused(ValueError, "plot.neurons: needs at least one layer, and a neuron in each"):
        plot.neurons([[]])

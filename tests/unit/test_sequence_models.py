"""`cnn1d` and `scanning_mlp`: sizes, refusals, and the convolutions by definition in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import models, nn
from cnnfast.nn.summary import rows

from tests.support.refusal import refused


def test_cnn1d_of_the_exercise():
    model = models.cnn1d()
    assert [row.output_shape for row in rows(model)][::2] == [(56, 124), (28, 60), (14, 30), (420,)]
    assert [row.parameters for row in rows(model) if row.parameters] == [6_776, 9_436, 798, 4_210]
    assert model.num_parameters() == 21_220


def test_cnn1d_computes_the_size_of_its_last_layer(rng):
    for _ in range(20):
        depth = int(rng.integers(0, 4))
        channels, kernels, strides = (rng.integers(1, 6, depth).tolist() for _ in range(3))
        width = 100 + int(rng.integers(9))
        model = models.cnn1d(width, channels, kernels, strides, [nn.ReLU] * depth, 7, in_channels=3)
        length = width
        for kernel, stride in zip(kernels, strides, strict=True):
            length = (length - kernel) // stride + 1
        assert model[-1].weight.shape == (7, length * [3, *channels][-1])
        assert model(np.zeros((2, 3, width), np.float32)).shape == (2, 7)


def test_cnn1d_by_definition(rng):
    """The course's order: bias, convolution, activation; flattened by channels."""
    activations = [nn.Tanh, lambda: nn.LeakyReLU(0.2)]
    model = models.cnn1d(31, [5, 4], [4, 3], [3, 2], activations, 6, seed=2, in_channels=3).to("float64")
    x = rng.standard_normal((2, 3, 31))
    w = model.state_dict()
    h = np.tanh(convolved(x, w["0.weight"], w["0.bias"], 3))
    h = convolved(h, w["2.weight"], w["2.bias"], 2)
    h = np.where(h > 0, h, 0.2 * h).reshape(2, -1)
    np.testing.assert_allclose(model(x), h @ w["5.weight"].T + w["5.bias"], rtol=1e-12, atol=1e-13)


def convolved(x, weight, bias, stride):
    kernel = weight.shape[2]
    starts = range(0, x.shape[2] - kernel + 1, stride)
    windows = np.stack([x[:, :, start : start + kernel] for start in starts], axis=1)
    return np.einsum("nlck,ock->nol", windows, weight) + bias[:, None]


def test_cnn1d_refuses_settings_of_different_lengths():
    with refused(
        ValueError,
        "cnn1d: needs one value of each setting per convolution, got 3 channels, 2 kernel_sizes, 3 strides, "
        "3 activations",
    ):
        models.cnn1d(kernel_sizes=(5, 6))


def test_cnn1d_names_the_kernel_that_does_not_fit():
    with refused(
        ValueError, 'layer "2": Conv1d: a kernel of 6 does not fit input (56, 5) [c, l]; need l >= 6'
    ):
        models.cnn1d(9)


@pytest.mark.parametrize(("variant", "parameters"), [("simple", 1_756), ("distributed", 206)])
def test_scanning_mlp(variant, parameters):
    model = models.scanning_mlp(variant=variant)
    assert model.num_parameters() == parameters
    assert model.input_shape == (24, 128)
    assert model[-2].weight.shape[0] == 4
    assert model.output_shape == (31 * 4,)
    assert models.scanning_mlp(variant=variant, num_classes=5).output_shape == (5,)
    small = models.scanning_mlp(variant=variant, in_channels=2, input_width=8)
    assert small.output_shape == (4,)


def test_scanning_mlp_simple_is_an_mlp_on_every_window(rng):
    model = models.scanning_mlp(seed=3).to("float64")
    x, w = rng.standard_normal((2, 24, 128)), model.state_dict()
    outputs = []
    for start in range(0, 121, 4):
        h = x[:, :, start : start + 8].reshape(2, 192)  # channel by channel
        for layer, neurons in ((0, 8), (2, 16), (4, 4)):
            h = np.maximum(h, 0) if layer else h
            h = h @ w[f"{layer}.weight"].reshape(neurons, -1).T + w[f"{layer}.bias"]
        outputs.append(h)
    np.testing.assert_allclose(model(x), np.stack(outputs, axis=2).reshape(2, 124), rtol=1e-12, atol=1e-13)


def test_scanning_mlp_distributed_is_an_mlp_on_every_window(rng):
    """On each window: 2 neurons for each of 4 pairs of steps, 8 for each of 2 pairs of those, 4 for all."""
    model = models.scanning_mlp(seed=3, variant="distributed").to("float64")
    x, w = rng.standard_normal((2, 24, 128)), model.state_dict()

    def pairs(h, layer):
        """The same neurons for each pair of neighbors; h is (2, channels, positions)."""
        columns = [h[:, :, i : i + 2].reshape(2, -1) for i in range(0, h.shape[2], 2)]
        matrix, bias = w[f"{layer}.weight"], w[f"{layer}.bias"]
        return np.stack([column @ matrix.reshape(len(matrix), -1).T + bias for column in columns], axis=2)

    outputs = []
    for start in range(0, 121, 4):
        h = np.maximum(pairs(x[:, :, start : start + 8], 0), 0)
        h = np.maximum(pairs(h, 2), 0)
        outputs.append(pairs(h, 4))
    np.testing.assert_allclose(model(x), np.concatenate(outputs, 2).reshape(2, 124), rtol=1e-12, atol=1e-13)


def test_scanning_mlp_refuses():
    with refused(ValueError, "scanning_mlp: variant must be 'simple' or 'distributed', got 'both'"):
        models.scanning_mlp(variant="both")
    with refused(
        ValueError, 'layer "0": Conv1d: a kernel of 8 does not fit input (24, 7) [c, l]; need l >= 8'
    ):
        models.scanning_mlp(input_width=7)

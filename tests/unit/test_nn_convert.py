"""One network written as another: the same outputs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from cnnfast import nn
from cnnfast.nn import convert

from tests.support.refusal import refused

Array = np.ndarray[Any, Any]
Rng = np.random.Generator


def scan(x: Array, matrices: Sequence[Array], biases: Sequence[Array], step: int, outer: str) -> Array:
    """The MLP moved along each line of x (n, c, l), by definition: (n, outputs, places)."""
    n, channels, length = x.shape
    positions = matrices[0].shape[1] // channels
    columns = []
    for start in range(0, length - positions + 1, step):
        window = x[:, :, start : start + positions]
        h = (window.transpose(0, 2, 1) if outer == "positions" else window).reshape(n, -1)
        for i, (w, b) in enumerate(zip(matrices, biases, strict=True)):
            h = (np.maximum(h, 0) if i else h) @ w.T + b
        columns.append(h)
    return np.stack(columns, axis=2)


def whole_matrix(block: Array, seen: int, step: int, outer: str) -> Array:
    """The matrix of a layer that repeats its block (out, in, kernel) over `seen` positions."""
    out, ins, kernel = block.shape
    made = (seen - kernel) // step + 1
    parts = np.zeros((made, out, seen, ins), block.dtype)
    for p in range(made):
        parts[p, :, p * step : p * step + kernel] = block.transpose(0, 2, 1)
    if outer == "positions":
        return parts.reshape(made * out, seen * ins)
    return parts.transpose(1, 0, 3, 2).reshape(out * made, ins * seen)


def flat(block: Array, outer: str) -> Array:
    """The matrix of one block."""
    return (block.transpose(0, 2, 1) if outer == "positions" else block).reshape(len(block), -1)


def repeated(bias: Array, made: int, outer: str) -> Array:
    return np.tile(bias, made) if outer == "positions" else np.repeat(bias, made)


@pytest.mark.parametrize("order", ["out_in", "in_out"])
@pytest.mark.parametrize("outer", ["positions", "channels"])
@pytest.mark.parametrize("step", [1, 4])
def test_simple_scan(step: int, outer: Any, order: Any, dtype: str, rng: Rng) -> None:
    sizes = (5 * 7, 8, 16, 3)
    matrices = [rng.standard_normal((b, a)).astype(dtype) for a, b in pairwise(sizes)]
    biases = [rng.standard_normal(len(m)).astype(dtype) for m in matrices]
    given = matrices if order == "out_in" else [m.T for m in matrices]
    model = convert.scanning_mlp_to_cnn(given, biases, in_channels=7, strides=step, order=order, outer=outer)
    x = rng.standard_normal((3, 7, 22)).astype(dtype)
    want = scan(x, matrices, biases, step, outer)
    got = model(x)
    assert got.dtype == dtype
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, atol=1e-4 if dtype == "float32" else 1e-12)


#: channels, kernels and strides of the layers; the first is that of the course
DISTRIBUTED = [
    ((24, 2, 8, 4), (2, 2, 2), (2, 2, 1)),
    ((3, 5, 4), (3, 2), (1, 1)),
    ((2, 3, 4, 6), (2, 1, 3), (2, 1, 2)),
]


@pytest.mark.parametrize("blocks", [False, True])
@pytest.mark.parametrize("outer", ["positions", "channels"])
@pytest.mark.parametrize(("channels", "kernels", "strides"), DISTRIBUTED)
def test_distributed_scan(
    channels: tuple[int, ...],
    kernels: tuple[int, ...],
    strides: tuple[int, ...],
    outer: Any,
    blocks: bool,
    rng: Rng,
) -> None:
    """The MLP of whole matrices, moved along; as a CNN from those matrices, or from one block of each."""
    positions = 1
    for kernel, stride in zip(reversed(kernels), reversed((*strides[:-1], 1)), strict=True):
        positions = (positions - 1) * stride + kernel
    filters = [
        rng.standard_normal((b, a, k)) for a, b, k in zip(channels, channels[1:], kernels, strict=False)
    ]
    offsets = [rng.standard_normal(len(f)) for f in filters]
    matrices, biases = [], []
    for block, offset, stride in zip(filters, offsets, strides, strict=True):
        matrices.append(whole_matrix(block, positions, stride, outer))
        positions = (positions - block.shape[2]) // stride + 1
        biases.append(repeated(offset, positions, outer))
    x = rng.standard_normal((2, channels[0], 40))
    want = scan(x, matrices, biases, int(np.prod(strides)), outer)
    model = convert.scanning_mlp_to_cnn(
        [flat(f, outer) for f in filters] if blocks else matrices,
        offsets if blocks else biases,
        in_channels=channels[0],
        kernel_sizes=kernels,
        strides=strides,
        outer=outer,
    )
    assert model.num_parameters() == sum(f.size + len(f) for f in filters), "weights are shared"
    np.testing.assert_allclose(model(x)[:, :, : want.shape[2]], want, atol=1e-12)
    assert model(x).shape == want.shape


def test_shapes_of_the_course() -> None:
    """Homework 2: an MLP of 8 x 24 inputs, 8, 16 and 4 neurons, moved by 4 along 128 positions."""
    w = [np.ones(s, np.float32) for s in ((192, 8), (8, 16), (16, 4))]
    model = convert.scanning_mlp_to_cnn(w, in_channels=24, strides=4, order="in_out")
    assert model(np.zeros((1, 24, 128), np.float32)).shape == (1, 4, 31)


def test_other_activations_and_none() -> None:
    w = [np.ones((3, 4)), np.ones((2, 3))]
    plain = convert.scanning_mlp_to_cnn(w, in_channels=2, activation=None)
    assert [type(layer).__name__ for layer in plain] == ["Conv1d", "Conv1d"]
    smooth = convert.scanning_mlp_to_cnn(w, in_channels=2, activation=lambda: nn.GELU("tanh"))
    assert [type(layer).__name__ for layer in smooth] == ["Conv1d", "GELU", "Conv1d"]


@pytest.mark.parametrize("shape", [(3, 4, 5), (6, 10)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_over_a_map_is_a_convolution_and_back(
    shape: tuple[int, ...], bias: bool, dtype: str, rng: Rng
) -> None:
    linear = nn.Linear(60, 7, bias=bias, seed=1).to(dtype)
    conv = convert.linear_to_conv(linear, shape)
    x = rng.standard_normal((4, *shape)).astype(dtype)
    want = linear(x.reshape(4, -1))
    got = conv(x)
    assert got.dtype == dtype
    assert got.shape == (4, 7, *(1,) * (len(shape) - 1))
    np.testing.assert_allclose(got.reshape(4, 7), want, atol=1e-5 if dtype == "float32" else 1e-13)
    back = convert.conv_to_linear(conv)
    assert back.to_config() == linear.to_config()
    for name, value in back.state_dict().items():
        np.testing.assert_array_equal(value, linear.state_dict()[name])
    wider = np.concatenate([x, x[..., :1]], axis=-1)  # at every place of a larger map
    np.testing.assert_allclose(conv(wider)[..., 0].reshape(4, 7), want, atol=1e-5)


def matrices(*sizes: int) -> list[Array]:
    return [np.ones((b, a), np.float32) for a, b in pairwise(sizes)]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"weights": []}, "needs at least one layer"),
    ({"weights": [np.ones(3)]}, "weights of layer 0 must be a matrix, got shape (3,)"),
    (
        {"weights": matrices(7, 2)},
        "the first layer reads 7 values, which is not a multiple of 3 channels",
    ),
    (
        {"weights": [*matrices(6, 4), *matrices(5, 2)]},
        "layer 1 must see 4 values (1 positions of 4), its matrix has 5",
    ),
    (
        {"weights": matrices(6, 4, 2), "kernel_sizes": [2]},
        "kernel_sizes must have one entry for each of 2 layers, got 1",
    ),
    (
        {"weights": matrices(6, 4, 2), "biases": [np.ones(4)]},
        "biases must have one entry for each of 2 layers, got 1",
    ),
    ({"weights": matrices(6, 4), "biases": [np.ones(3)]}, "layer 0 must have 4 biases, got shape (3,)"),
    (
        {"weights": matrices(12, 4, 2), "kernel_sizes": [2, 2], "strides": [2, 1]},
        "layer 0 is not the same block of 2 positions, repeated every 2, and 0 elsewhere",
    ),
    (
        {"weights": matrices(12, 5, 2), "kernel_sizes": [2, 2], "strides": [2, 1]},
        "layer 0 has 5 outputs, which 2 positions cannot share",
    ),
    (
        {"weights": matrices(12, 4), "kernel_sizes": [5]},
        "layer 0 has a kernel of 5, but only 4 positions below it",
    ),
    ({"weights": matrices(6, 4), "order": "oi"}, 'order must be "out_in" or "in_out", got \'oi\''),
    ({"weights": matrices(6, 4), "outer": "time"}, 'outer must be "positions" or "channels", got \'time\''),
]


@pytest.mark.parametrize(("arguments", "text"), REFUSED)
def test_scans_that_do_not_fit(arguments: dict[str, Any], text: str) -> None:
    with refused(ValueError, f"scanning_mlp_to_cnn: {text}"):
        convert.scanning_mlp_to_cnn(in_channels=3, **arguments)


def test_repeated_blocks_that_leave_positions_over() -> None:
    block = np.ones((2, 3, 2), np.float32)
    with refused(
        ValueError, "scanning_mlp_to_cnn: the last layer must have one position left, kernel_sizes leave 2"
    ):
        weights = [whole_matrix(block, 4, 2, "positions")]
        convert.scanning_mlp_to_cnn(weights, in_channels=3, kernel_sizes=[2], strides=[2])


def test_biases_that_differ_between_positions() -> None:
    first = whole_matrix(np.ones((2, 3, 2), np.float32), 4, 2, "positions")
    weights, biases = [first, np.ones((1, 4), np.float32)], [np.array([1.0, 2, 1, 3]), None]
    with refused(ValueError, "scanning_mlp_to_cnn: layer 0 has biases that differ between its positions"):
        convert.scanning_mlp_to_cnn(weights, biases, in_channels=3, kernel_sizes=[2, 2], strides=[2, 1])


def test_maps_that_do_not_fit() -> None:
    linear = nn.Linear(60, 2)
    for call, error, text in [
        (
            *(lambda: convert.linear_to_conv(linear, (3, 4, 4)), ValueError),
            "linear_to_conv: input_shape (3, 4, 4) has 48 values, Linear takes 60",
        ),
        (
            *(lambda: convert.linear_to_conv(linear, (60,)), ValueError),
            "linear_to_conv: input_shape must be (c, h, w) or (c, l), got (60,)",
        ),
        (
            *(lambda: convert.linear_to_conv(nn.ReLU(), (60,)), TypeError),
            "linear_to_conv: linear must be a Linear, got ReLU",
        ),
        (
            *(lambda: convert.conv_to_linear(linear), TypeError),
            "conv_to_linear: conv must be a Conv1d or Conv2d, got Linear",
        ),
        (
            *(lambda: convert.conv_to_linear(nn.Conv2d(2, 2, 3, padding=1)), ValueError),
            "conv_to_linear: padding must be 0 everywhere, got Conv2d(2, 2, 3, padding=1)",
        ),
        (
            *(lambda: convert.conv_to_linear(nn.Conv1d(2, 2, 3, groups=2)), ValueError),
            "conv_to_linear: groups must be 1 everywhere, got Conv1d(2, 2, 3, groups=2)",
        ),
    ]:
        with refused(error, text):
            call()

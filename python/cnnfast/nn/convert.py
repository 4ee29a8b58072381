"""Conversion to equivalent networks: an MLP that scans a sequence to a stack of convolutions, a `Linear` over
a full map to a convolution, and back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from .._checks import check_integer, refuse_masked
from .._types import Array
from .activation import ReLU
from .convolution import Conv1d, Conv2d
from .layer import Layer
from .linear import Linear
from .module import Module
from .sequential import Sequential

Order = Literal["out_in", "in_out"]
Outer = Literal["positions", "channels"]
L = TypeVar("L", bound=Layer)


def scanning_mlp_to_cnn(
    weights: Sequence[Array],
    biases: Sequence[Array | None] | None = None,
    *,
    in_channels: int,
    kernel_sizes: Sequence[int] | None = None,
    strides: int | Sequence[int] = 1,
    order: Order = "out_in",
    outer: Outer = "positions",
    activation: Callable[[], Module] | None = ReLU,
) -> Sequential:
    """Convert an MLP that scans a sequence to the equivalent stack of Conv1d.

    At each step the MLP reads a window of the sequence, flattened. In the simple form, the first layer
    becomes a convolution whose kernel is the window, each further layer one with kernel 1. In the distributed
    form the neurons of a lower layer read only a part of the window, and the same neurons are repeated for
    each part; then a higher layer reads several positions of the lower one.

    Args:
        weights: One matrix for each layer of the MLP. For the distributed form either the matrices of the
            whole MLP, in which the repeated neurons are repeated blocks and everything else is 0, or one
            block of each.
        biases: One vector for each layer (of the whole layer, or of one block), None for a layer without;
            None for none at all.
        in_channels: Values at each position of the sequence.
        kernel_sizes: Positions of the layer below that a neuron of each layer reads; None for the simple
            form, whose window follows from the first matrix.
        strides: Step of each layer, counted in positions of the layer below; one number for the simple form,
            where it is the step of the scan. The step of the scan is the product of all.
        order: Layout of the matrices: "out_in" as in `Linear` and PyTorch (y = W x), "in_out" as in y = x W,
            used in the course.
        outer: Order of the flattened window: "positions" for all channels of the first position, then those
            of the second, and so on (used in the course; a window of shape (time, channels) flattened),
            "channels" for all positions of the first channel first (as `Flatten`).
        activation: Returns the layer between two layers; None for nothing.

    Returns:
        A Sequential that takes (n, in_channels, length). Position t of its output is the MLP's output for the
        window that starts at t times the step of the scan. float64 if a matrix is, else float32.

    Raises:
        ValueError: Matrices that do not fit each other; a first matrix whose inputs are not a multiple of
            `in_channels`; repeated blocks that differ, or values outside of them that are not 0.

    Source: CMU 11-785, Introduction to Deep Learning, homework 2 part 1: CNN as a simple and as a distributed
    scanning MLP; Waibel et al. 1989, Phoneme recognition using time-delay neural networks.

    Example:
        An MLP of 8 positions with 24 values each, moved by 4:

        >>> from cnnfast.nn import convert
        >>> rng = np.random.default_rng(0)
        >>> w = [rng.standard_normal(s).astype("float32") for s in ((192, 8), (8, 16), (16, 4))]
        >>> convert.scanning_mlp_to_cnn(w, in_channels=24, strides=4, order="in_out")
        Sequential(
          (0): Conv1d(24, 8, 8, stride=4, bias=False)
          (1): ReLU()
          (2): Conv1d(8, 16, 1, bias=False)
          (3): ReLU()
          (4): Conv1d(16, 4, 1, bias=False)
        )
    """
    layers = _layers(weights, biases, in_channels, kernel_sizes, strides, order, outer)
    modules: list[Module] = []
    for layer in layers:
        if modules and activation is not None:
            modules.append(activation().to(layer.weight.dtype.name))
        modules.append(layer.conv())
    return Sequential(*modules)


def linear_to_conv(linear: Linear, input_shape: Sequence[int]) -> Conv1d | Conv2d:
    """The convolution equivalent to `linear` after Flatten for a map (c, h, w) or sequence (c, l).

    Its kernel is the whole map; on larger maps it applies the same `Linear` at every position.

    Args:
        linear: A `Linear` whose in_features is the number of values of the map.
        input_shape: (c, h, w) or (c, l).

    Returns:
        Conv2d(c, out_features, (h, w)) or Conv1d(c, out_features, l), of the dtype of `linear`; for one map
        the output is (n, out_features, 1, 1) or (n, out_features, 1).

    Raises:
        TypeError: Not a `Linear`.
        ValueError: A shape of other axes, or of another number of values.

    Source: Long, Shelhamer and Darrell 2015, Fully convolutional networks, arXiv:1411.4038.

    Example:
        >>> from cnnfast import nn
        >>> nn.convert.linear_to_conv(nn.Linear(3136, 10), (64, 7, 7))
        Conv2d(64, 10, 7)
    """
    who = "linear_to_conv"
    if not isinstance(linear, Linear):
        raise TypeError(f"{who}: linear must be a Linear, got {type(linear).__name__}")
    shape = tuple(check_integer(who, "input_shape", extent, 1) for extent in input_shape)
    if len(shape) not in (2, 3):
        raise ValueError(f"{who}: input_shape must be (c, h, w) or (c, l), got {shape}")
    out, features = linear.weight.shape
    if int(np.prod(shape)) != features:
        raise ValueError(
            f"{who}: input_shape {shape} has {int(np.prod(shape))} values, Linear takes {features}"
        )
    bias = linear.bias is not None
    conv: Conv1d | Conv2d
    if len(shape) == 3:
        conv = Conv2d(shape[0], out, (shape[1], shape[2]), bias=bias)
    else:
        conv = Conv1d(shape[0], out, shape[1], bias=bias)
    return _filled(conv, linear.weight.reshape(conv.weight.shape), linear.bias)


def conv_to_linear(conv: Conv1d | Conv2d) -> Linear:
    """The `Linear` that, after Flatten, is equivalent to `conv` on a map of the size of its kernel.

    Args:
        conv: A convolution without padding, dilation and groups.

    Returns:
        Linear(in_channels * kernel, out_channels), of the dtype of `conv`.

    Raises:
        TypeError: Not a convolution.
        ValueError: A convolution that pads, dilates or has groups.

    Example:
        >>> from cnnfast import nn
        >>> nn.convert.conv_to_linear(nn.Conv2d(64, 10, 7))
        Linear(3136, 10)
    """
    who = "conv_to_linear"
    if not isinstance(conv, Conv1d | Conv2d):
        raise TypeError(f"{who}: conv must be a Conv1d or Conv2d, got {type(conv).__name__}")
    settings = conv.to_config()
    for name, usual in (("padding", 0), ("dilation", 1), ("groups", 1)):
        if np.any(np.asarray(settings[name]) != usual):
            raise ValueError(f"{who}: {name} must be {usual} everywhere, got {conv!r}")
    weight = conv.weight.reshape(len(conv.weight), -1)
    linear = Linear(weight.shape[1], weight.shape[0], bias=conv.bias is not None)
    return _filled(linear, weight, conv.bias)


# --- the layers of a scan ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layer:
    """One layer as a convolution."""

    weight: Array  # (out, in, kernel)
    bias: Array | None
    stride: int

    def conv(self) -> Conv1d:
        out, ins, kernel = self.weight.shape
        conv = Conv1d(ins, out, kernel, self.stride, bias=self.bias is not None)
        return _filled(conv, self.weight, self.bias)


def _layers(
    weights: Sequence[Array],
    biases: Sequence[Array | None] | None,
    in_channels: int,
    kernel_sizes: Sequence[int] | None,
    strides: int | Sequence[int],
    order: Order,
    outer: Outer,
) -> list[_Layer]:
    who = "scanning_mlp_to_cnn"
    matrices = _matrices(who, weights, order)
    count = len(matrices)
    if outer not in ("positions", "channels"):
        raise ValueError(f'{who}: outer must be "positions" or "channels", got {outer!r}')
    vectors = [None] * count if biases is None else list(biases)
    channels = check_integer(who, "in_channels", in_channels, 1)
    positions, rest = divmod(matrices[0].shape[1], channels)
    if rest or positions == 0:
        raise ValueError(
            f"{who}: the first layer reads {matrices[0].shape[1]} values, which is not a multiple of "
            f"{channels} channels"
        )
    kernels = [positions] + [1] * (count - 1) if kernel_sizes is None else list(kernel_sizes)
    steps = [strides] + [1] * (count - 1) if isinstance(strides, int) else list(strides)
    for name, values in (("biases", vectors), ("kernel_sizes", kernels), ("strides", steps)):
        if len(values) != count:
            raise ValueError(
                f"{who}: {name} must have one entry for each of {count} layers, got {len(values)}"
            )
    whole = positions != kernels[0]  # matrices of all positions, not one block of each
    layers = []
    for i, (matrix, vector) in enumerate(zip(matrices, vectors, strict=True)):
        kernel = check_integer(who, "kernel_sizes", kernels[i], 1)
        step = check_integer(who, "strides", steps[i], 1)
        seen = positions if whole else kernel
        if matrix.shape[1] != seen * channels:
            raise ValueError(
                f"{who}: layer {i} must see {seen * channels} values ({seen} positions of {channels}), its "
                f"matrix has {matrix.shape[1]}"
            )
        if seen < kernel:
            raise ValueError(f"{who}: layer {i} has a kernel of {kernel}, but only {seen} positions below it")
        made = (seen - kernel) // step + 1 if whole else 1
        block, offsets = _block(
            f"{who}: layer {i}", matrix, vector, (seen, channels, kernel, step, made), outer
        )
        layers.append(_Layer(block, offsets, step))
        positions, channels = made, len(block)
    if whole and positions != 1:
        raise ValueError(f"{who}: the last layer must have one position left, kernel_sizes leave {positions}")
    return layers


def _matrices(who: str, weights: Sequence[Array], order: Order) -> list[Array]:
    """As (out, in)."""
    if order not in ("out_in", "in_out"):
        raise ValueError(f'{who}: order must be "out_in" or "in_out", got {order!r}')
    for i, matrix in enumerate(weights):
        refuse_masked(who, f"weights[{i}]", matrix)
    matrices = [np.asarray(w) for w in weights]
    if not matrices:
        raise ValueError(f"{who}: needs at least one layer")
    for i, matrix in enumerate(matrices):
        if matrix.ndim != 2 or matrix.size == 0:
            raise ValueError(f"{who}: weights of layer {i} must be a matrix, got shape {matrix.shape}")
        if matrix.dtype.kind != "f":
            raise TypeError(f"{who}: weights of layer {i} must be floating point, got {matrix.dtype}")
    dtype = np.float64 if any(m.dtype == np.float64 for m in matrices) else np.float32
    return [(m.T if order == "in_out" else m).astype(dtype) for m in matrices]


def _block(
    who: str, matrix: Array, vector: Array | None, geometry: tuple[int, int, int, int, int], outer: Outer
) -> tuple[Array, Array | None]:
    """The filter (out, in, kernel) and biases that all positions of a layer share."""
    seen, channels, kernel, step, made = geometry
    out, rest = divmod(len(matrix), made)
    if rest:
        raise ValueError(f"{who} has {len(matrix)} outputs, which {made} positions cannot share")
    if outer == "positions":
        parts = matrix.reshape(made, out, seen, channels).transpose(0, 1, 3, 2)
    else:
        parts = matrix.reshape(out, made, channels, seen).transpose(1, 0, 2, 3)
    block = parts[0, :, :, :kernel]
    shared = np.zeros_like(parts)
    for position in range(made):
        shared[position, :, :, position * step : position * step + kernel] = block
    if not np.array_equal(parts, shared):
        raise ValueError(
            f"{who} is not the same block of {kernel} positions, repeated every {step}, and 0 elsewhere"
        )
    if vector is None:
        return block, None
    refuse_masked(who, "biases", vector)
    offsets = np.asarray(vector, matrix.dtype)
    if made > 1 and offsets.shape == (out * made,):
        rows = offsets.reshape((made, out) if outer == "positions" else (out, made))
        rows = rows if outer == "positions" else rows.T
        if not np.array_equal(rows, np.broadcast_to(rows[0], rows.shape)):
            raise ValueError(f"{who} has biases that differ between its positions")
        offsets = rows[0]
    if offsets.shape != (out,):
        raise ValueError(f"{who} must have {out} biases, got shape {offsets.shape}")
    return block, offsets


def _filled(layer: L, weight: Array, bias: Array | None) -> L:
    """The layer with these values, in their dtype."""
    filled = layer.to(weight.dtype.name)
    filled.load_state_dict({"weight": weight} if bias is None else {"weight": weight, "bias": bias})
    return filled

"""Tolerances of kernels relative to the oracle, and their reasons, for all single operations.

A sum of m products in floating point, in whatever order and with or without fused multiply-adds, is off by
at most m * u * sum |products|, u = 2^-24 in float32 and 2^-53 in float64 (Higham, Accuracy and Stability of
Numerical Algorithms, chapter 3). Rounding errors have random signs, so that in practice sqrt(m) replaces
m. The tests allow u * (8 + sqrt(m)) * sum |products|; the oracle computes the last factor from |arrays|.
The 8 covers elementary functions, for which a good kernel needs one or two ulps a step. Operations that
only copy, select or mask values must be exact, as must every sum of products of small integers (`EXACT`):
there no tolerance can hide a missing or repeated product.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests import oracle
from tests.cases import Case
from tests.oracle import activations
from tests.support import normalization

Array = np.ndarray[Any, Any]

MAX_POOLS = ("MaxPool1d", "MaxPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d")
AVG_POOLS = ("AvgPool1d", "AvgPool2d", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d")
#: each output is an input, which may go to several
COPIES = ("Pad1d", "Pad2d", "Resize1d", "Resize2d")
#: operations whose results on small integers need no rounding in float32, forward and backward
EXACT = (
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "Upsample1d",
    "Upsample2d",
    "Downsample1d",
    "Downsample2d",
    *COPIES,
    *MAX_POOLS,
    "Linear",
    "RBF",
    "SelectChannels",
    "ChannelBias",
    "PositionBias",
    "Add",
    "Mul",
    "MatMul",
    "Concat",
    "Flatten",
    "Reshape",
    "ReLU",
    "ReLU6",
)

#: elementwise functions that are relatively accurate where they are small
RELATIVE = (*(name for name in activations.PAIRS if name not in ("ReLU", "GELU")), "PReLU")

ROUNDING = {"float32": 2.0**-24, "float64": 2.0**-53}


def allowed(dtype: str, terms: int, scale: Array) -> Array:
    """The largest permitted |kernel - oracle|, elementwise."""
    return ROUNDING[dtype] * (8 + math.sqrt(terms)) * scale


def check(got: Array, want: Array, dtype: str, terms: int, scale: Array | None, what: str) -> None:
    """Checks dtype, shape, and errors against `allowed`; scale None requires equality."""
    assert got.dtype == dtype, f"{what} has dtype {got.dtype}, not {dtype}"
    assert got.shape == want.shape, f"{what} has shape {got.shape}, not {want.shape}"
    if scale is None:
        np.testing.assert_array_equal(got.astype(np.float64), want, err_msg=what)
        return
    error, limit = np.abs(got.astype(np.float64) - want), allowed(dtype, terms, scale)
    bad = ~(error <= limit)
    if bad.any():
        at = tuple(int(i) for i in np.unravel_index((error - limit).argmax(), error.shape))
        raise AssertionError(
            f"{what}: {bad.sum()} of {bad.size} values off; worst at {at}: got {got[at]!r}, "
            f"want {want[at]!r}, error {error[at]:.3g}, allowed {limit[at]:.3g}"
        )


def winograd(scale: Array | None) -> Array | None:
    """The scale for Winograd's algorithm: a tile of outputs shares its sums, so that an error belongs to the
    largest of them, and each number has passed two transforms more.
    """
    return None if scale is None else np.broadcast_to(3 * scale.max(initial=0), scale.shape)


def forward_scale(case: Case, arrays: tuple[Array, ...]) -> tuple[int, Array | None]:
    """(number of terms, sum of |terms|) of each output."""
    absolute = [np.abs(a) for a in arrays]
    match case.op:
        case "ConvTranspose1d" | "ConvTranspose2d":
            products = arrays[1].size // (arrays[1].shape[1] * case.settings.get("groups", 1))
            return products, oracle.PAIRS[case.op][0](*absolute, **case.call)
        case "Conv1d" | "Conv2d" | "Linear":
            return int(np.prod(arrays[1].shape[1:])), oracle.PAIRS[case.op][0](*absolute, **case.call)
        case "RBF":  # the terms are squares: nothing cancels
            return 2 * case.inputs[0][0], np.abs(oracle.rbf(*arrays, **case.call))
        case "MatMul":
            return case.inputs[0][1], oracle.matmul(*absolute)
        case "Mul":
            return 1, oracle.mul(*absolute)
        case "ChannelBias" | "PositionBias" | "Add":
            return 2, oracle.PAIRS[case.op][0](*absolute)
        case op if op in AVG_POOLS:
            return window_size(case), oracle.PAIRS[op][0](*absolute, **case.call)
        case "GELU":  # 1 + erf cancels for x << 0: errors count against |x|, not against the small |y| ...
            y = oracle.gelu(arrays[0], **case.call)
            return 1, np.abs(y) + np.minimum(absolute[0], 8)  # ... but where y has died away they must, too
        case op if op in RELATIVE:
            return 1, np.abs(oracle.PAIRS[op][0](*arrays, **case.call))
        case "Softmax":  # exp turns the rounding of its argument into a relative error of that size
            return case.inputs[0][0], oracle.softmax(arrays[0]) * (1 + below_maximum(arrays[0]))
        case "LogSoftmax":
            return case.inputs[0][0], 1 + below_maximum(arrays[0])
        case "GroupNorm" | "LayerNorm" | "LocalResponseNorm":
            return normalization.forward(case, arrays)
    return 1, None


def backward_scales(case: Case, dy: Array, arrays: tuple[Array, ...]) -> list[tuple[int, Array | None]]:
    """The same for the gradient of each array."""
    absolute = [np.abs(a) for a in arrays]
    sums = oracle.PAIRS[case.op][1](np.abs(dy), *absolute, **case.call)
    each_output = case.n * math.prod(dy.shape[2:])
    match case.op:
        case "Upsample1d" | "Upsample2d" if case.settings.get("mode", "nearest") == "nearest":
            return [(9, sums[0])]
        case op if op in COPIES:
            return [(math.prod(dy.shape[2:]), sums[0])]
        case "ConvTranspose1d" | "ConvTranspose2d":
            each_input = case.n * math.prod(arrays[0].shape[2:])
            return list(zip([math.prod(arrays[1].shape[1:]), each_input, each_output], sums, strict=False))
        case "Conv1d" | "Conv2d" | "Linear":
            seen_by = math.prod((arrays[1].shape[0], *arrays[1].shape[2:])) // case.settings.get("groups", 1)
            return list(zip([seen_by, each_output, each_output], sums, strict=False))
        case "RBF":  # differences, whose rounding counts against x and w
            x, w = absolute
            scale = 2 * abs(case.settings["scale"])
            each = scale * np.abs(dy)[:, :, None] * (x[:, None] + w)
            return [(2 * len(w), each.sum(axis=1)), (2 * case.n, each.sum(axis=0))]
        case "SelectChannels":
            return [(len(case.settings["indices"]), sums[0])]
        case "MatMul":
            return [(case.inputs[1][1], sums[0]), (case.inputs[0][0], sums[1])]
        case "Mul":
            return [(1, total) for total in sums]
        case "PReLU":
            slope, products = oracle.prelu_backward(np.abs(dy), -absolute[0], absolute[1])
            return [(1, np.maximum(slope, np.abs(dy))), (each_output * case.inputs[0][0], np.abs(products))]
        case "ChannelBias" | "PositionBias":
            return [(1, None), (each_output, sums[1])]
        case op if op in MAX_POOLS:  # a pixel may win several windows; the winners are those of x, not of |x|
            return [(9, oracle.PAIRS[op][1](np.abs(dy), arrays[0], **case.call)[0])]
        case op if op in AVG_POOLS:
            return [(max(window_size(case), math.prod(dy.shape[2:])), sums[0])]
        case "SiLU" | "Mish":  # s (1 + x (1 - s)) and its like cancel where the slope is 0: terms count
            x = absolute[0].astype(np.float64)
            bend = np.abs(oracle.PAIRS[case.op][1](np.ones_like(x), arrays[0])[0])
            return [(1, np.abs(dy) * (bend + 2 * oracle.logistic(arrays[0].astype(np.float64))))]
        case "Hardswish":
            return [(1, np.abs(dy) * (absolute[0].astype(np.float64) / 3 + 0.5))]
        case "ScaledTanh":
            bend = case.settings.get("alpha", 1.7159) * case.settings.get("beta", 2 / 3)
            return [(1, np.abs(bend * dy.astype(np.float64)))]
        case (
            "Sigmoid" | "Tanh"
        ):  # y (1 - y), 1 - y^2: ours do better, test_activations_accuracy.py says how much
            return [(1, np.abs(dy).astype(np.float64))]
        case "Softsign":  # PyTorch's 1 / (1 + |x|) - |x| / (1 + |x|)^2 cancels for large |x|
            return [(1, np.abs(dy) / (1 + absolute[0].astype(np.float64)))]
        case op if op in RELATIVE:
            return [(1, np.abs(oracle.PAIRS[op][1](dy, arrays[0], **case.call)[0]))]
        case "GELU":
            return [(4, np.abs(dy).astype(np.float64))]
        case "GroupNorm" | "LayerNorm" | "LocalResponseNorm":
            return normalization.backward(case, dy, arrays)
        case "Softmax":
            y = oracle.softmax(arrays[0])
            inner = np.abs(dy) + (np.abs(dy) * y).sum(axis=1, keepdims=True)
            return [(case.inputs[0][0], y * inner * (1 + below_maximum(arrays[0])))]
        case "LogSoftmax":
            y = oracle.softmax(arrays[0])
            total = np.abs(dy).sum(axis=1, keepdims=True)
            return [(case.inputs[0][0], np.abs(dy) + y * total * (1 + below_maximum(arrays[0])))]
    return [(1, None) for _ in arrays]


def window_size(case: Case) -> int:
    """The most pixels a window of a pool has."""
    axes = case.inputs[0][1:]
    if "output_size" in case.settings:
        counts = np.broadcast_to(case.settings["output_size"], len(axes))
        return math.prod(-(-h // int(count)) + 1 for h, count in zip(axes, counts, strict=True))
    return math.prod(int(k) for k in np.broadcast_to(case.settings["kernel_size"], len(axes)))


def below_maximum(x: Array) -> Array:
    """The difference between the largest value along axis 1 and each value."""
    x = np.asarray(x, np.float64)
    return x.max(axis=1, keepdims=True) - x

"""Pools: what PyTorch cannot be asked, what it was asked once, indices, and exact refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cnnfast import _core, functional

from tests.cases import Case
from tests.support.engine import OneNode
from tests.support.refusal import refused

BIG = 2**28
SIDES = "[(top, bottom), (left, right)]"
ENDS = "[before, after]"
NAN, INF = np.nan, np.inf


def plane(*rows: list[float], dtype: str = "float64", channels: int = 1) -> np.ndarray:
    return np.array([[rows] * channels], dtype)


# --- averages ---------------------------------------------------------------------------------------


def test_what_a_window_over_the_edge_counts(isa: str, dtype: str) -> None:
    """Read off PyTorch: padding counts or not, what lies behind the padding never does."""
    x = np.full((1, 19, 6, 6), 12, dtype)
    settings: dict[str, Any] = {"kernel_size": 3, "stride": 3, "padding": 1, "ceil_mode": True, "isa": isa}
    counted = functional.avg_pool2d(x, **settings)[0, 0]
    np.testing.assert_array_equal(counted, np.array([[48 / 9, 8, 4], [8, 12, 6], [4, 6, 3]], dtype))
    uncounted = functional.avg_pool2d(x, **settings, count_include_pad=False)
    np.testing.assert_array_equal(uncounted, np.full((1, 19, 3, 3), 12))
    dx = functional.avg_pool2d_backward(np.ones((1, 19, 3, 3), dtype), x, **settings)[0, 0]
    along = [3, 3, 3, 3, 3, 2]
    np.testing.assert_array_equal(dx, (1 / np.outer(along, along)).astype(dtype))


def test_a_mean_of_equal_numbers_is_that_number(isa: str, dtype: str) -> None:
    """The sum is divided, not multiplied by a rounded reciprocal: 49 times 1/49 is not 1."""
    for size in (3, 5, 7, 11):
        x = np.full((1, 19, size, size), 3, dtype)
        assert (functional.adaptive_avg_pool2d(x, 1, isa=isa) == 3).all()
        assert (functional.avg_pool2d(x, size, isa=isa) == 3).all()


def test_the_divisor_takes_the_place_of_the_count() -> None:
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    assert functional.avg_pool2d(x, 2, 1, divisor_override=1)[0, 0].tolist() == [[8, 12], [20, 24]]
    both = functional.avg_pool2d(x, 2, 2, 1, count_include_pad=False, divisor_override=3)
    np.testing.assert_array_equal(both[0, 0], np.array([[0, 3], [9, 24]]) / 3)


def test_a_mean_lets_nan_and_infinity_through(isa: str, dtype: str) -> None:
    x = plane([1, NAN, 2, INF], [1, 1, 2, -1], [INF, 0, 1, 1], [-INF, 0, 1, 1], dtype=dtype, channels=5)
    y = functional.avg_pool2d(x, 2, isa=isa)
    np.testing.assert_array_equal(y[0], [[[NAN, INF], [NAN, 1]]] * 5)
    dx = functional.avg_pool2d_backward(y, x, 2, isa=isa)
    np.testing.assert_array_equal(dx[0, 3], np.repeat(np.repeat([[NAN, INF], [NAN, 0.25]], 2, 0), 2, 1))


# --- adaptive ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Max", "Avg"])
def test_windows_of_one_size_are_a_pool_that_slides(kind: str, isa: str, dtype: str) -> None:
    case = Case(f"Adaptive{kind}Pool2d", 3, ((19, 6, 8),), {"output_size": (3, 2)})
    slides = Case(f"{kind}Pool2d", 3, ((19, 6, 8),), {"kernel_size": (2, 4)})
    one, other, (x,) = OneNode(case, isa, dtype), OneNode(slides, isa, dtype), case.arrays()
    dy = case.draw(3, 19, 3, 2, salt="dy")
    assert one.forward(x).tobytes() == other.forward(x).tobytes()
    assert one.backward(dy, x)[0].tobytes() == other.backward(dy, x)[0].tobytes()


def test_as_many_windows_as_pixels_is_the_identity(isa: str, dtype: str, rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 5, 4, 7)).astype(dtype)
    for pool in (functional.adaptive_avg_pool2d, functional.adaptive_max_pool2d):
        np.testing.assert_array_equal(pool(x, (4, 7), isa=isa), x)


# --- indices ----------------------------------------------------------------------------------------


def test_indices_are_places_on_the_image(isa: str, dtype: str) -> None:
    """Ties go to the first; of NaNs the last wins, as in PyTorch; of -Inf alone, the first on the image."""
    x = plane([5, 5, 1, 7], [5, 5, NAN, NAN], [-INF] * 4, [-INF] * 4, dtype=dtype, channels=3)
    y, indices = functional.max_pool2d(x, 2, return_indices=True, isa=isa)
    np.testing.assert_array_equal(y[0, 2], [[5, NAN], [-INF, -INF]])
    np.testing.assert_array_equal(indices[0], [[[0, 7], [8, 10]]] * 3)
    _, indices = functional.max_pool2d(x, 3, 3, ((2, 0), (1, 0)), return_indices=True, isa=isa)
    np.testing.assert_array_equal(indices[0], [[[0], [4]]] * 3)
    _, indices = functional.max_pool2d(np.full_like(x, -INF), 3, 2, 1, return_indices=True, isa=isa)
    np.testing.assert_array_equal(indices[0], [[[0, 1], [4, 5]]] * 3)


def test_indices_of_dilated_windows() -> None:
    x = plane([1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [15, 14, 13, 12, 11])
    y, indices = functional.max_pool2d(x, 2, 1, dilation=(2, 3), return_indices=True)
    assert (y[0, 0].tolist(), indices[0, 0].tolist()) == ([[15, 14]], [[10, 11]])
    y, indices = functional.max_pool1d(x[:, :, 2], 2, 2, 1, dilation=2, return_indices=True)
    assert (y[0, 0].tolist(), indices[0, 0].tolist()) == ([14, 14, 12], [1, 1, 3])


def test_indices_on_any_number_of_threads(
    set_threads: Callable[[int], None], rng: np.random.Generator
) -> None:
    x = rng.standard_normal((41, 8, 33, 31)).astype(np.float32)
    answers = []
    for threads in (1, 2, 3):
        set_threads(threads)
        answers.append(functional.max_pool2d(x, 3, 2, 1, return_indices=True))
    for y, indices in answers[1:]:
        assert y.tobytes() == answers[0][0].tobytes()
        assert indices.tobytes() == answers[0][1].tobytes()


def test_max_pool_indices_refuses() -> None:
    x = np.zeros((1, 3, 4, 4), np.float32)
    with refused(ValueError, "max_pool_indices: ReLU is no max-pool"):
        _core.max_pool_indices(_core.ReLU(), x)
    with refused(TypeError, "x: expected dtype float32 or float64, got int64; use x.astype(np.float32)"):
        _core.max_pool_indices(_core.MaxPool2d(2), x.astype(np.int64))
    with refused(ValueError, "x: expected shape (n, ...), got (3,)"):
        _core.max_pool_indices(_core.MaxPool2d(2), x[0, 0, 0, :3])
    with refused(ValueError, "max_pool2d: x must have shape (n, ...), got (3,)"):
        functional.max_pool2d(x[0, 0, 0, :3], 2, return_indices=True)
    with refused(ValueError, "MaxPool2d: expected an input of shape (c, h, w), got (3, 4)"):
        functional.max_pool2d(x[:, :, 0], 2, return_indices=True)
    with refused(TypeError, 'max_pool1d: x must be float32 or float64, got int64; use x.astype("float32")'):
        functional.max_pool1d(x[:, :, 0].astype(np.int64), 2, return_indices=True)


# --- plans ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dilation", [1, 2])
def test_a_dilated_pool_is_not_fused(dilation: int, rng: np.random.Generator) -> None:
    graph = _core.Graph((3, 12, 12))
    graph.add(
        _core.MaxPool2d(2, 2, 0, False, dilation), [graph.add(_core.Conv2d(3, 8, 3), [0], "conv")], "pool"
    )
    plan, apart = _core.Plan(graph), _core.Plan(graph, exact=True)
    assert len(plan.nodes()) == dilation
    x = rng.standard_normal((2, 3, 12, 12)).astype(np.float32)
    params = rng.standard_normal(plan.parameter_count).astype(np.float32)
    np.testing.assert_array_equal(plan.forward(x, params), apart.forward(x, params))


# --- refusals ---------------------------------------------------------------------------------------

# operation, arguments, error, text
SETTINGS: list[tuple[str, tuple[Any, ...], type[Exception], str]] = [
    ("MaxPool2d", (2, 2, 0, False, 0), ValueError, f"dilation must be from 1 to {BIG}, got (0, 0)"),
    ("MaxPool2d", (2, 2, 0, False, 1.5), TypeError, "dilation must be an int or a pair (h, w), got 1.5"),
    (
        *("MaxPool2d", (3, 1, 5, False, (2, 3)), ValueError),
        f"padding must be smaller than the kernel on every side, got padding ((5, 5), (5, 5)) {SIDES} for "
        "kernel 3x3 with dilation 2x3",
    ),
    (
        *("MaxPool2d", (2, 1, 0, False, BIG), ValueError),
        f"kernel 2x2 with dilation {BIG}x{BIG} spans {BIG + 1}x{BIG + 1} pixels; at most {BIG} each way are "
        "possible",
    ),
    (
        *("MaxPool2d", ((4097, 4096),), ValueError),
        "a window of 4097x4096 has too many pixels; at most 16777216 are possible",
    ),
    ("MaxPool1d", (0,), ValueError, f"kernel_size must be from 1 to {BIG}, got 0"),
    ("MaxPool1d", ((2, 2),), TypeError, "kernel_size must be an int, got (2, 2)"),
    ("MaxPool1d", (2, 0), ValueError, f"stride must be from 1 to {BIG}, got 0"),
    ("MaxPool1d", (2, 1, "1"), TypeError, "padding must be an int or (before, after), got '1'"),
    ("MaxPool1d", (2, 1, (0, -1)), ValueError, f"padding must be from 0 to {BIG}, got (0, -1) {ENDS}"),
    (
        *("MaxPool1d", (2, 1, (0, 3), False, 2), ValueError),
        f"padding must be smaller than the kernel at both ends, got padding (0, 3) {ENDS} for a kernel of 2 "
        "with dilation 2",
    ),
    (
        *("MaxPool1d", (2, 2, 0, 1), TypeError),
        "ceil_mode must be True or False, got 1",
    ),
    ("MaxPool1d", (2, 2, 0, False, 0), ValueError, f"dilation must be from 1 to {BIG}, got 0"),
    ("AvgPool2d", (0,), ValueError, f"kernel_size must be from 1 to {BIG}, got (0, 0)"),
    ("AvgPool2d", (2, (1, -1)), ValueError, f"stride must be from 1 to {BIG}, got (1, -1)"),
    (
        *("AvgPool2d", ((3, 2), None, ((0, 3), (0, 0))), ValueError),
        f"padding must be smaller than the kernel on every side, got padding ((0, 3), (0, 0)) {SIDES} for "
        "kernel 3x2",
    ),
    ("AvgPool2d", (2, 2, 0, False, None), TypeError, "count_include_pad must be True or False, got None"),
    ("AvgPool2d", (2, 2, 0, False, True, 0), ValueError, f"divisor_override must be from 1 to {BIG}, got 0"),
    ("AvgPool2d", (2, 2, 0, False, True, 2.0), TypeError, "divisor_override must be an int, got 2.0"),
    (
        *("AvgPool1d", (3, None, 3), ValueError),
        f"padding must be smaller than the kernel at both ends, got padding (3, 3) {ENDS} for a kernel of 3",
    ),
    ("AvgPool1d", (3, None, 0, False, 1), TypeError, "count_include_pad must be True or False, got 1"),
    ("AdaptiveMaxPool2d", ((3, 0),), ValueError, f"output_size must be from 1 to {BIG}, got (3, 0)"),
    ("AdaptiveMaxPool2d", (None,), TypeError, "output_size must be an int or a pair (h, w), got None"),
    ("AdaptiveMaxPool1d", (0,), ValueError, f"output_size must be from 1 to {BIG}, got 0"),
    ("AdaptiveAvgPool2d", (-1,), ValueError, f"output_size must be from 1 to {BIG}, got (-1, -1)"),
    ("AdaptiveAvgPool1d", ((2, 2),), TypeError, "output_size must be an int, got (2, 2)"),
]


@pytest.mark.parametrize(("op", "arguments", "error", "text"), SETTINGS)
def test_settings(op: str, arguments: tuple[Any, ...], error: type[Exception], text: str) -> None:
    with refused(error, f"{op}: {text}"):
        getattr(_core, op)(*arguments)


# operation, shape of its input, text
SHAPES: list[tuple[_core.Op, tuple[int, ...], str]] = [
    (
        *(_core.MaxPool2d(2, dilation=(3, 4)), (3, 3, 9)),
        "kernel 2x2 with dilation 3x4 does not fit input (3, 3, 9) [c, h, w]; need h >= 4 and w >= 5",
    ),
    (
        *(_core.MaxPool2d(2, 1, 2, dilation=4), (3, 9, 1)),
        "with dilation 4x4 a window sees nothing but padding on input (3, 9, 1) [c, h, w] padded by "
        "((2, 2), (2, 2)); need w >= 4 or less padding",
    ),
    (
        *(_core.MaxPool1d(2, 1, 2, dilation=4), (3, 1)),
        "with dilation 4 a window sees nothing but padding on input (3, 1) [c, l] padded by (2, 2); "
        "need l >= 4 or less padding",
    ),
    (
        *(_core.MaxPool1d(5, padding=(1, 2)), (3, 1)),
        "a kernel of 5 does not fit input (3, 1) [c, l] padded by (1, 2); need l >= 2",
    ),
    (_core.MaxPool1d(2), (3, 4, 4), "expected an input of shape (c, l), got (3, 4, 4)"),
    (
        _core.AvgPool2d(5),
        (3, 4, 9),
        "kernel 5x5 does not fit input (3, 4, 9) [c, h, w]; need h >= 5 and w >= 5",
    ),
    (_core.AvgPool1d(2), (12,), "expected an input of shape (c, l), got (12,)"),
    (_core.AdaptiveAvgPool2d(1), (3, 4), "expected an input of shape (c, h, w), got (3, 4)"),
    (_core.AdaptiveMaxPool1d(1), (3, 4, 5), "expected an input of shape (c, l), got (3, 4, 5)"),
    (
        *(_core.AdaptiveMaxPool2d(1), (1, 8192, 4096)),
        "a window of 8192x4096 has too many pixels; at most 16777216 are possible",
    ),
    (
        *(_core.AdaptiveAvgPool2d(BIG), (1, 1, 1)),
        f"shape (1, {BIG}, {BIG}) has 7.20576e+16 elements; at most {2**40} are possible",
    ),
]


@pytest.mark.parametrize(("op", "shape", "text"), SHAPES)
def test_shapes(op: _core.Op, shape: tuple[int, ...], text: str) -> None:
    with refused(ValueError, f"{op.name}: {text}"):
        op.output_shape(shape)

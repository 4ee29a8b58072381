"""Who tests the oracle: examples worked out by hand, and its backward against differences of its forward."""

from __future__ import annotations

import numpy as np
import pytest

from tests import oracle
from tests.cases import CASES, Case

NINE = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)


def test_conv2d_by_hand() -> None:
    """No flipping: the weight at the upper left meets the pixel at the upper left."""
    w = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])
    np.testing.assert_array_equal(
        oracle.conv2d(NINE, w, np.array([0.5]))[0, 0], [[5421.5, 6532.5], [8754.5, 9865.5]]
    )
    top_left = oracle.conv2d(NINE, w, stride=2, padding=((1, 0), (0, 1)))
    np.testing.assert_array_equal(top_left[0, 0], [[2100, 300], [8754, 906]])


def test_conv2d_backward_by_hand() -> None:
    dy = np.array([[[[1.0, 0.0], [0.0, 2.0]]]])
    dx, dw, db = oracle.conv2d_backward(dy, NINE, np.array([[[[1.0, 10.0], [100.0, 1000.0]]]]), np.zeros(1))
    np.testing.assert_array_equal(dx[0, 0], [[1, 10, 0], [100, 1002, 20], [0, 200, 2000]])
    np.testing.assert_array_equal(dw[0, 0], [[1 + 10, 2 + 12], [4 + 16, 5 + 18]])
    np.testing.assert_array_equal(db, [3])


def test_max_pool2d_by_hand() -> None:
    np.testing.assert_array_equal(oracle.max_pool2d(NINE, kernel_size=2)[0, 0], [[5]])
    rounded_up = oracle.max_pool2d(NINE, kernel_size=2, ceil_mode=True)
    np.testing.assert_array_equal(rounded_up[0, 0], [[5, 6], [8, 9]])
    padded = oracle.max_pool2d(-NINE, kernel_size=2, stride=2, padding=((1, 0), (0, 1)))
    np.testing.assert_array_equal(padded[0, 0], [[-1, -3], [-4, -6]])
    (dx,) = oracle.max_pool2d_backward(np.ones((1, 1, 1, 1)), np.ones((1, 1, 2, 2)), kernel_size=2)
    np.testing.assert_array_equal(dx[0, 0], [[1, 0], [0, 0]])


def test_max_pool2d_of_dilated_windows_by_hand() -> None:
    y = oracle.max_pool2d(NINE, kernel_size=2, stride=1, padding=1, dilation=2)
    np.testing.assert_array_equal(y[0, 0], [[5, 6, 5], [8, 9, 8], [5, 6, 5]])
    lines = oracle.max_pool1d(NINE[0], kernel_size=2, stride=1, dilation=2)
    np.testing.assert_array_equal(lines[0], [[3], [6], [9]])


def test_avg_pool2d_by_hand() -> None:
    """Padding counts as pixels of value 0, unless told not to; what lies behind it does not exist."""
    np.testing.assert_array_equal(oracle.avg_pool2d(NINE, kernel_size=2)[0, 0], [[3]])
    rounded_up = oracle.avg_pool2d(NINE, kernel_size=2, ceil_mode=True)
    np.testing.assert_array_equal(rounded_up[0, 0], [[3, 4.5], [7.5, 9]])
    padded = oracle.avg_pool2d(NINE, kernel_size=2, stride=2, padding=((1, 0), (0, 1)))
    np.testing.assert_array_equal(padded[0, 0], [[0.75, 0.75], [6, 3.75]])
    alone = oracle.avg_pool2d(NINE, kernel_size=2, padding=((1, 0), (0, 1)), count_include_pad=False)
    np.testing.assert_array_equal(alone[0, 0], [[1.5, 3], [6, 7.5]])
    np.testing.assert_array_equal(oracle.avg_pool2d(NINE, kernel_size=3, divisor_override=5)[0, 0], [[9]])
    (dx,) = oracle.avg_pool2d_backward(np.array([[[[4.0, 8.0]]]]), NINE[:, :, :2], kernel_size=2, stride=1)
    np.testing.assert_array_equal(dx[0, 0], [[1, 3, 2], [1, 3, 2]])


def test_adaptive_pools_by_hand() -> None:
    """Two windows over three places share the middle one."""
    np.testing.assert_array_equal(oracle.adaptive_avg_pool2d(NINE, output_size=2)[0, 0], [[3, 4], [6, 7]])
    np.testing.assert_array_equal(oracle.adaptive_max_pool2d(NINE, output_size=(1, 2))[0, 0], [[8, 9]])
    np.testing.assert_array_equal(
        oracle.adaptive_avg_pool1d(NINE[0], output_size=5)[0, 0], [1, 1.5, 2, 2.5, 3]
    )
    assert [places for places, _ in oracle.adaptive(7, 3)] == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]


@pytest.mark.parametrize(
    ("h", "k", "s", "before", "after", "floor", "ceil"),
    [
        (11, 2, 2, 0, 0, 5, 6),
        (28, 3, 2, 0, 1, 14, 14),
        (5, 2, 3, 1, 1, 2, 2),
        (4, 3, 3, 0, 0, 1, 2),
        (1, 1, 1, 0, 0, 1, 1),
    ],
)
def test_number_of_windows(h: int, k: int, s: int, before: int, after: int, floor: int, ceil: int) -> None:
    """The third is the case where rounding up would start a window behind the image."""
    assert oracle.pooled(h, k, s, before, after, False) == floor
    assert oracle.pooled(h, k, s, before, after, True) == ceil


def test_activations_by_hand() -> None:
    np.testing.assert_allclose(
        oracle.gelu(np.array([0.0, 1.0, -1.0])), [0, 0.8413447460685429, -0.15865525393145707]
    )
    np.testing.assert_allclose(oracle.gelu(np.array([1.0]), approximate="tanh"), [0.841191990608276])
    np.testing.assert_allclose(oracle.softmax(np.log([[1.0, 2.0, 5.0]])), [[0.125, 0.25, 0.625]])
    np.testing.assert_allclose(oracle.cross_entropy(np.log([[1.0, 2.0, 5.0]]), np.array([1])), [np.log(4)])
    np.testing.assert_array_equal(oracle.flatten(np.arange(8).reshape(1, 2, 2, 2))[0], np.arange(8))


@pytest.mark.parametrize("case", [c for c in CASES if c.jacobian], ids=lambda case: case.id)
def test_backward_is_the_derivative_of_forward(case: Case) -> None:
    """Along one random direction of each array, between random weights of the outputs."""
    forward, backward = oracle.PAIRS[case.op]
    arrays = [a.astype(np.float64) for a in case.arrays()]
    dy = case.draw(*forward(*arrays, **case.call).shape, salt="dy").astype(np.float64)
    for k, slope in enumerate(backward(dy, *arrays, **case.call)):
        direction = case.draw(*arrays[k].shape, salt=f"direction {k}").astype(np.float64)
        ends = []
        for step in (1e-6, -1e-6):
            moved = list(arrays)
            moved[k] = arrays[k] + step * direction
            ends.append((dy * forward(*moved, **case.call)).sum())
        assert (slope * direction).sum() == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6, abs=1e-7)


def test_concat_and_reshape_by_hand() -> None:
    a, b = np.array([[[1.0, 2.0]]]), np.array([[[3.0, 4.0], [5.0, 6.0]]])
    np.testing.assert_array_equal(oracle.concat(a, b), [[[1, 2], [3, 4], [5, 6]]])
    parts = oracle.concat_backward(np.array([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]), a, b)
    np.testing.assert_array_equal(parts[0], [[[1, 2]]])
    np.testing.assert_array_equal(parts[1], [[[3, 4], [5, 6]]])
    np.testing.assert_array_equal(oracle.reshape(b, shape=(-1, 1)), [[[3], [4], [5], [6]]])
    np.testing.assert_array_equal(oracle.flatten(b, start_dim=-2), [[3, 4, 5, 6]])
    np.testing.assert_array_equal(oracle.flatten(b, start_dim=2), b)

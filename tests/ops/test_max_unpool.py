"""`max_unpool1d`, `max_unpool2d`: there and back, sizes, and indices that no input may crash with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cnnfast import functional

from tests.support.refusal import refused


def pooled(shape: tuple[int, ...], dtype: str, *settings: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x = np.random.default_rng(5).standard_normal(shape).astype(dtype)
    pool = functional.max_pool2d if len(shape) == 4 else functional.max_pool1d
    return x, *pool(x, *settings, return_indices=True)


@pytest.mark.parametrize("shape", [(2, 3, 6, 8), (1, 1, 5, 7), (0, 3, 4, 4), (2, 17, 9), (1, 2, 6)])
def test_values_return_to_their_places(shape: tuple[int, ...], dtype: str) -> None:
    x, y, indices = pooled(shape, dtype, 2)
    unpool = functional.max_unpool2d if len(shape) == 4 else functional.max_unpool1d
    back = unpool(y, indices, 2, output_size=shape)
    assert back.shape == x.shape
    assert back.dtype == dtype
    kept = back != 0
    np.testing.assert_array_equal(back[kept], x[kept])
    assert kept.sum() == y.size
    np.testing.assert_array_equal(back, unpool(y, indices, 2, output_size=shape[2:]))


@pytest.mark.parametrize("axes", [1, 2])
def test_gradient_is_read_where_values_went(axes: int) -> None:
    """Windows overlap, so that several values may share a place."""
    x, y, indices = pooled((2, 3, *(6, 7)[:axes]), "float64", 3, 2, 1)
    backward = functional.max_unpool2d_backward if axes == 2 else functional.max_unpool1d_backward
    dy = np.random.default_rng(6).standard_normal(x.shape)
    places = indices.reshape(2, 3, y[0, 0].size)
    want = np.take_along_axis(dy.reshape(2, 3, x[0, 0].size), places, 2).reshape(y.shape)
    np.testing.assert_array_equal(backward(dy, indices), want)


def test_of_two_values_in_one_place_the_last_stays() -> None:
    y = functional.max_unpool1d(np.array([[[1.0, 2.0]]]), np.zeros((1, 1, 2), np.int64), 2)
    assert y.tolist() == [[[2, 0, 0, 0]]]


ONES = np.ones((1, 2, 2, 2), np.float32)
PLACES = np.zeros((1, 2, 2, 2), np.int64)
LARGE = np.full((1, 2, 2, 2), 2**62)
REFUSED = [
    (PLACES - 1, {}, ValueError, "indices must be from 0 to 15 for an output of size (4, 4), got -1"),
    (PLACES + 16, {}, ValueError, "indices must be from 0 to 15 for an output of size (4, 4), got 16"),
    (LARGE, {}, ValueError, f"indices must be from 0 to 15 for an output of size (4, 4), got {2**62}"),
    (PLACES[:, :1], {}, ValueError, "indices must have shape (1, 2, 2, 2), got (1, 1, 2, 2)"),
    (
        PLACES.astype(np.int32),
        {},
        TypeError,
        "indices must be int64, got int32; use indices.astype(np.int64)",
    ),
    (
        PLACES,
        {"output_size": (6, 4)},
        ValueError,
        "output_size must differ from (4, 4) by less than the stride, got (6, 4)",
    ),
    (PLACES, {"output_size": 5}, TypeError, "output_size must be 2 or 4 integers, got 5"),
    (
        PLACES,
        {"output_size": (1, 1, 4, 4)},
        ValueError,
        "output_size (1, 1, 4, 4) has other images or channels than x (1, 2, 2, 2)",
    ),
    (PLACES, {"padding": 2}, ValueError, "x (1, 2, 2, 2) would become an output of size (0, 0)"),
    (PLACES, {"stride": 0}, ValueError, "stride must be at least 1, got 0"),
    (PLACES, {"padding": (1, 2, 3)}, TypeError, "padding must be an int or a pair (h, w), got (1, 2, 3)"),
]


@pytest.mark.parametrize(("indices", "settings", "error", "text"), REFUSED)
def test_refusals(indices: np.ndarray, settings: dict[str, Any], error: type[Exception], text: str) -> None:
    with refused(error, f"max_unpool2d: {text}"):
        functional.max_unpool2d(ONES, indices, 2, **settings)


def test_refusals_of_the_gradient() -> None:
    with refused(ValueError, "max_unpool1d_backward: dy must have shape (n, c, l), got (1, 2, 2, 2)"):
        functional.max_unpool1d_backward(ONES, PLACES)
    with refused(
        ValueError, "max_unpool2d_backward: indices must be from 0 to 3 for an output of size (2, 2), got 4"
    ):
        functional.max_unpool2d_backward(ONES, PLACES + 4)
    with refused(ValueError, "max_unpool2d_backward: indices must have shape (1, 2), got (2,)"):
        functional.max_unpool2d_backward(ONES, PLACES[0, 0, 0])

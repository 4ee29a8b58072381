"""What convolutions and resampling say when settings or shapes do not fit: exact texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cnnfast import _core, functional, nn

from tests.refusal import refused

BIG = 2**28
DIVIDE = "groups must divide in_channels and out_channels, got groups"

# operation, arguments, settings, error, text
SETTINGS: list[tuple[str, tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
    ("Conv2d", (3, 3, 3), {"dilation": 0}, ValueError, f"dilation must be from 1 to {BIG}, got (0, 0)"),
    (
        *("Conv2d", (3, 3, 3), {"dilation": "2"}, TypeError),
        "dilation must be an int or a pair (h, w), got '2'",
    ),
    (
        *("Conv2d", (3, 3, (9, 1)), {"dilation": 2**27}, ValueError),
        f"kernel 9x1 with dilation {2**27}x{2**27} spans {2**30 + 1}x1 pixels; at most {BIG} each way are "
        "possible",
    ),
    ("Conv2d", (4, 6, 3), {"groups": 4}, ValueError, f"{DIVIDE} 4 for 4 and 6"),
    ("Conv2d", (6, 4, 3), {"groups": 4}, ValueError, f"{DIVIDE} 4 for 6 and 4"),
    ("Conv2d", (3, 3, 3), {"groups": 0}, ValueError, f"groups must be from 1 to {BIG}, got 0"),
    ("Conv2d", (3, 3, 3), {"groups": 1.0}, TypeError, "groups must be an int, got 1.0"),
    (
        *("Conv2d", (3, 3, 3, (1, 2)), {"padding": "same"}, ValueError),
        'padding "same" needs stride 1, got (1, 2)',
    ),
    (
        *("Conv2d", (3, 3, 3), {"padding": "full"}, ValueError),
        'padding must be "same", "valid" or numbers, got "full"',
    ),
    (
        *("Conv2d", (3, 3, 0), {"padding": "same"}, ValueError),
        f"kernel_size must be from 1 to {BIG}, got (0, 0)",
    ),
]


@pytest.mark.parametrize(("op", "arguments", "settings", "error", "text"), SETTINGS)
def test_settings(
    op: str, arguments: tuple[Any, ...], settings: dict[str, Any], error: type[Exception], text: str
) -> None:
    for home in (_core, nn):
        with refused(error, f"{op}: {text}"):
            getattr(home, op)(*arguments, **settings)


# operation, shape of its input, text
SHAPES: list[tuple[_core.Op, tuple[int, ...], str]] = [
    (
        *(_core.Conv2d(3, 8, 3, padding=((1, 0), (0, 0)), dilation=(2, 3)), (3, 3, 9)),
        "kernel 3x3 with dilation 2x3 does not fit input (3, 3, 9) [c, h, w] padded by ((1, 0), (0, 0)); "
        "need h >= 4 and w >= 7",
    ),
    (
        *(_core.Conv2d(4, 8, 3, groups=2), (2, 9, 9)),
        "expected 4 input channels, got input (2, 9, 9) [c, h, w]",
    ),
]


@pytest.mark.parametrize(("op", "shape", "text"), SHAPES)
def test_shapes(op: _core.Op, shape: tuple[int, ...], text: str) -> None:
    with refused(ValueError, f"{op.name}: {text}"):
        op.output_shape(shape)
    with refused(ValueError, f"{op.name}: {text}"):
        op.macs(shape)


def zeros(*shape: int) -> np.ndarray[Any, Any]:
    return np.zeros(shape, np.float32)


# call, error, text
CALLS: list[tuple[Callable[[], object], type[Exception], str]] = [
    (
        *(lambda: functional.conv2d(zeros(2, 4, 5, 5), zeros(6, 4, 3, 3), groups=2), ValueError),
        "Conv2d: expected 8 input channels, got input (4, 5, 5) [c, h, w]",
    ),
    (
        *(lambda: functional.conv2d(zeros(2, 4, 5, 5), zeros(6, 4, 3)), ValueError),
        "conv2d: weight must have shape (c_out, c_in / groups, kernel height, kernel width), got (6, 4, 3)",
    ),
    (
        *(lambda: functional.conv2d(zeros(2, 4, 5, 5), zeros(6, 1, 3, 3), groups=0), ValueError),
        "conv2d: groups must be at least 1, got 0",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), CALLS)
def test_calls(call: Callable[[], object], error: type[Exception], text: str) -> None:
    with refused(error, text):
        call()

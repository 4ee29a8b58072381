"""What convolutions and resampling say when settings or shapes do not fit: exact texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cnnfast import _core, functional, nn

from tests.support.refusal import refused

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
    ("Conv1d", (3, 3, 0), {}, ValueError, f"kernel_size must be from 1 to {BIG}, got 0"),
    ("Conv1d", (3, 3, (3,)), {}, TypeError, "kernel_size must be an int, got (3,)"),
    ("Conv1d", (3, 3, 3), {"stride": 0}, ValueError, f"stride must be from 1 to {BIG}, got 0"),
    ("Conv1d", (3, 3, 3), {"dilation": -1}, ValueError, f"dilation must be from 1 to {BIG}, got -1"),
    (
        *("Conv1d", (3, 3, 3), {"padding": (0, -1)}, ValueError),
        f"padding must be from 0 to {BIG}, got (0, -1) [before, after]",
    ),
    (
        *("Conv1d", (3, 3, 3), {"padding": (1, 2, 3)}, TypeError),
        "padding must be an int or (before, after), got (1, 2, 3)",
    ),
    (
        *("Conv1d", (3, 3, 3), {"padding": "same", "stride": 2}, ValueError),
        'padding "same" needs stride 1, got 2',
    ),
    (
        *("Conv1d", (3, 3, 3), {"padding": "full"}, ValueError),
        'padding must be "same", "valid" or numbers, got "full"',
    ),
    ("Conv1d", (4, 6, 3), {"groups": 4}, ValueError, f"{DIVIDE} 4 for 4 and 6"),
    (
        *("ConvTranspose2d", (3, 3, 3), {"output_padding": 1}, ValueError),
        "output_padding must be at least 0 and smaller than stride or dilation, got (1, 1) for stride (1, 1) "
        "and dilation (1, 1)",
    ),
    (
        *("ConvTranspose2d", (3, 3, 3), {"stride": (2, 3), "output_padding": (1, -1)}, ValueError),
        "output_padding must be at least 0 and smaller than stride or dilation, got (1, -1) for stride "
        "(2, 3) and dilation (1, 1)",
    ),
    (
        *("ConvTranspose2d", (3, 3, 3), {"padding": "same"}, TypeError),
        "padding must be an int, (h, w) or ((top, bottom), (left, right)), got 'same'",
    ),
    ("ConvTranspose2d", (4, 6, 3), {"groups": 4}, ValueError, f"{DIVIDE} 4 for 4 and 6"),
    (
        *("ConvTranspose1d", (3, 3, 3), {"stride": 2, "output_padding": 2}, ValueError),
        "output_padding must be at least 0 and smaller than stride or dilation, got 2 for stride 2 and "
        "dilation 1",
    ),
    ("ConvTranspose1d", (3, 0, 3), {}, ValueError, f"out_channels must be from 1 to {BIG}, got 0"),
    ("Upsample2d", ((2, 0),), {}, ValueError, f"scale_factor must be from 1 to {BIG}, got 0"),
    ("Upsample2d", (1.5,), {}, TypeError, "scale_factor must be an int or a pair (h, w), got 1.5"),
    (
        *("Upsample2d", (2, "bilinear"), {}, ValueError),
        'mode must be "nearest" or "zeros", got "bilinear"',
    ),
    ("Upsample1d", ((2, 2),), {}, TypeError, "scale_factor must be an int, got (2, 2)"),
    ("Upsample1d", (0,), {}, ValueError, f"scale_factor must be from 1 to {BIG}, got 0"),
    ("Downsample2d", ((0, 1),), {}, ValueError, f"factor must be from 1 to {BIG}, got 0"),
    ("Downsample1d", (-2,), {}, ValueError, f"factor must be from 1 to {BIG}, got -2"),
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
    (
        *(_core.Conv1d(3, 8, 4, padding=(0, 1), dilation=3), (3, 8)),
        "a kernel of 4 with dilation 3 does not fit input (3, 8) [c, l] padded by (0, 1); need l >= 9",
    ),
    (_core.Conv1d(3, 8, 4), (4, 8), "expected 3 input channels, got input (4, 8) [c, l]"),
    (_core.Conv1d(3, 8, 4), (3, 8, 1), "expected an input of shape (c, l), got (3, 8, 1)"),
    (
        *(_core.ConvTranspose2d(3, 8, 2, padding=((1, 1), (0, 0))), (3, 1, 4)),
        "padding ((1, 1), (0, 0)) leaves an output of 0x5 for input (3, 1, 4) [c, h, w]; need at least 1x1",
    ),
    (_core.ConvTranspose2d(3, 8, 2), (4, 8, 8), "expected 3 input channels, got input (4, 8, 8) [c, h, w]"),
    (
        *(_core.ConvTranspose1d(3, 8, 2, padding=4), (3, 2)),
        "padding (4, 4) leaves an output of -5 for input (3, 2) [c, l]; need at least 1",
    ),
    (_core.Upsample2d(2), (3, 4), "expected an input of shape (c, h, w), got (3, 4)"),
    (_core.Downsample1d(2), (3, 4, 5), "expected an input of shape (c, l), got (3, 4, 5)"),
    (
        *(_core.Upsample1d(2**20), (1, 2**10)),
        f"every extent of a shape must be from 1 to {BIG}, got (1, {2**30})",
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
    (
        *(lambda: functional.conv1d(zeros(2, 4, 5), zeros(6, 4)), ValueError),
        "conv1d: weight must have shape (c_out, c_in / groups, kernel length), got (6, 4)",
    ),
    (
        *(lambda: functional.conv1d(zeros(2, 4, 5), zeros(6, 4, 3), zeros(5)), ValueError),
        "conv1d: bias must have shape (6,), one for each filter, got (5,)",
    ),
    (
        *(lambda: functional.conv_transpose2d(zeros(2, 4, 5), zeros(4, 6, 3)), ValueError),
        "conv_transpose2d: weight must have shape (c_in, c_out / groups, kernel height, kernel width), got "
        "(4, 6, 3)",
    ),
    (
        *(
            lambda: functional.conv_transpose1d(zeros(2, 4, 5), zeros(4, 3, 3), zeros(3), groups=2),
            ValueError,
        ),
        "conv_transpose1d: bias must have shape (6,), one for each output channel, got (3,)",
    ),
    (
        *(lambda: functional.downsample2d_backward(zeros(1, 1, 2, 2), zeros(1, 1, 5, 3), 2), ValueError),
        "downsample2d_backward: dy must have shape (1, 1, 3, 2), that of the output, got (1, 1, 2, 2)",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), CALLS)
def test_calls(call: Callable[[], object], error: type[Exception], text: str) -> None:
    with refused(error, text):
        call()

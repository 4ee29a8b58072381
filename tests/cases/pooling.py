"""Pools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.cases.case import Case, Shape


def pool(
    n: int,
    x: Shape,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    dilation: Any = 1,
    **extra: Any,
) -> Case:
    settings = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    return Case("MaxPool2d", n, (x,), {**settings, "dilation": dilation}, **extra)


MAX_POOL2D = [
    pool(1, (1, 1, 1), 1),
    pool(2, (3, 5, 7), 2),  # the last row and column are dropped
    pool(2, (3, 5, 7), 2, ceil_mode=True),  # ... or pooled alone
    pool(17, (7, 9, 6), (3, 2), stride=(1, 3)),
    pool(2, (17, 8, 9), 3, stride=1, padding=1),  # windows overlap
    pool(33, (1, 6, 5), 3, stride=2, padding=((0, 1), (1, 0))),
    pool(2, (33, 7, 11), 2, stride=3),  # stride > kernel
    pool(2, (8, 7, 7), 3, stride=2, padding=1, ceil_mode=True),
    pool(1, (65, 4, 5), (4, 5)),  # kernel = input
    pool(2, (3, 19, 17), (11, 9), stride=2, padding=(5, 4)),
    pool(5, (3, 4, 4), 3, stride=3, ceil_mode=True),
    # a rounded-up window that would see only padding
    pool(2, (3, 5, 5), 2, stride=3, padding=1, ceil_mode=True),
    pool(0, (3, 8, 8), 2),
    pool(3, (5, 9, 11), 2, stride=2, padding=((1, 0), (0, 1))),
    pool(2, (20, 8, 5), 2, stride=2, padding=1),
    pool(2, (20, 9, 9), 3, stride=2, padding=((1, 0), (2, 1))),
    pool(2, (7, 9, 8), 3, stride=1, padding=1, dilation=2),
    pool(2, (19, 11, 7), (2, 3), stride=(2, 1), padding=((1, 0), (3, 2)), dilation=(3, 2)),
    pool(2, (3, 8, 9), 2, stride=3, ceil_mode=True, dilation=4),
    pool(1, (2, 1, 3), 3, stride=2, padding=2, dilation=2),
    pool(2, (2, 4, 3), (2, 3), stride=1, padding=((1, 0), (0, 1)), jacobian=True),
    pool(1, (3, 5, 5), 2, ceil_mode=True, jacobian=True),
    pool(1, (2, 5, 4), 2, stride=1, padding=1, dilation=2, jacobian=True),
    pool(2, (8, 28, 28), 2, row="d4 pool1 2x2 on 8x28x28"),
    pool(2, (32, 26, 26), 2, row="letters pool1 2x2 on 32x26x26"),
    pool(2, (64, 11, 11), 2, ceil_mode=True, row="letters pool2 2x2 rounding up on 64x11x11"),
    pool(2, (16, 28, 28), 3, 2, ((0, 1), (0, 1)), row="numpy-mnist pool1 3x3 stride 2 on 16x28x28"),
    pool(2, (64, 112, 112), 3, 2, 1, row="resnet max-pool 3x3 stride 2 on 64x112x112"),
]


def average(
    n: int, x: Shape, kernel_size: Any, row: str = "", jacobian: bool = False, **settings: Any
) -> Case:
    return Case("AvgPool2d", n, (x,), {"kernel_size": kernel_size, **settings}, row, jacobian)


AVG_POOL2D = [
    average(1, (1, 1, 1), 1),
    average(2, (3, 5, 7), 2),
    average(2, (3, 5, 7), 2, ceil_mode=True),  # a window that hangs over counts what it holds
    average(17, (7, 9, 6), (3, 2), stride=(1, 3)),
    average(2, (17, 8, 9), 3, stride=1, padding=1),
    average(2, (17, 8, 9), 3, stride=1, padding=1, count_include_pad=False),
    average(33, (1, 6, 5), 3, stride=2, padding=((0, 1), (1, 0))),
    average(33, (1, 6, 5), 3, stride=2, padding=((0, 1), (1, 0)), count_include_pad=False),
    average(2, (33, 7, 11), 2, stride=3),  # stride > kernel
    # ceil_mode and padding: a window counts the padding it holds, never what lies behind
    average(2, (8, 6, 6), 3, stride=2, padding=1, ceil_mode=True),
    average(2, (8, 6, 6), 3, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
    average(2, (20, 8, 5), 5, stride=4, padding=((1, 2), (0, 3)), ceil_mode=True),
    average(3, (5, 7, 7), 2, stride=2, padding=((1, 0), (0, 1)), divisor_override=3),
    average(2, (70, 5, 6), 2, stride=1),
    average(1, (65, 4, 5), (4, 5)),  # kernel = input
    average(2, (130, 9, 7), (9, 7)),
    average(2, (3, 19, 17), (11, 9), stride=2, padding=(5, 4)),
    average(0, (3, 8, 8), 2),
    # dilation: a window counts the padding it holds
    average(2, (7, 9, 8), 3, stride=1, padding=1, dilation=2),
    average(2, (7, 9, 8), 3, stride=1, padding=1, dilation=2, count_include_pad=False),
    average(2, (19, 11, 7), (2, 3), stride=(2, 1), padding=((1, 0), (3, 2)), dilation=(3, 2)),
    average(2, (3, 8, 9), 2, stride=3, ceil_mode=True, dilation=4),
    average(2, (16, 8, 7), 3, stride=2, padding=(1, 2), ceil_mode=True, dilation=2, divisor_override=5),
    average(1, (2, 5, 4), 2, jacobian=True, stride=1, padding=1, dilation=2, ceil_mode=True),
    average(2, (2, 4, 3), (2, 3), jacobian=True, stride=1, padding=((1, 0), (0, 1))),
    average(1, (3, 5, 5), 3, jacobian=True, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
    average(2, (16, 28, 28), 2, row="average pool 2x2 on 16x28x28"),
    average(2, (64, 56, 56), 3, row="average pool 3x3 stride 2 on 64x56x56", stride=2, padding=1),
    average(
        2, (32, 28, 28), 3, row="average pool 3x3 dilation 2 on 32x28x28", stride=1, padding=2, dilation=2
    ),
]


def line(op: str, n: int, x: Shape, *, row: str = "", jacobian: bool = False, **settings: Any) -> Case:
    return Case(op, n, (x,), settings, row, jacobian)


def lines(op: str, row: str) -> Iterator[Case]:
    """Pools of lines that slide."""
    yield line(op, 1, (1, 1), kernel_size=1)
    yield line(op, 2, (3, 7), kernel_size=2)
    yield line(op, 2, (17, 7), kernel_size=2, ceil_mode=True)
    yield line(op, 5, (33, 19), kernel_size=3, stride=2, padding=1)
    yield line(op, 2, (7, 10), kernel_size=5, stride=3, padding=(2, 4), ceil_mode=True)
    yield line(op, 2, (8, 9), kernel_size=2, stride=5)
    yield line(op, 0, (3, 8), kernel_size=2)
    yield line(op, 2, (3, 6), jacobian=True, kernel_size=3, stride=2, padding=(0, 1))
    yield line(op, 2, (64, 128), row=row, kernel_size=2)


def adaptive(
    op: str, shapes: list[tuple[int, Shape, Any]], small: Shape, rows: dict[str, Any]
) -> Iterator[Case]:
    yield from (Case(op, n, (x,), {"output_size": size}) for n, x, size in shapes)
    for size in (2, 3):  # windows of one size and of several
        yield Case(op, 2, (small,), {"output_size": size}, jacobian=True)
    yield from (Case(op, 2, (x,), {"output_size": size}, row=row) for row, (x, size) in rows.items())


IMAGES: list[tuple[int, Shape, Any]] = [
    (1, (1, 1, 1), 1),
    (2, (3, 7, 5), 1),  # the whole image
    (2, (130, 6, 7), 1),
    (3, (17, 8, 6), (4, 3)),  # windows of one size
    (2, (19, 7, 9), (3, 4)),  # which overlap
    (2, (7, 7, 5), 3),  # of several
    (2, (20, 5, 12), (2, 5)),
    (2, (8, 3, 2), (5, 7)),  # more windows than pixels: each pixel is in several
    (2, (3, 6, 7), (6, 4)),
    (0, (3, 8, 8), 3),
]
LINES: list[tuple[int, Shape, Any]] = [
    (1, (1, 1), 1),
    (2, (3, 7), 1),
    (3, (17, 8), 4),
    (2, (7, 7), 3),
    (2, (33, 12), 5),
    (2, (8, 3), 7),
    (0, (3, 8), 3),
]

POOLS = [
    *MAX_POOL2D,
    *AVG_POOL2D,
    *lines("MaxPool1d", "max-pool of lines 2 on 64x128"),
    line("MaxPool1d", 2, (7, 12), kernel_size=3, stride=2, padding=(1, 3), dilation=2),
    line("MaxPool1d", 2, (19, 5), kernel_size=2, stride=1, padding=1, dilation=3),
    *lines("AvgPool1d", "average pool of lines 2 on 64x128"),
    line(
        "AvgPool1d", 2, (7, 10), kernel_size=4, stride=3, padding=2, ceil_mode=True, count_include_pad=False
    ),
    line("AvgPool1d", 2, (7, 12), kernel_size=3, stride=2, padding=(1, 3), ceil_mode=True, dilation=2),
    *adaptive(
        "AdaptiveMaxPool2d",
        IMAGES,
        (2, 5, 3),
        {
            "adaptive max-pool to 6x6 of 64x13x13": ((64, 13, 13), 6),
            "adaptive max-pool to 5x5 of 64x13x13": ((64, 13, 13), 5),
        },
    ),
    *adaptive(
        "AdaptiveAvgPool2d",
        IMAGES,
        (2, 5, 3),
        {
            "global average of 512x7x7": ((512, 7, 7), 1),
            "adaptive average pool to 6x6 of 64x13x13": ((64, 13, 13), 6),
            "adaptive average pool to 5x5 of 64x13x13": ((64, 13, 13), 5),
        },
    ),
    *adaptive(
        "AdaptiveMaxPool1d", LINES, (3, 5), {"adaptive max-pool of lines to 10 of 64x128": ((64, 128), 10)}
    ),
    *adaptive("AdaptiveAvgPool1d", LINES, (3, 5), {"global average of lines 64x128": ((64, 128), 1)}),
]

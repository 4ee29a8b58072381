"""Pools."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Shape


def pool(
    n: int,
    x: Shape,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    **extra: Any,
) -> Case:
    settings = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    return Case("MaxPool2d", n, (x,), settings, **extra)


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
    pool(
        2, (3, 5, 5), 2, stride=3, padding=1, ceil_mode=True
    ),  # a rounded-up window that would see only padding
    pool(0, (3, 8, 8), 2),
    pool(2, (2, 4, 3), (2, 3), stride=1, padding=((1, 0), (0, 1)), jacobian=True),
    pool(1, (3, 5, 5), 2, ceil_mode=True, jacobian=True),
    pool(2, (8, 28, 28), 2, row="d4 pool1 2x2 on 8x28x28"),
    pool(2, (32, 26, 26), 2, row="letters pool1 2x2 on 32x26x26"),
    pool(2, (64, 11, 11), 2, ceil_mode=True, row="letters pool2 2x2 rounding up on 64x11x11"),
    pool(2, (16, 28, 28), 3, 2, ((0, 1), (0, 1)), row="numpy-mnist pool1 3x3 stride 2 on 16x28x28"),
]

"""Upsampling and downsampling."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Shape


def up(n: int, x: Shape, scale_factor: Any, mode: str = "nearest", **extra: Any) -> Case:
    op = "Upsample2d" if len(x) == 3 else "Upsample1d"
    return Case(op, n, (x,), {"scale_factor": scale_factor, "mode": mode}, **extra)


def down(n: int, x: Shape, factor: Any, **extra: Any) -> Case:
    return Case("Downsample2d" if len(x) == 3 else "Downsample1d", n, (x,), {"factor": factor}, **extra)


RESAMPLING = [
    up(1, (1, 1, 1), 1),
    up(3, (17, 4, 5), 2),
    up(2, (3, 5, 3), (1, 3)),
    up(2, (33, 3, 4), (3, 2), "zeros"),
    up(2, (5, 1, 6), 4, "zeros"),
    up(2, (19, 2, 3), (5, 4)),
    up(0, (3, 4, 4), 2),
    up(2, (3, 2, 3), (2, 3), jacobian=True),
    up(1, (2, 3, 2), 2, "zeros", jacobian=True),
    up(2, (32, 14, 14), 2, row="upsample nearest by 2 32x14x14"),
    up(2, (32, 14, 14), 2, "zeros", row="upsample zeros by 2 32x14x14"),
    up(1, (1, 1), 3),
    up(5, (17, 9), 2),
    up(2, (3, 7), 4, "zeros"),
    up(0, (3, 4), 2, "zeros"),
    up(2, (3, 4), 3, jacobian=True),
    up(2, (64, 128), 2, row="upsample1d nearest by 2 64x128"),
    down(1, (1, 1, 1), 1),
    down(3, (17, 7, 9), 2),
    down(2, (3, 5, 6), (1, 3)),
    down(2, (33, 4, 5), 7),  # one pixel is left
    down(0, (3, 4, 4), 2),
    down(2, (2, 3, 5), (2, 3), jacobian=True),
    down(2, (32, 28, 28), 2, row="downsample by 2 32x28x28"),
    down(1, (1, 1), 3),
    down(5, (17, 10), 3),
    down(0, (3, 4), 2),
    down(2, (3, 5), 2, jacobian=True),
    down(2, (64, 128), 2, row="downsample1d by 2 64x128"),
]

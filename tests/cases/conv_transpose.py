"""Transposed convolutions."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Shape


def transpose(n: int, x: Shape, c_out: int, kernel_size: Any, bias: bool = True, **settings: Any) -> Case:
    """For images or lines, by the shape."""
    extra = {key: settings.pop(key) for key in ("row", "jacobian") if key in settings}
    channels = {"in_channels": x[0], "out_channels": c_out, "kernel_size": kernel_size}
    op = "ConvTranspose2d" if len(x) == 3 else "ConvTranspose1d"
    return Case(op, n, (x,), {**channels, **settings, "bias": bias}, **extra)


CONV_TRANSPOSE = [
    transpose(1, (1, 1, 1), 1, 1),
    transpose(5, (17, 5, 6), 33, 1),
    transpose(2, (3, 5, 7), 17, 3, padding=1),
    transpose(3, (16, 7, 7), 8, 3, stride=2, padding=1, output_padding=1),
    transpose(2, (33, 4, 3), 5, (2, 4), stride=(2, 3), output_padding=(0, 2), bias=False),
    transpose(2, (3, 4, 6), 7, 2, stride=3),  # pixels that no window reaches: the bias alone
    transpose(2, (5, 6, 4), 3, (3, 5), stride=(1, 2), padding=((1, 0), (4, 3)), dilation=(3, 1)),
    transpose(2, (8, 5, 6), 19, 3, stride=(2, 3), padding=(2, 0), dilation=(3, 2), output_padding=(2, 1)),
    transpose(2, (8, 6, 7), 8, 3, stride=2, padding=1, groups=8),  # depthwise
    transpose(2, (19, 5, 4), 57, (2, 3), dilation=2, groups=19),
    transpose(3, (8, 5, 5), 12, 4, stride=2, padding=1, groups=4),
    transpose(2, (34, 4, 5), 6, 3, padding=1, groups=2),
    transpose(0, (3, 4, 4), 2, 3, stride=2),
    transpose(2, (3, 3, 2), 2, (2, 3), stride=(2, 1), padding=((0, 1), (1, 0)), jacobian=True),
    transpose(1, (4, 3, 3), 6, 2, False, stride=3, output_padding=2, dilation=2, groups=2, jacobian=True),
    transpose(2, (64, 14, 14), 32, 4, stride=2, padding=1, row="transposed 4x4 stride 2 64->32 on 14x14"),
    transpose(2, (32, 7, 7), 16, 2, stride=2, row="transposed 2x2 stride 2 32->16 on 7x7"),
    transpose(1, (1, 1), 1, 1),
    transpose(5, (17, 12), 33, 4, stride=3, padding=(1, 2)),
    transpose(2, (3, 9), 8, 3, stride=4, output_padding=3),
    transpose(2, (16, 11), 16, 5, stride=2, padding=2, output_padding=1, groups=16),
    transpose(2, (6, 8), 9, 3, padding=3, dilation=2, groups=3, bias=False),
    transpose(0, (3, 4), 2, 3),
    transpose(2, (2, 4), 3, 3, stride=2, padding=1, output_padding=1, jacobian=True),
    transpose(2, (64, 64), 32, 4, stride=2, padding=1, row="transposed 4 stride 2 64->32 on 64"),
]

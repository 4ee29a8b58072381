"""Convolutions."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Shape


def conv(
    n: int,
    x: Shape,
    c_out: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    bias: bool = True,
    dilation: Any = 1,
    groups: int = 1,
    **extra: Any,
) -> Case:
    settings = {"in_channels": x[0], "out_channels": c_out, "kernel_size": kernel_size}
    window = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    usual = {"dilation": 1, "groups": 1}
    changed = {k: v for k, v in window.items() if k not in usual or v != usual[k]}
    return Case("Conv2d", n, (x,), {**settings, **changed, "bias": bias}, **extra)


CONV2D = [
    conv(1, (1, 1, 1), 1, 1),
    conv(5, (17, 6, 5), 33, 1),  # a matrix product
    conv(2, (65, 5, 7), 17, 1, stride=2),
    conv(2, (3, 5, 4), 7, (5, 4)),  # kernel = input
    conv(17, (1, 13, 11), 16, 3),
    conv(33, (3, 9, 7), 8, 3, padding=1),
    conv(5, (31, 7, 5), 32, 3),
    conv(2, (32, 6, 7), 65, 3, padding=1),
    conv(5, (65, 5, 5), 31, 3),
    conv(2, (33, 4, 9), 17, (1, 3)),
    conv(2, (8, 9, 4), 7, (3, 1)),
    conv(1, (3, 3, 31), 33, 3),  # one row of outputs, 29 of them
    conv(2, (1, 37, 3), 3, 3, padding=((0, 0), (1, 1))),
    conv(2, (16, 11, 13), 3, (5, 2), stride=2),
    conv(5, (7, 17, 19), 8, 3, stride=(2, 3), padding=((0, 1), (1, 0))),
    conv(2, (3, 11, 11), 8, 2, stride=3),  # stride > kernel: some pixels are never seen
    conv(2, (8, 10, 13), 17, 4, stride=3, padding=((2, 1), (0, 3))),
    conv(2, (3, 23, 19), 8, (11, 9)),  # kernel larger than any tile
    conv(2, (1, 5, 5), 3, 7, padding=3),  # kernel larger than the image
    conv(2, (8, 3, 3), 8, 3, padding=2),
    conv(2, (1, 4, 4), 7, 2, padding=((3, 0), (0, 4))),  # outputs that see nothing but padding
    conv(5, (16, 7, 7), 16, 3, padding=1, bias=False),
    conv(0, (3, 8, 8), 16, 3),
    conv(2, (5, 9, 11), 17, 3, padding=2, dilation=2),
    conv(2, (3, 11, 7), 8, (2, 3), padding=((1, 0), (3, 0)), dilation=(4, 1)),
    conv(3, (8, 1, 1), 9, 3, padding=3, dilation=3),  # one pixel, seen by the middle of the window alone
    conv(2, (7, 13, 12), 5, (3, 4), stride=(2, 6), padding=((3, 2), (0, 7)), dilation=(3, 4)),
    conv(2, (3, 17, 15), 4, 2, stride=5, dilation=2),  # stride > what a window reaches
    conv(3, (32, 9, 7), 32, 3, padding=1, groups=32),  # depthwise
    conv(2, (19, 8, 11), 19, (3, 5), stride=2, padding=(1, 2), groups=19),
    conv(2, (5, 7, 9), 15, 3, padding=1, groups=5),  # three outputs for each channel
    conv(1, (3, 6, 5), 51, (2, 3), groups=3),
    conv(2, (33, 10, 9), 33, 3, stride=(2, 3), padding=((1, 2), (0, 3)), dilation=(3, 2), groups=33),
    conv(3, (16, 9, 8), 24, 3, padding=1, groups=4),  # groups of less than a vector
    conv(2, (6, 7, 5), 9, 2, stride=2, padding=1, bias=False, groups=3),
    conv(2, (34, 6, 7), 66, 3, padding=1, groups=2),
    conv(2, (9, 8, 6), 60, (1, 2), dilation=(1, 3), groups=3),
    conv(0, (4, 5, 5), 4, 3, dilation=2, groups=4),
    conv(2, (4, 4, 3), 6, (2, 3), stride=(2, 1), padding=1, dilation=(1, 2), groups=2, jacobian=True),
    conv(1, (3, 4, 4), 3, 3, padding=1, groups=3, jacobian=True),
    conv(1, (2, 6, 5), 3, (2, 3), stride=(3, 2), padding=2, dilation=(2, 3), jacobian=True),
    conv(2, (2, 4, 3), 3, (2, 3), stride=(2, 1), padding=((1, 0), (0, 2)), jacobian=True),
    conv(1, (3, 4, 4), 2, 3, padding=1, bias=False, jacobian=True),
    conv(2, (1, 5, 4), 5, 3, jacobian=True),
    conv(2, (5, 2, 2), 3, 1, jacobian=True),
    conv(1, (2, 5, 5), 2, 2, stride=3, jacobian=True),
    conv(2, (32, 28, 28), 32, 3, padding=1, groups=32, row="depthwise 3x3 32 on 28x28"),
    conv(2, (128, 14, 14), 128, 3, padding=1, groups=128, row="depthwise 3x3 128 on 14x14"),
    conv(2, (64, 28, 28), 64, 3, stride=2, padding=1, groups=64, row="depthwise 3x3 stride 2 64 on 28x28"),
    conv(2, (64, 14, 14), 64, 3, padding=1, groups=16, row="16 groups 3x3 64->64 on 14x14"),
    conv(2, (32, 28, 28), 32, 3, padding=2, dilation=2, row="dilated by 2 3x3 32->32 on 28x28"),
    conv(3, (1, 28, 28), 8, 3, padding=1, row="d4 conv1 3x3 1->8 on 28x28"),
    conv(2, (8, 14, 14), 16, 3, padding=1, row="d4 conv2 3x3 8->16 on 14x14"),
    conv(3, (1, 28, 28), 32, 3, row="letters conv1 3x3 1->32 on 28x28"),
    conv(2, (32, 13, 13), 64, 3, row="letters conv2 3x3 32->64 on 13x13"),
    conv(2, (64, 6, 6), 128, 3, row="letters conv3 3x3 64->128 on 6x6"),
    conv(3, (1, 28, 28), 16, 3, padding=1, bias=False, row="numpy-mnist conv1 3x3 1->16 on 28x28"),
    conv(2, (16, 14, 14), 32, 3, padding=1, bias=False, row="numpy-mnist conv2 3x3 16->32 on 14x14"),
    conv(2, (32, 7, 7), 64, 3, padding=1, bias=False, row="numpy-mnist conv3 3x3 32->64 on 7x7"),
]


def conv1d(n: int, x: Shape, c_out: int, kernel_size: int, bias: bool = True, **settings: Any) -> Case:
    extra = {key: settings.pop(key) for key in ("row", "jacobian") if key in settings}
    channels = {"in_channels": x[0], "out_channels": c_out, "kernel_size": kernel_size}
    return Case("Conv1d", n, (x,), {**channels, **settings, "bias": bias}, **extra)


CONV1D = [
    conv1d(1, (1, 1), 1, 1),
    conv1d(5, (17, 31), 33, 1),
    conv1d(3, (1, 37), 16, 5),
    conv1d(2, (3, 19), 7, 3, padding=1),
    conv1d(33, (8, 12), 17, 4, stride=3, padding=(2, 1), bias=False),
    conv1d(2, (5, 23), 8, 2, stride=5, dilation=2),
    conv1d(2, (6, 17), 9, 3, stride=2, padding=4, dilation=3, groups=3),
    conv1d(3, (19, 14), 19, 5, padding=(3, 1), groups=19),
    conv1d(2, (4, 1), 5, 3, padding=3, dilation=3),
    conv1d(0, (3, 9), 4, 3),
    conv1d(2, (2, 7), 3, 2, stride=2, padding=(0, 2), dilation=2, jacobian=True),
    conv1d(2, (4, 5), 4, 3, padding=1, groups=4, jacobian=True),
    conv1d(2, (64, 128), 64, 3, padding=1, row="conv1d 3 64->64 on 128"),
    conv1d(2, (40, 96), 128, 5, stride=2, row="conv1d 5 stride 2 40->128 on 96"),
    conv1d(2, (128, 96), 128, 5, padding=2, groups=128, row="conv1d depthwise 5 128 on 96"),
]

"""Learned offsets."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Shape


def position_bias(n: int, x: Shape, **extra: Any) -> Case:
    return Case("PositionBias", n, (x,), dict(zip(("channels", "height", "width"), x, strict=True)), **extra)


BIASES = [
    Case("ChannelBias", 1, ((1, 1, 1),), {"channels": 1}),
    Case("ChannelBias", 33, ((7, 3, 5),), {"channels": 7}),
    Case("ChannelBias", 5, ((65, 4, 3),), {"channels": 65}),
    Case("ChannelBias", 0, ((3, 4, 4),), {"channels": 3}),
    Case("ChannelBias", 2, ((3, 2, 2),), {"channels": 3}, jacobian=True),
    Case("ChannelBias", 2, ((16, 28, 28),), {"channels": 16}, row="channel bias 16x28x28"),
    position_bias(1, (1, 1, 1)),
    position_bias(33, (7, 3, 5)),
    position_bias(5, (17, 4, 3)),
    position_bias(0, (3, 4, 4)),
    position_bias(2, (3, 2, 2), jacobian=True),
    position_bias(2, (16, 28, 28), row="numpy-mnist position bias 16x28x28"),
]

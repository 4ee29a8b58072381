"""Pools with random settings on random inputs, such as PyTorch can compute as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.cases import Case
from tests.support.engine import op_of

Rng = np.random.Generator

CHANNELS = (1, 2, 3, 5, 8, 13, 16, 20, 33, 70)


def images(rng: Rng) -> int:
    return int(rng.choice([0, 1, 1, 2, 3]))


def extents(rng: Rng, axes: int) -> tuple[int, ...]:
    """Channels, then one or two sizes: sometimes a single pixel."""
    sizes = np.where(rng.random(axes) < 0.1, 1, rng.integers(1, 14, axes))
    return int(rng.choice(CHANNELS)), *(int(s) for s in sizes)


def draw_sliding(rng: Rng, axes: int, largest: bool) -> tuple[tuple[int, ...], dict[str, Any]]:
    """An input's shape, and kernel_size, stride, padding, ceil_mode, dilation, by axis; they may not fit."""
    shape = extents(rng, axes)
    usual = rng.random() < 0.4  # those with kernels of their own
    kernel = np.full(axes, rng.integers(2, 4)) if usual else rng.integers(1, 6, axes)
    stride = np.full(axes, rng.integers(1, 4)) if usual else rng.integers(1, 7, axes)
    dilation = rng.integers(1, 4, axes) if rng.random() < 0.4 else np.ones(axes, int)
    ceil_mode = bool(rng.integers(2))
    if ceil_mode and not largest:  # a dilated mean is compared with a convolution, which rounds down
        dilation = np.ones(axes, int)
    reach = (kernel - 1) * dilation + 1
    if ceil_mode or rng.integers(2):  # rounding up, PyTorch pads both sides alike, by at most half the kernel
        padding = [(p, p) for p in (int(rng.integers(0, k // 2 + 1)) for k in kernel)]
    else:
        padding = [(int(rng.integers(0, r)), int(rng.integers(0, r))) for r in reach]
    settings = {"kernel_size": kernel.tolist(), "stride": stride.tolist(), "padding": padding}
    settings["dilation"] = dilation.tolist()
    return shape, {k: tuple(v) for k, v in settings.items()} | {"ceil_mode": ceil_mode}


def fits(case: Case) -> bool:
    try:
        op_of(case).output_shape(*case.inputs)
    except ValueError:
        return False
    return True


def draw_window(op: str, rng: Rng) -> Case:
    axes = int(op[-2])
    while True:
        shape, settings = draw_sliding(rng, axes, largest=op.startswith("Max"))
        if axes == 1:
            settings = {k: v[0] if isinstance(v, tuple) else v for k, v in settings.items()}
        if op.startswith("Avg"):
            settings["count_include_pad"] = bool(rng.integers(2))
        if op == "AvgPool2d" and rng.random() < 0.2:
            settings["divisor_override"] = int(rng.integers(1, 9))
        case = Case(op, images(rng), (shape,), settings)
        if fits(case):
            return case


def draw_adaptive(op: str, rng: Rng) -> Case:
    shape = extents(rng, int(op[-2]))
    whole = rng.random() < 0.2
    size = tuple(1 if whole else int(rng.integers(1, s + 4)) for s in shape[1:])
    return Case(op, images(rng), (shape,), {"output_size": size if len(size) == 2 else size[0]})


def drawing(op: str) -> Callable[[Rng], Case]:
    return lambda rng: (draw_adaptive if op.startswith("Adaptive") else draw_window)(op, rng)


POOLS = [f"{kind}Pool{axes}d" for kind in ("Max", "Avg", "AdaptiveMax", "AdaptiveAvg") for axes in (1, 2)]
DRAWN: dict[str, Callable[[Rng], Case]] = {op: drawing(op) for op in POOLS}

"""The windows of a pool as explicit padding, for libraries without our settings."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from cnnfast import _core

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Windows:
    """One entry per axis (height, width). The padding at the end extends to the end of the last window.

    divisors: the divisor of each window in average pooling, of the shape of the output.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: Pairs
    divisors: np.ndarray[Any, Any]

    @classmethod
    def of(cls, op: _core.Op, shape: Sequence[int]) -> Windows:
        """Of a pool over (c, l) or (c, h, w); adaptive ones if their windows have equal sizes."""
        s, (c, *extents) = op.settings(), shape
        _, *outputs = op.output_shape((c, *extents))
        if "output_size" in s:
            kernel = adaptive_kernel(op, extents)
            padding: Pairs = ((0, 0),) * len(kernel)
            return cls(kernel, kernel, (1,) * len(kernel), padding, np.full(outputs, math.prod(kernel)))
        kernel, stride, given = each(s["kernel_size"]), each(s["stride"]), ends(s["padding"])
        dilation = each(s["dilation"]) if "dilation" in s else (1,) * len(kernel)
        padding, counts = (), []
        for k, step, apart, (before, after), extent, count in zip(
            kernel, stride, dilation, given, extents, outputs, strict=True
        ):
            starts = np.arange(count) * step - before
            padding += ((before, max(0, int(starts[-1]) + (k - 1) * apart + 1 - extent)),)
            # padding counts if count_include_pad is set, what ceil_mode adds never does
            lowest, highest = (-before, extent + after) if s.get("count_include_pad") else (0, extent)
            taps = starts[:, None] + np.arange(k) * apart
            counts.append(((taps >= lowest) & (taps < highest)).sum(1))
        divisors = functools.reduce(np.multiply.outer, counts)
        if s.get("divisor_override"):
            divisors = np.full_like(divisors, s["divisor_override"])
        return cls(kernel, stride, dilation, padding, divisors)


def adaptive_kernel(op: _core.Op, extents: Sequence[int]) -> tuple[int, ...]:
    """Kernel size and stride of an adaptive pool whose windows all have equal sizes."""
    wanted = each(op.settings()["output_size"])
    if any(extent % count for extent, count in zip(extents, wanted, strict=True)):
        shapes = ("x".join(map(str, shape)) for shape in (extents, wanted))
        raise NotImplementedError(f"{op.name} with unequal windows has no equivalent ({' to '.join(shapes)})")
    return tuple(extent // count for extent, count in zip(extents, wanted, strict=True))


def each(setting: int | tuple[int, ...]) -> tuple[int, ...]:
    """One number per axis, of a setting in one or two dimensions."""
    return (setting,) if isinstance(setting, int) else setting


def how_nearest(settings: dict[str, Any]) -> tuple[str, str]:
    """The rules of a nearest resize; other libraries have a few of them, under names of their own."""
    return settings["nearest_mode"], settings["coordinate_transformation_mode"]


def ends(padding: Any) -> Pairs:
    """(before, after) for each axis, from (1, 2) in one dimension or ((1, 2), (0, 0)) in two."""
    return (padding,) if isinstance(padding[0], int) else tuple(padding)

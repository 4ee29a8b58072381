"""Where the windows of a pool lie, for libraries that do not know our settings."""

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
    """One entry an axis (height, width). The padding behind reaches as far as the last window does.

    divisors: what the sum of each window is divided by in an average, of the shape of the output.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: Pairs
    divisors: np.ndarray[Any, Any]

    @classmethod
    def of(cls, op: _core.Op, shape: Sequence[int]) -> Windows:
        """Of a pool over a line (c, l) or an image (c, h, w); adaptive ones if their windows are alike."""
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
            # padding counts if it is told to, what rounding up adds never does
            lowest, highest = (-before, extent + after) if s.get("count_include_pad") else (0, extent)
            counts.append(np.minimum(starts + k, highest) - np.maximum(starts, lowest))
        divisors = functools.reduce(np.multiply.outer, counts)
        if s.get("divisor_override"):
            divisors = np.full_like(divisors, s["divisor_override"])
        return cls(kernel, stride, dilation, padding, divisors)


def adaptive_kernel(op: _core.Op, extents: Sequence[int]) -> tuple[int, ...]:
    """Size and step of the windows of an adaptive pool, where all are alike."""
    wanted = each(op.settings()["output_size"])
    if any(extent % count for extent, count in zip(extents, wanted, strict=True)):
        shapes = ("x".join(map(str, shape)) for shape in (extents, wanted))
        raise NotImplementedError(
            f"no counterpart of {op.name} with unequal windows is known ({' to '.join(shapes)})"
        )
    return tuple(extent // count for extent, count in zip(extents, wanted, strict=True))


def each(setting: int | tuple[int, ...]) -> tuple[int, ...]:
    """One number an axis, of a setting of a line or an image."""
    return (setting,) if isinstance(setting, int) else setting


def ends(padding: Any) -> Pairs:
    """(before, after) an axis: (1, 2) of a line, ((1, 2), (0, 0)) of an image."""
    return (padding,) if isinstance(padding[0], int) else tuple(padding)

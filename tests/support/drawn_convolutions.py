"""Convolutions and resampling at random geometries: empty batches, one-pixel images, strides larger than
kernels, dilation with padding, groups of every kind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.cases import Case, conv, conv1d, down, transpose, up

Rng = np.random.Generator


def draw_batch(rng: Rng) -> int:
    return int(rng.choice([0, 1, 2, 3, 5]))


def draw_channels(rng: Rng) -> tuple[int, int, int]:
    """(c_in, c_out, groups): dense, depthwise with and without a multiplier, and groups of any size."""
    match rng.integers(4):
        case 0:
            return int(rng.choice([1, 2, 3, 8, 13, 16, 33])), int(rng.choice([1, 2, 5, 8, 17, 40])), 1
        case 1:
            groups = int(rng.choice([2, 3, 8, 13, 16, 33]))
            return groups, groups * int(rng.choice([1, 1, 2, 3, 9])), groups
        case 2:
            groups = int(rng.choice([2, 3, 5, 9]))
            return groups * int(rng.integers(1, 5)), groups * int(rng.integers(1, 5)), groups
    groups = int(rng.choice([2, 3]))
    return groups * int(rng.choice([1, 7, 16])), groups * int(rng.choice([1, 8, 19])), groups


def draw_window(rng: Rng, longest: int = 14) -> dict[str, Any]:
    """One axis: an input and a window that fits it, dilated or not, with any stride."""
    size = int(rng.choice([1, rng.integers(1, longest)]))
    before, after = (int(p) for p in rng.integers(0, 5, 2))
    kernel = int(rng.integers(1, min(size + before + after, 5) + 1))
    dilation = 1
    if rng.integers(2) and kernel > 1:
        dilation = int(rng.integers(1, min(4, (size + before + after - 1) // (kernel - 1)) + 1))
    stride = int(rng.choice([1, 1, 2, 3, 4, 6]))
    return {"size": size, "kernel": kernel, "stride": stride, "pad": (before, after), "dilation": dilation}


def draw_conv2d(rng: Rng) -> Case:
    c_in, c_out, groups = draw_channels(rng)
    v, u = draw_window(rng), draw_window(rng)
    kernel, stride, padding, dilation = ((v[k], u[k]) for k in ("kernel", "stride", "pad", "dilation"))
    shape = (c_in, v["size"], u["size"])
    settings = (c_out, kernel, stride, padding, bool(rng.integers(2)), dilation, groups)
    return conv(draw_batch(rng), shape, *settings)


def draw_conv1d(rng: Rng) -> Case:
    c_in, c_out, groups = draw_channels(rng)
    u = draw_window(rng, 40)
    window = {"stride": u["stride"], "padding": u["pad"], "dilation": u["dilation"], "groups": groups}
    bias = bool(rng.integers(2))
    return conv1d(draw_batch(rng), (c_in, u["size"]), c_out, u["kernel"], bias, **window)


def draw_transposed(rng: Rng) -> dict[str, Any]:
    """One axis: the padding crops both ends, but leaves at least one value."""
    size, kernel = int(rng.choice([1, rng.integers(1, 9)])), int(rng.integers(1, 6))
    stride, dilation = int(rng.choice([1, 2, 2, 3, 4, 6])), int(rng.choice([1, 1, 2, 3]))
    extra = int(rng.integers(0, max(stride, dilation)))
    room = (size - 1) * stride + (kernel - 1) * dilation + extra
    before = int(rng.integers(0, min(room, 4) + 1))
    after = int(rng.integers(0, min(room - before, 4) + 1))
    if rng.integers(2):
        before = after = min(before, after)
    window = {"stride": stride, "padding": (before, after), "output_padding": extra, "dilation": dilation}
    return {"size": size, "kernel": kernel, **window}


def draw_conv_transpose2d(rng: Rng) -> Case:
    c_in, c_out, groups = draw_channels(rng)
    v, u = draw_transposed(rng), draw_transposed(rng)
    window = {key: (v[key], u[key]) for key in ("stride", "padding", "output_padding", "dilation")}
    bias = bool(rng.integers(2))
    shape, kernel = (c_in, v["size"], u["size"]), (v["kernel"], u["kernel"])
    return transpose(draw_batch(rng), shape, c_out, kernel, bias, **window, groups=groups)


def draw_conv_transpose1d(rng: Rng) -> Case:
    c_in, c_out, groups = draw_channels(rng)
    u = draw_transposed(rng)
    size, kernel, bias = u.pop("size"), u.pop("kernel"), bool(rng.integers(2))
    return transpose(draw_batch(rng), (c_in, size), c_out, kernel, bias, **u, groups=groups)


def draw_shape(rng: Rng, axes: int) -> tuple[int, ...]:
    return int(rng.choice([1, 3, 8, 16, 33])), *(
        int(rng.choice([1, rng.integers(1, 9)])) for _ in range(axes)
    )


def draw_factor(rng: Rng, axes: int) -> Any:
    factors = tuple(int(f) for f in rng.integers(1, 5, axes))
    return factors[0] if axes == 1 else factors


def draw_up(axes: int) -> Callable[[Rng], Case]:
    def draw(rng: Rng) -> Case:
        mode = "nearest" if rng.integers(2) else "zeros"
        return up(draw_batch(rng), draw_shape(rng, axes), draw_factor(rng, axes), mode)

    return draw


def draw_down(axes: int) -> Callable[[Rng], Case]:
    return lambda rng: down(draw_batch(rng), draw_shape(rng, axes), draw_factor(rng, axes))


FAMILIES: dict[str, Callable[[Rng], Case]] = {
    "Conv1d": draw_conv1d,
    "Conv2d": draw_conv2d,
    "ConvTranspose1d": draw_conv_transpose1d,
    "ConvTranspose2d": draw_conv_transpose2d,
    "Upsample1d": draw_up(1),
    "Upsample2d": draw_up(2),
    "Downsample1d": draw_down(1),
    "Downsample2d": draw_down(2),
}

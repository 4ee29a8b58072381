"""Rules of the operations that slide a window: convolutions and pools, of images and sequences."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..._types import Array, Shape
from .rule import Indices, Parts, Readers, Rule, Values, channel, of_channel, plane, product_parts

Bins = tuple[tuple[tuple[int, int], ...], ...]


@dataclass(frozen=True, eq=False)
class _Windows(Rule):
    """Lists have an entry for each axis; padding is (before, after)."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    @cached_property
    def taps(self) -> list[Indices]:
        """Of each axis, (outputs, taps): the input position that an output reads, -1 outside of the image."""
        found = []
        for axis, kernel in enumerate(self.kernel):
            extent_in, extent_out = self.input_shapes[0][1 + axis], self.output_shape[1 + axis]
            origin = np.arange(extent_out)[:, None] * self.stride[axis] - self.padding[axis][0]
            at = origin + np.arange(kernel) * self.dilation[axis]
            found.append(np.where((at >= 0) & (at < extent_in), at, -1))
        return found

    def sources(self) -> list[Indices]:
        return self.taps

    def window(self, index: int) -> Indices:
        """Input positions of the window of an output, in its plane, row by row; -1 outside."""
        at = np.unravel_index(index, self.output_shape)[1:]
        return _in_plane([taps[i] for taps, i in zip(self.taps, at, strict=True)], self.input_shapes[0])

    def containing(self, index: int) -> tuple[Indices, Indices]:
        """(positions in the output's plane, taps) of the windows that contain an input."""
        at = np.unravel_index(index, self.input_shapes[0])[1:]
        pairs = [np.nonzero(taps == i) for taps, i in zip(self.taps, at, strict=True)]
        outputs = _in_plane([out for out, _ in pairs], self.output_shape)
        kernel = (1, *(taps.shape[1] for taps in self.taps))
        return outputs, _in_plane([tap for _, tap in pairs], kernel)


def _in_plane(axes: list[Indices], shape: Shape) -> Indices:
    """Positions in a plane from those on each axis; -1 where one of them is."""
    flat = axes[0]
    for axis, extent in zip(axes[1:], shape[2:], strict=True):
        flat = np.where((flat[:, None] >= 0) & (axis >= 0), flat[:, None] * extent + axis, -1).ravel()
    return flat


@dataclass(frozen=True, eq=False)
class WindowSum(_Windows):
    """A convolution: weight (c_out, c_in / groups, k...). Transposed: weight (c_in, c_out / groups, k...),
    and output o and tap t read input i where i * stride + t * dilation - before = o.
    """

    kind = "window_sum"
    groups: int
    transposed: bool
    weight: Array
    bias: Array | None

    @cached_property
    def taps(self) -> list[Indices]:
        if not self.transposed:
            return super().taps
        found = []
        for axis, kernel in enumerate(self.kernel):
            extent_in, extent_out = self.input_shapes[0][1 + axis], self.output_shape[1 + axis]
            steps = np.arange(extent_out)[:, None] + self.padding[axis][0]
            at, rest = np.divmod(steps - np.arange(kernel) * self.dilation[axis], self.stride[axis])
            found.append(np.where((rest == 0) & (at >= 0) & (at < extent_in), at, -1))
        return found

    @property
    def _group(self) -> tuple[int, int]:
        """Channels of a group: of the input, of the output."""
        return self.input_shapes[0][0] // self.groups, self.output_shape[0] // self.groups

    def _weights(self, c_in: Indices, c_out: Indices) -> Indices:
        """Position of the first tap in the flat weight, for channels of one group."""
        first, second = (c_in, c_out) if self.transposed else (c_out, c_in)
        size = self.weight.shape[1]
        begin: Indices = (first * size + second % size) * plane((1, *self.weight.shape[2:]))
        return begin

    def parts(self, inputs: Values, index: int) -> Parts:
        c_out = channel(self.output_shape, index)
        group_in, group_out = self._group
        c_in = c_out // group_out * group_in + np.arange(group_in)
        window = self.window(index)
        taps = np.flatnonzero(window >= 0)
        sources = (c_in[:, None] * plane(self.input_shapes[0]) + window[taps]).ravel()
        parameters = (self._weights(c_in, np.full_like(c_in, c_out))[:, None] + taps).ravel()
        bias = 0.0 if self.bias is None else float(self.bias[c_out])
        return product_parts(
            sources, inputs[0], self.weight.ravel()[parameters], parameters=parameters, bias=bias
        )

    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        c_in = channel(self.input_shapes[0], index)
        group_in, group_out = self._group
        c_out = c_in // group_in * group_out + np.arange(group_out)
        positions, taps = self.containing(index)
        outputs = (c_out[:, None] * plane(self.output_shape) + positions).ravel()
        parameters = (self._weights(np.full_like(c_out, c_in), c_out)[:, None] + taps).ravel()
        return Readers(outputs, self.weight.ravel()[parameters])

    def parameter_readers(self, inputs: Values, name: str, index: int) -> Readers:
        if name == "bias":
            outputs = of_channel(self.output_shape, index)
            return Readers(outputs, np.ones(len(outputs)))
        first, second, *tap = (int(i) for i in np.unravel_index(index, self.weight.shape))
        group_in, group_out = self._group
        if self.transposed:
            c_in, c_out = first, first // group_in * group_out + second
        else:
            c_in, c_out = first // group_out * group_in + second, first
        window = _in_plane([taps[:, t] for taps, t in zip(self.taps, tap, strict=True)], self.input_shapes[0])
        positions = np.flatnonzero(window >= 0)
        x = inputs[0].reshape(self.input_shapes[0][0], -1)[c_in]
        return Readers(c_out * plane(self.output_shape) + positions, x[window[positions]])


@dataclass(frozen=True, eq=False)
class _Pool(_Windows):
    """`bins`: for adaptive pools (first, end) of each window on each axis; other fields are empty."""

    bins: Bins | None

    @cached_property
    def taps(self) -> list[Indices]:
        if self.bins is None:
            return super().taps
        found = []
        for axis in self.bins:
            widest = max(end - first for first, end in axis)
            at = np.array([first for first, _ in axis])[:, None] + np.arange(widest)
            found.append(np.where(at < np.array([end for _, end in axis])[:, None], at, -1))
        return found

    def _inside(self, index: int) -> Indices:
        """Positions in the flat input of an output's window."""
        window = self.window(index)
        c = channel(self.output_shape, index)
        return c * plane(self.input_shapes[0]) + window[window >= 0]

    def _outputs(self, index: int) -> Indices:
        """The outputs whose windows contain an input."""
        c = channel(self.input_shapes[0], index)
        return np.unique(c * plane(self.output_shape) + self.containing(index)[0])


@dataclass(frozen=True, eq=False)
class WindowMax(_Pool):
    """The largest value of a window, the first of equal ones; factor 1 for it and 0 for the others."""

    kind = "window_max"

    def parts(self, inputs: Values, index: int) -> Parts:
        sources = self._inside(index)
        values = inputs[0].ravel()[sources]
        factors = np.zeros(len(sources))
        factors[values.argmax()] = 1
        return Parts(sources, values, factors, np.where(factors > 0, values, 0.0))

    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        outputs, flat = self._outputs(index), inputs[0].ravel()
        windows = [self._inside(int(output)) for output in outputs]
        wins = [window[flat[window].argmax()] == index for window in windows]
        return Readers(outputs, np.array(wins, np.float64))


@dataclass(frozen=True, eq=False)
class WindowMean(_Pool):
    """The mean of a window. `counts`: of each axis, the positions by which each output divides; `divisor`,
    if any, instead of their product.
    """

    kind = "window_mean"
    counts: tuple[tuple[int, ...], ...]
    divisor: int | None

    def _divisor(self, index: int) -> int:
        if self.divisor is not None:
            return self.divisor
        at = np.unravel_index(index, self.output_shape)[1:]
        return int(np.prod([counts[i] for counts, i in zip(self.counts, at, strict=True)]))

    def parts(self, inputs: Values, index: int) -> Parts:
        sources = self._inside(index)
        return product_parts(sources, inputs[0], np.full(len(sources), 1 / self._divisor(index)))

    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        outputs = self._outputs(index)
        return Readers(outputs, np.array([1 / self._divisor(int(output)) for output in outputs]))

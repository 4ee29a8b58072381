"""What the engine calls for a `PythonLayer`: its output shape, and passes whose results are checked."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import type_of
from .._flat import windows
from .._types import Array, Shape

if TYPE_CHECKING:
    from .python_layer import PythonLayer


class Caller:
    """One place of a layer in a network, held by plans. It does not keep the layer alive."""

    def __init__(self, layer: PythonLayer, name: str) -> None:
        kind = type(layer).__name__
        self._layer = weakref.ref(layer)
        self._title = f'layer "{name}" ({kind})' if name else kind
        self._shapes: dict[Shape, Shape] = {}
        try:
            self._settings = layer.own_settings()
        except TypeError:  # not described, see `PythonLayer.own_settings`
            self._settings = {}

    def _alive(self) -> PythonLayer:
        layer = self._layer()
        if layer is None:
            raise RuntimeError(f"{self._title}: the layer of this plan no longer exists; keep its network")
        return layer

    def output_shape(self, input_shape: Shape) -> Shape:
        if input_shape not in self._shapes:
            layer = self._alive()
            self._shapes[input_shape] = _called(
                f"{self._title}: output shape for an input {input_shape}",
                layer.compute_output_shape,
                input_shape,
            )
        return self._shapes[input_shape]

    def settings(self) -> dict[str, Any]:
        return dict(self._settings)

    def begin(self, input_shape: Shape, output_shape: Shape, training: bool) -> _Pass:
        return _Pass(self._alive(), self._title, input_shape, output_shape, training)


class _Pass:
    """One pass over a batch: `forward`, then, in training, `backward`."""

    def __init__(
        self, layer: PythonLayer, title: str, input_shape: Shape, output_shape: Shape, training: bool
    ) -> None:
        self._shapes = layer.named_shapes()
        self._layer, self._title, self._training = layer, title, training
        self._input_shape, self._output_shape = input_shape, output_shape

    def forward(self, x: Array, params: Array) -> Array:
        params.flags.writeable = False
        self._dtype, self._n = x.dtype, len(x)
        self._run = self._layer.in_pass(self._training, dict(windows(params, self._shapes)))
        y = _called(f"{self._title}: forward", self._run.forward, x)
        return self._checked("forward", "y", y, self._output_shape)

    def backward(self, dy: Array) -> tuple[Array, Array]:
        """(dx, flat gradients of the parameters)"""
        result = _called(f"{self._title}: backward", self._run.backward, dy)
        gradients: Any = {}
        if self._shapes:
            if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], Mapping):
                names = ", ".join(f'"{name}": ...' for name, _ in self._shapes)
                raise TypeError(f"{self._title}: backward must return (dx, {{{names}}}), got {_what(result)}")
            result, gradients = result
        dx = self._checked("backward", "dx", result, self._input_shape)
        return dx, self._flat(gradients)

    def _flat(self, gradients: Mapping[str, Any]) -> Array:
        wanted = [name for name, _ in self._shapes]
        if set(gradients) != set(wanted):
            raise ValueError(
                f"{self._title}: backward must return the gradients of {', '.join(wanted)}, got "
                f"{', '.join(map(str, gradients)) or 'none'}"
            )
        flat = np.empty(sum(math.prod(shape) for _, shape in self._shapes), self._dtype)
        for name, window in windows(flat, self._shapes):
            window[...] = self._array("backward", f"the gradient of {name}", gradients[name], window.shape)
        return flat

    def _checked(self, method: str, what: str, value: object, shape: Shape) -> Array:
        return np.ascontiguousarray(self._array(method, what, value, (self._n, *shape)))

    def _array(self, method: str, what: str, value: object, shape: Shape) -> Array:
        who = f"{self._title}: {method} must return {what} as"
        if not isinstance(value, np.ndarray) or isinstance(value, np.ma.MaskedArray):
            raise TypeError(f"{who} a NumPy array, got {_what(value)}")
        if value.dtype != self._dtype:
            raise TypeError(
                f"{who} {self._dtype}, like its input, got {value.dtype}; use .astype(np.{self._dtype})"
            )
        if value.shape != shape:
            raise ValueError(f"{who} an array of shape {shape}, got {value.shape}")
        return value


def _what(value: object) -> str:
    if isinstance(value, np.ma.MaskedArray):
        return "a masked array"
    return "None (is a return missing?)" if value is None else type_of(value)


def _called(what: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a call; an exception gets a note that says what was called."""
    try:
        return function(*arguments)
    except BaseException as error:
        if hasattr(error, "add_note"):  # from Python 3.11 on
            error.add_note(what)
        raise

"""The only place that knows operations: `lower` makes the rule of one from its settings, parameters and
shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from ..._core import Op, apply_op
from ..._types import Array, Shape
from . import functions
from .normalization import LocalResponse, Normalize, Softmax
from .pointwise import Affine, Function
from .products import RBF, Linear, MatMul
from .rule import Indices, Rule
from .structure import Add, Concat, Copy, Mul, Opaque
from .windows import WindowMax, WindowMean, WindowSum


class Lowering(NamedTuple):
    """One operation, bound to its inputs.

    Attributes:
        op: The operation.
        settings: Its settings.
        parameters: float64 arrays by name.
        shapes: Those of the inputs and of the output, the two first arguments of every rule.
    """

    op: Op
    settings: dict[str, Any]
    parameters: dict[str, Array]
    shapes: tuple[tuple[Shape, ...], Shape]

    @property
    def positions(self) -> Shape:
        """Extents of the input without its channels."""
        return self.shapes[0][0][1:]

    def per_axis(self, name: str) -> tuple[Any, ...]:
        """A setting with an entry for each axis of the input without its channels."""
        value = self.settings[name]
        return tuple(value) if len(self.positions) == 2 else (value,)


def lower(op: Op, inputs: Sequence[Shape], parameters: dict[str, Array]) -> Rule:
    """The rule of an operation.

    Args:
        op: In inference: dropout does nothing, batch normalization uses running averages.
        inputs: Shapes of its inputs, without the batch axis.
        parameters: float64 arrays by name.
    """
    shapes = tuple(inputs), op.output_shape(*inputs)
    make = RULES.get(op.name)
    if make is None:
        return Opaque(
            *shapes, f"{op.name} is computed by Python code of its author, which cannot be explained"
        )
    return make(Lowering(op, op.settings(), parameters, shapes))


def _window(low: Lowering) -> tuple[Any, Any, Any, Any]:
    kernel, stride, padding, dilation = map(low.per_axis, ("kernel_size", "stride", "padding", "dilation"))
    return kernel, stride, padding, dilation


def _convolution(low: Lowering) -> Rule:
    transposed = low.op.name.startswith("ConvTranspose")
    weight, bias = low.parameters["weight"], low.parameters.get("bias")
    return WindowSum(*low.shapes, *_window(low), low.settings["groups"], transposed, weight, bias)


def _max_pool(low: Lowering) -> Rule:
    return WindowMax(*low.shapes, *_window(low), None)


def _average_pool(low: Lowering) -> Rule:
    kernel, stride, padding, dilation = _window(low)
    counts = []
    for axis, extent in enumerate(low.positions):
        before, after = padding[axis] if low.settings["count_include_pad"] else (0, 0)
        origin = np.arange(low.shapes[1][1 + axis])[:, None] * stride[axis] - padding[axis][0]
        at = origin + np.arange(kernel[axis]) * dilation[axis]
        counts.append(tuple(((at >= -before) & (at < extent + after)).sum(axis=1).tolist()))
    divisor = low.settings.get("divisor_override")
    return WindowMean(*low.shapes, kernel, stride, padding, dilation, None, tuple(counts), divisor)


def _adaptive_pool(low: Lowering) -> Rule:
    bins = tuple(
        tuple((i * extent // count, -(-(i + 1) * extent // count)) for i in range(count))
        for extent, count in zip(low.positions, low.shapes[1][1:], strict=True)
    )
    if "Max" in low.op.name:
        return WindowMax(*low.shapes, (), (), (), (), bins)
    counts = tuple(tuple(end - first for first, end in axis) for axis in bins)
    return WindowMean(*low.shapes, (), (), (), (), bins, counts, None)


def _copy_of_positions(low: Lowering) -> Rule:
    """Padding and resampling move positions in the same way in all channels: the operation itself, applied
    to numbers of positions, says from where to where.
    """
    value = float(low.settings.get("value", 0.0))
    index = _moved(low, np.arange(np.prod(low.shapes[0][0])).reshape(low.shapes[0][0]))
    axes = []
    for axis, extent in enumerate(low.positions):
        shape = [1] * (1 + len(low.positions))
        shape[1 + axis] = extent
        moved = _moved(low, np.broadcast_to(np.arange(extent).reshape(shape), low.shapes[0][0]))
        others = tuple(other for other in range(moved.ndim) if other != 1 + axis)
        axes.append(moved.max(axis=others)[:, None])
    return Copy(*low.shapes, index.ravel(), value, axes)


def _moved(low: Lowering, numbers: Array) -> Indices:
    """Numbers from 0 on as the operation moves them, -1 where it puts a constant."""
    settings = low.settings | ({"value": 0.0} if "value" in low.settings else {})
    op = type(low.op)(**settings)
    from_one = np.ascontiguousarray(numbers[None] + 1.0)
    moved: Indices = apply_op(op, [from_one])[0].astype(np.int64) - 1
    return moved


def _selection(low: Lowering) -> Rule:
    shape = low.shapes[0][0]
    index = np.arange(np.prod(shape)).reshape(shape)[list(low.settings["indices"])]
    return Copy(*low.shapes, index.ravel(), axes=[np.arange(extent)[:, None] for extent in shape[1:]])


def _same_order(low: Lowering) -> Rule:
    same = low.shapes[0][0] == low.shapes[1]
    return Copy(*low.shapes, axes=[np.arange(n)[:, None] for n in low.positions] if same else None)


def _function(low: Lowering) -> Rule:
    return Function(*low.shapes, *functions.formula(low.op.name, low.settings), low.op)


def _prelu(low: Lowering) -> Rule:
    weight = low.parameters["weight"]
    return Function(*low.shapes, "x > 0: x, else slope·x", float, None, weight)


def _bias(low: Lowering) -> Rule:
    per: Literal["channel", "element"] = "channel" if low.op.name == "ChannelBias" else "element"
    return Affine(*low.shapes, None, None, None, None, low.parameters["bias"], per)


def _batch_norm(low: Lowering) -> Rule:
    names = ("running_mean", "running_var", "weight", "bias")
    mean, variance, weight, bias = (low.parameters.get(name) for name in names)
    return Affine(*low.shapes, mean, variance, low.settings["eps"], weight, bias)


def _group_norm(low: Lowering) -> Rule:
    learned = low.parameters.get("weight"), low.parameters.get("bias")
    return Normalize(*low.shapes, low.settings["num_groups"], low.settings["eps"], *learned, "channel")


def _layer_norm(low: Lowering) -> Rule:
    learned = low.parameters.get("weight"), low.parameters.get("bias")
    return Normalize(*low.shapes, 1, low.settings["eps"], *learned, "element")


#: Of every operation of the engine.
RULES: dict[str, Callable[[Lowering], Rule]] = {
    **dict.fromkeys(("Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"), _convolution),
    **dict.fromkeys(("MaxPool1d", "MaxPool2d"), _max_pool),
    **dict.fromkeys(("AvgPool1d", "AvgPool2d"), _average_pool),
    **{f"Adaptive{kind}Pool{d}d": _adaptive_pool for kind in ("Max", "Avg") for d in (1, 2)},
    **{
        f"{kind}{d}d": _copy_of_positions
        for kind in ("Pad", "Resize", "Upsample", "Downsample")
        for d in (1, 2)
    },
    **dict.fromkeys(("Flatten", "Reshape", "Dropout", "Dropout2d"), _same_order),
    **dict.fromkeys(functions.NAMES, _function),
    **dict.fromkeys(("ChannelBias", "PositionBias"), _bias),
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d"), _batch_norm),
    "PReLU": _prelu,
    "GroupNorm": _group_norm,
    "LayerNorm": _layer_norm,
    "LocalResponseNorm": lambda low: LocalResponse(*low.shapes, **low.settings),
    "Softmax": lambda low: Softmax(*low.shapes, log=False),
    "LogSoftmax": lambda low: Softmax(*low.shapes, log=True),
    "SelectChannels": _selection,
    "Linear": lambda low: Linear(*low.shapes, low.parameters["weight"], low.parameters.get("bias")),
    "RBF": lambda low: RBF(*low.shapes, low.parameters["weight"], low.settings["scale"]),
    "MatMul": lambda low: MatMul(*low.shapes),
    "Add": lambda low: Add(*low.shapes),
    "Mul": lambda low: Mul(*low.shapes),
    "Concat": lambda low: Concat(*low.shapes),
}

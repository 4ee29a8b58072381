"""Converts a module to an ONNX model with its weights, for other inference engines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from cnnfast import _core
from cnnfast._types import Array
from cnnfast.interop.torch import parameter_name
from cnnfast.nn import Module
from cnnfast.nn.planned import values_of_inference

from bench.windows import Pairs, Windows, each, ends, how_nearest

Shape = tuple[int, ...]

INPUT, OUTPUT = "x", "y"
#: Version of the operator set; 21 is the first whose GroupNormalization has a weight for each channel.
OPSET = 21
IR_VERSION = 10

#: Operations that are one node without settings.
SIMPLE = {
    "Add": "Add",
    "ReLU": "Relu",
    "Mul": "Mul",
    "MatMul": "MatMul",
    "Mish": "Mish",
    "Sigmoid": "Sigmoid",
    "Tanh": "Tanh",
    "Hardswish": "HardSwish",
    "Softsign": "Softsign",
    "Dropout": "Identity",
    "Dropout2d": "Identity",
}


def onnx_model(module: Module, n: int) -> bytes:
    """The module's inference for batches of exactly `n` images, float32, serialized.

    Raises:
        NotImplementedError: An operation without an ONNX equivalent.
    """
    from onnx import TensorProto, checker, helper

    assert module.input_shape is not None
    assert module.output_shape is not None
    state, growing = module.state_dict(), _GraphBuilder(n)
    operations = module.operations()
    needed = values_of_inference(operations)
    values, shapes = {0: INPUT}, {0: module.input_shape}
    for value, (op, inputs, name) in enumerate(operations, 1):
        if value not in needed:
            continue
        weights = {key: state[parameter_name(name, key)] for key in op.parameter_shapes()}
        given = [shapes[i] for i in inputs]
        values[value] = growing.add(op, [values[i] for i in inputs], given, weights)
        shapes[value] = op.output_shape(*given)
    if not growing.nodes:
        growing.node("Identity", [INPUT])
    growing.nodes[-1].output[0] = OUTPUT
    graph = helper.make_graph(
        growing.nodes,
        "cnnfast",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, (n, *module.input_shape))],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, (n, *module.output_shape))],
        growing.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized


class _GraphBuilder:
    """Nodes and constants of a graph under construction; values are identified by names."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        from onnx import helper

        output = f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        from onnx import numpy_helper

        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype), name))
        return name

    def add(self, op: _core.Op, inputs: list[str], shapes: list[Shape], weights: dict[str, Array]) -> str:
        """Adds an operation; returns the name of its output."""
        s, x, shape = op.settings(), inputs[0], shapes[0]
        own = list(weights.values())
        match op.name:
            case name if name in SIMPLE:
                return self.node(SIMPLE[name], inputs)
            case "Conv1d" | "Conv2d":
                return self.node("Conv", [x, *map(self.constant, own)], **_window(s), group=s["groups"])
            case "ConvTranspose1d" | "ConvTranspose2d" if _extra_below_stride(s):
                extra = {"group": s["groups"], "output_padding": each(s["output_padding"])}
                return self.node("ConvTranspose", [x, *map(self.constant, own)], **_window(s), **extra)
            case name if "Pool" in name:
                return self._pool(op, x, shape)
            case "Linear":
                return self.node("Gemm", [x, *map(self.constant, own)], transB=1)
            case "ChannelBias":
                return self.node("Add", [x, self.constant(_by_channel(own[0], shape))])
            case "PositionBias":
                return self.node("Add", [x, self.constant(own[0])])
            case "BatchNorm1d" | "BatchNorm2d" | "GroupNorm":
                return self._normalized(op, x, shape, weights)
            case "LayerNorm":
                affine = own or [np.ones(shape), np.zeros(shape)]
                how = {"axis": 1, "epsilon": s["eps"]}
                return self.node("LayerNormalization", [x, *map(self.constant, affine)], **how)
            case "LocalResponseNorm" if s["size"] % 2 and len(shape) > 1:
                how = {"bias": s["k"], "alpha": s["alpha"], "beta": s["beta"], "size": s["size"]}
                return self.node("LRN", [x], **how)
            case "Upsample1d" | "Upsample2d":
                return self._upsampled(x, shape, each(s["scale_factor"]), s["mode"])
            case "Resize1d" | "Resize2d":
                return self._resized(x, (self.n, *op.output_shape(shape)), s)
            case "Pad1d" | "Pad2d":
                return self._padded(x, s)
            case "Downsample1d" | "Downsample2d":
                steps = each(s["factor"])
                cut = [0] * len(steps), shape[1:], range(2, 2 + len(steps)), steps
                return self.node("Slice", [x, *(self.constant(numbers, np.int64) for numbers in cut)])
            case "Flatten" | "Reshape":
                wanted = (self.n, *op.output_shape(shape))
                return self.node("Reshape", [x, self.constant(wanted, np.int64)])
            case "Softmax" | "LogSoftmax" | "Concat":
                return self.node(op.name, inputs, axis=1)
            case "GELU":
                return self.node("Gelu", [x], approximate=s["approximate"])
            case "LeakyReLU":
                return self.node("LeakyRelu", [x], alpha=s["negative_slope"])
            case "ELU":
                return self.node("Elu", [x], alpha=s["alpha"])
            case "SiLU":
                return self.node("Mul", [x, self.node("Sigmoid", [x])])
            case "SELU":
                return self.node("Selu", [x], **s)
            case "Hardsigmoid":
                return self.node("HardSigmoid", [x], **s)
            case "Hardtanh":
                return self.node("Clip", [x, self.constant(s["min_val"]), self.constant(s["max_val"])])
            case "ReLU6":
                return self.node("Clip", [x, self.constant(0.0), self.constant(6.0)])
            case "ScaledTanh":
                steep = self.node("Mul", [x, self.constant(s["beta"])])
                return self.node("Mul", [self.node("Tanh", [steep]), self.constant(s["alpha"])])
            case "SelectChannels":
                return self.node("Gather", [x, self.constant(s["indices"], np.int64)], axis=1)
            case "RBF":
                return self._squared_distances(x, own[0], s["scale"])
            case "PReLU":
                return self.node("PRelu", [x, self.constant(_by_channel(own[0], shape))])
            case "Softplus":
                return self._softplus(x, s["beta"], s["threshold"])
        raise NotImplementedError(f"{op.name} has no equivalent")

    def _pool(self, op: _core.Op, x: str, shape: Shape) -> str:
        """ceil_mode is converted to padding, since engines differ in where the last window may start."""
        s, kind = op.settings(), "MaxPool" if "Max" in op.name else "AveragePool"
        if "output_size" in s and math.prod(each(s["output_size"])) == 1:
            return self.node(f"Global{kind}", [x])
        windows = Windows.of(op, shape)
        if any(max(pads) >= k for pads, k in zip(windows.padding, windows.kernel, strict=True)):
            raise NotImplementedError(f"{op.name} with padding beyond its kernel has no equivalent")
        how = {"kernel_shape": windows.kernel, "strides": windows.stride, "pads": _pads(windows.padding)}
        if kind == "MaxPool" or max(windows.dilation) > 1:
            how["dilations"] = windows.dilation
        if kind == "MaxPool":
            return self.node(kind, [x], **how)
        if not s.get("ceil_mode") and not s.get("divisor_override"):
            return self.node(kind, [x], **how, count_include_pad=int(s.get("count_include_pad", 0)))
        mean = self.node(kind, [x], **how, count_include_pad=1)
        return self.node("Mul", [mean, self.constant(math.prod(windows.kernel) / windows.divisors)])

    def _normalized(self, op: _core.Op, x: str, shape: Shape, weights: dict[str, Array]) -> str:
        s, c = op.settings(), shape[0]
        affine = [weights.get("weight", np.ones(c)), weights.get("bias", np.zeros(c))]
        if op.name == "GroupNorm":
            how = {"num_groups": s["num_groups"], "epsilon": s["eps"]}
            return self.node("GroupNormalization", [x, *map(self.constant, affine)], **how)
        given = [*affine, weights["running_mean"], weights["running_var"]]
        return self.node("BatchNormalization", [x, *map(self.constant, given)], epsilon=s["eps"])

    def _upsampled(self, x: str, shape: Shape, factors: tuple[int, ...], mode: str) -> str:
        if mode == "nearest":
            scales = self.constant([1, 1, *factors])
            how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            return self.node("Resize", [x, "", scales], mode="nearest", **how)
        # zeros between neighbors: each channel's transposed convolution with a single 1
        one = self.constant(np.ones((shape[0], 1, *([1] * len(factors)))))
        return self.node("ConvTranspose", [x, one], strides=factors, group=shape[0])

    def _resized(self, x: str, wanted: Shape, s: dict[str, Any]) -> str:
        nearest, coordinates = how_nearest(s)
        how = {"coordinate_transformation_mode": coordinates, "nearest_mode": nearest}
        if s["size"] is not None:
            size = self.constant(wanted, np.int64)
            return self.node("Resize", [x, "", "", size], mode="nearest", **how)
        scale = s["scale_factor"]
        factors = (scale,) if isinstance(scale, float) else scale
        return self.node("Resize", [x, "", self.constant([1, 1, *factors])], mode="nearest", **how)

    def _padded(self, x: str, s: dict[str, Any]) -> str:
        pairs = tuple(zip(s["padding"][::2], s["padding"][1::2], strict=True))[::-1]
        pads = self.constant(_pads(((0, 0), (0, 0), *pairs)), np.int64)
        mode = {"replicate": "edge"}.get(s["mode"], s["mode"])
        return self.node("Pad", [x, pads, self.constant(s["value"])], mode=mode)

    def _squared_distances(self, x: str, centers: Array, scale: float) -> str:
        rows = self.node("Unsqueeze", [x, self.constant([1], np.int64)])
        apart = self.node("Sub", [rows, self.constant(centers)])
        squares = self.node("Mul", [apart, apart])
        y = self.node("ReduceSum", [squares, self.constant([2], np.int64)], keepdims=0)
        return self.node("Mul", [y, self.constant(scale)])

    def _softplus(self, x: str, beta: float, threshold: float) -> str:
        steep = self.node("Mul", [x, self.constant(beta)])
        y = self.node("Div", [self.node("Softplus", [steep]), self.constant(beta)])
        return self.node("Where", [self.node("Greater", [steep, self.constant(threshold)]), x, y])


def _extra_below_stride(s: dict[str, Any]) -> bool:
    """Engines reject more, which can only come from dilation."""
    return all(more < step for more, step in zip(each(s["output_padding"]), each(s["stride"]), strict=True))


def _window(s: dict[str, Any]) -> dict[str, Any]:
    window = {"strides": each(s["stride"]), "pads": _pads(ends(s["padding"]))}
    return {**window, "dilations": each(s["dilation"])} if "dilation" in s else window


def _pads(padding: Pairs) -> list[int]:
    """In ONNX's order: all starts, then all ends."""
    return [before for before, _ in padding] + [after for _, after in padding]


def _by_channel(bias: Array, shape: Shape) -> Array:
    return bias.reshape(-1, *([1] * (len(shape) - 1)))

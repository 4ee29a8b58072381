"""A module of ours as an ONNX model with its weights, for the inference engines that read those."""

from __future__ import annotations

from typing import Any

import numpy as np
from cnnfast import _core
from cnnfast.nn import Module
from cnnfast.torch_twin import operations, parameter_name, sides

INPUT, OUTPUT = "x", "y"
#: Of the operators; 20 is the first one with Gelu.
OPSET = 20
IR_VERSION = 10


def onnx_model(module: Module, n: int) -> bytes:
    """The module for batches of exactly `n` images, float32 (n, c, h, w), serialised."""
    from onnx import TensorProto, checker, helper, numpy_helper

    assert module.input_shape is not None
    assert module.output_shape is not None
    state = module.state_dict()
    nodes, weights, values = [], [], [INPUT]
    recorded = operations(module)
    for number, (op, inputs, name) in enumerate(recorded):
        output = OUTPUT if number == len(recorded) - 1 else f"value{number + 1}"
        keys = [parameter_name(name, key) for key in op.parameter_shapes()]
        weights += [numpy_helper.from_array(_weight(op, state[key]), key) for key in keys]
        kind, settings = _node(op)
        nodes.append(helper.make_node(kind, [*(values[i] for i in inputs), *keys], [output], **settings))
        values.append(output)
    graph = helper.make_graph(
        nodes,
        "cnnfast",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, (n, *module.input_shape))],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, (n, *module.output_shape))],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    checker.check_model(model)
    serialised: bytes = model.SerializeToString()
    return serialised


def _weight(op: _core.Op, value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return value[:, None, None] if op.name == "ChannelBias" else value


def _node(op: _core.Op) -> tuple[str, dict[str, Any]]:
    """Operator and attributes."""
    s = op.settings()
    match op.name:
        case "Conv2d":
            (top, bottom), (left, right) = sides(s["padding"])
            window = {"strides": s["stride"], "pads": (top, left, bottom, right), "dilations": s["dilation"]}
            return "Conv", {**window, "group": s["groups"]}
        case "MaxPool2d":
            (top, bottom), (left, right) = sides(s["padding"])
            shape = {"kernel_shape": s["kernel_size"], "strides": s["stride"], "dilations": s["dilation"]}
            return "MaxPool", {**shape, "pads": (top, left, bottom, right), "ceil_mode": int(s["ceil_mode"])}
        case "Linear":
            return "Gemm", {"transB": 1}
        case "ChannelBias" | "PositionBias" | "Add":
            return "Add", {}
        case "ReLU":
            return "Relu", {}
        case "GELU":
            return "Gelu", {"approximate": s["approximate"]}
        case "Flatten" if (s["start_dim"], s["end_dim"]) == (1, -1):
            return "Flatten", {"axis": 1}
        case "BatchNorm2d" if s["affine"]:
            return "BatchNormalization", {"epsilon": s["eps"]}
        case "AdaptiveAvgPool2d" if s["output_size"] == (1, 1):
            return "GlobalAveragePool", {}
        case "Concat":
            return "Concat", {"axis": 1}
        case "Softmax" | "LogSoftmax":
            return op.name, {"axis": 1}
    raise NotImplementedError(f"onnx_graph: no ONNX counterpart of {op.name} is known")

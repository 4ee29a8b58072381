"""Small networks for the tests of plans: drawn at random from all operations, and run node by node in
Python.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from cnnfast import _core, functional

from tests.oracle import activations

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]


@dataclass
class Network:
    """Operations and the indices of their inputs; value 0 is the network's input, each node adds one."""

    input_shape: Shape
    nodes: list[tuple[_core.Op, list[int]]] = field(default_factory=list)
    auxiliary: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shapes = [self.input_shape]

    def add(self, op: _core.Op, *inputs: int) -> int:
        self.nodes.append((op, list(inputs)))
        self.shapes.append(op.output_shape(*(self.shapes[i] for i in inputs)))
        return len(self.nodes)

    def plan(self, isa: str, dtype: str, **settings: Any) -> _core.Plan:
        graph = _core.Graph(self.input_shape)
        for number, (op, inputs) in enumerate(self.nodes):
            graph.add(op, inputs, f"n{number}")
        for value, weight in self.auxiliary.items():
            graph.set_auxiliary(value, weight)
        return _core.Plan(graph, dtype, isa=isa, **settings)

    def __str__(self) -> str:
        return f"{self.input_shape} " + "; ".join(f"{o.name}{o.settings()}<-{i}" for o, i in self.nodes)


ACTIVATIONS = tuple(name for name in activations.PAIRS if name not in ("ReLU", "GELU"))


def draw_network(rng: np.random.Generator) -> Network:
    """A few image operations with joins between them, then flatten, one or two linears, perhaps a soft
    maximum.
    """
    c, h, w = (int(v) for v in (rng.choice([1, 3, 8, 17]), rng.integers(6, 13), rng.integers(6, 13)))
    on_lines = rng.integers(3) == 0
    net = Network((c, h * w // 4) if on_lines else (c, h, w))
    node = _line_node if on_lines else _image_node
    value = 0
    for _ in range(int(rng.integers(2, 7))):
        value = node(net, value, rng)
    value = _normalised(net, _pooled(net, value, rng), rng)
    for name in rng.choice(ACTIVATIONS, 4, replace=False):
        value = net.add(getattr(_core, name)(), value)
    value = net.add(_core.Flatten(), value)
    for _ in range(int(rng.integers(1, 3))):
        out = int(rng.choice([3, 10, 17, 33]))
        value = net.add(_core.Linear(net.shapes[value][0], out, bool(rng.integers(2))), value)
        value = net.add(_core.GELU("tanh"), value) if rng.integers(2) else value
    if rng.integers(4) == 0:
        value = net.add(_core.RBF(net.shapes[value][0], 5, -0.5, bool(rng.integers(2))), value)
    if rng.integers(2):
        net.add(_core.LogSoftmax() if rng.integers(2) else _core.Softmax(), value)
    return net


def _image_node(net: Network, value: int, rng: np.random.Generator) -> int:
    c, h, w = net.shapes[value]
    match rng.choice(
        [
            "conv",
            "conv",
            "depthwise",
            "transpose",
            "up",
            "down",
            "pad",
            "resize",
            "pool",
            "relu",
            "gelu",
            "prelu",
            "channel",
            "position",
            "add",
            "concat",
            "reshape",
            "soft",
            "select",
        ]
    ):
        case "conv":
            kh, kw = (int(rng.integers(1, min(4, side) + 1)) for side in (h, w))
            top, bottom, left, right = (int(p) for p in rng.integers(0, 2, 4))
            c_out = int(rng.choice([1, 5, 8, 16, 19]))
            stride = (int(rng.integers(1, 3)), int(rng.integers(1, 3)))
            padding = ((top, bottom), (left, right))
            bias = bool(rng.integers(2))
            return net.add(_core.Conv2d(c, c_out, (kh, kw), stride, padding, bias=bias), value)
        case "depthwise":
            dilation = int(rng.integers(1, 3))
            return net.add(_core.Conv2d(c, c, (1, 2), 1, ((0, 0), (1, 1)), dilation, c), value)
        case "transpose" if h * w <= 150:
            return net.add(_core.ConvTranspose2d(c, 5, (2, 3), (1, 2), (0, 1), (0, 1)), value)
        case "up" if h * w <= 100:
            return net.add(_core.Upsample2d((1, 2), "zeros" if rng.integers(2) else "nearest"), value)
        case "down":
            return net.add(_core.Downsample2d((2, 1)), value)
        case "pad" if h * w <= 100:
            return net.add(_core.Pad2d((1, 0, 2, 1), "replicate" if rng.integers(2) else "constant"), value)
        case "resize":
            return net.add(_core.Resize2d((5, 7)), value)
        case "pool" if min(h, w) >= 2:
            return net.add(_core.MaxPool2d(2, None, 0, bool(rng.integers(2))), value)
        case "gelu":
            return net.add(_core.GELU("none"), value)
        case "prelu":
            return net.add(_core.PReLU(c if rng.integers(2) else 1), value)
        case "channel":
            return net.add(_core.ChannelBias(c), value)
        case "position":
            return net.add(_core.PositionBias(c, h, w), value)
        case "add":
            join = _core.Add() if rng.integers(2) else _core.Mul()
            return net.add(join, value, net.add(_core.ReLU(), value))
        case "concat" if c <= 20:
            return net.add(_core.Concat(), net.add(_core.ChannelBias(c), value), value, value)
        case "reshape":
            return net.add(_core.Reshape((h, -1, c)), value)
        case "soft":
            return net.add(_core.Softmax(), value)
        case "select":
            return net.add(_core.SelectChannels((c - 1, 0, c // 2, 0)), value)
    return net.add(_core.ReLU(), value)


def _pooled(net: Network, value: int, rng: np.random.Generator) -> int:
    """Two pools, of images or of lines."""
    lines = {
        "MaxPool1d": (2, 1, 1),
        "AvgPool1d": (2, 1, 1),
        "AdaptiveMaxPool1d": (7,),
        "AdaptiveAvgPool1d": (5,),
    }
    images = {"AvgPool2d": (2, 1, 1), "AdaptiveMaxPool2d": ((3, 5),), "AdaptiveAvgPool2d": ((4, 3),)}
    pools = lines if len(net.shapes[value]) == 2 else images
    for name in rng.choice(list(pools), 2, replace=False):
        value = net.add(getattr(_core, name)(*pools[name]), value)
    return value


def _normalised(net: Network, value: int, rng: np.random.Generator) -> int:
    shape = net.shapes[value]
    match rng.integers(3):
        case 0:
            return net.add(_core.GroupNorm(1 + shape[0] % 2 * (shape[0] - 1), shape[0]), value)
        case 1:
            return net.add(_core.LayerNorm(shape), value)
    return net.add(_core.LocalResponseNorm(3, 0.5), value)


def _line_node(net: Network, value: int, rng: np.random.Generator) -> int:
    c, length = net.shapes[value]
    match rng.choice(["conv", "conv", "transpose", "up", "up", "down", "pad", "resize", "product", "relu"]):
        case "conv":
            return net.add(_core.Conv1d(c, int(rng.choice([1, 8, 19])), 3, 1, "same", 2), value)
        case "transpose" if length <= 60:
            return net.add(_core.ConvTranspose1d(c, 6, 3, 2, 1, 1), value)
        case "up" if length <= 60:
            return net.add(_core.Upsample1d(2, "zeros" if rng.integers(2) else "nearest"), value)
        case "down":
            return net.add(_core.Downsample1d(2), value)
        case "pad" if length <= 60:
            return net.add(_core.Pad1d((2, 1)), value)
        case "resize":
            return net.add(_core.Resize1d(9, None, "ceil"), value)
        case "product":
            return net.add(_core.MatMul(), value, net.add(_core.Reshape((length, c)), value))
    return net.add(_core.ReLU(), value)


class Chain:
    """The same network as a separate Plan for each node, as the stateless functions compute it."""

    def __init__(self, net: Network, isa: str, dtype: str) -> None:
        self.net, self.dtype, self.isa = net, dtype, isa
        self.steps: list[_core.Plan | None] = []
        self.offsets = [0]
        for op, inputs in net.nodes:
            graph = _core.Graph(net.shapes[inputs[0]])
            if len(inputs) == 1:
                graph.add(op, [0])
            self.steps.append(_core.Plan(graph, dtype, isa=isa) if len(inputs) == 1 else None)
            count = sum(math.prod(s) for s in op.parameter_shapes().values())
            self.offsets.append(self.offsets[-1] + count)

    def forward(self, x: Array, params: Array) -> list[Array]:
        """All values, the input first."""
        values = [x]
        for k, (_, inputs) in enumerate(self.net.nodes):
            values.append(self._step(k, [values[i] for i in inputs], params))
        return values

    def _step(self, k: int, inputs: list[Array], params: Array) -> Array:
        plan = self.steps[k]
        if plan is not None:
            return plan.forward(inputs[0], self._own(k, params))
        match self.net.nodes[k][0].name:
            case "Concat":
                return np.concatenate(inputs, axis=1)
            case "Mul":
                return inputs[0] * inputs[1]
            case "MatMul":
                return functional.matmul(*inputs, isa=self.isa)
        return inputs[0] + inputs[1]

    def _own(self, k: int, params: Array) -> Array:
        return params[self.offsets[k] : self.offsets[k + 1]].copy()

    def backward(self, dy: Array, values: list[Array], params: Array) -> tuple[Array, Array]:
        """dx and the flat gradient; gradients of a value that several nodes read are added."""
        slopes: list[Array | None] = [None] * len(values)
        slopes[-1] = dy
        grads = np.full_like(params, np.nan)
        for k in range(len(self.net.nodes) - 1, -1, -1):
            (op, inputs), slope, plan = self.net.nodes[k], slopes[k + 1], self.steps[k]
            assert slope is not None
            if plan is None and op.name == "Concat":
                sent = np.split(slope, np.cumsum([values[i].shape[1] for i in inputs])[:-1], axis=1)
            elif plan is None and op.name == "Mul":
                sent = [slope * values[i] for i in reversed(inputs)]
            elif plan is None and op.name == "MatMul":
                sent = list(functional.matmul_backward(slope, *(values[i] for i in inputs), isa=self.isa))
            elif plan is None:
                sent = [slope, slope]
            else:
                own, mine = self._own(k, params), self._own(k, grads)
                _, tape = plan.forward_train(values[inputs[0]], own)
                sent = [plan.backward(slope, tape, own, mine)]
                grads[self.offsets[k] : self.offsets[k + 1]] = mine
            for i, s in zip(inputs, sent, strict=True):
                before = slopes[i]
                slopes[i] = s if before is None else before + s
        assert slopes[0] is not None
        return slopes[0], grads

"""Networks drawn at random beside PyTorch: branches, joins of any values that fit, activations, pools, batch
normalization; what a plan fuses, keeps and adds up is compared with the same operations one by one.

Failures name the seed and the network; CNNFAST_TEST_SEED=<number> draws others.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from typing import Any

import numpy as np
import pytest
from cnnfast import _core
from cnnfast.interop.torch import TorchModel
from cnnfast.nn.planned import Operation

from tests.support.networks import Network

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.slow

TRIALS = 300
BASE = int(os.environ.get("CNNFAST_TEST_SEED", "0"))
Rng = np.random.Generator
Array = np.ndarray[Any, Any]

SMOOTH = ("SELU", "SiLU", "Mish", "Sigmoid", "Tanh", "Softplus", "GELU")
#: where two values are equal but for rounding, float32 may take the other side, and is right
WITH_KINKS = ("ReLU", "ReLU", "ReLU", "LeakyReLU", "Hardswish", *SMOOTH)


class Mirrored:
    """A network and its parameters, with the interface that `TorchModel` reads."""

    def __init__(self, net: Network, rng: Rng) -> None:
        self.net = net
        self.state: dict[str, Array] = {}
        self.running: dict[str, Array] = {}
        for k, (op, _) in enumerate(net.nodes):
            for key, shape in op.parameter_shapes().items():
                fan_in = max(1, math.prod(shape[1:]))
                value = np.asarray(rng.standard_normal(shape) / math.sqrt(fan_in))
                self.state[f"n{k}.{key}"] = value
                if key in op.buffers():
                    self.running[f"n{k}.{key}"] = value
                if key == "running_var":
                    value[...] = 0.5 + np.abs(value)
                if key == "num_batches_tracked":
                    value[...] = 3

    def operations(self) -> list[Operation]:
        return [Operation(op, tuple(inputs), f"n{k}") for k, (op, inputs) in enumerate(self.net.nodes)]

    def auxiliary_outputs(self) -> dict[int, float]:
        return {}

    def state_dict(self) -> dict[str, Array]:
        return {name: value.copy() for name, value in self.state.items()}

    def buffers(self) -> dict[str, Array]:
        return self.running


class Draughtsman:
    """Draws a directed acyclic graph of images that ends in a vector."""

    def __init__(self, rng: Rng, smooth: bool, normalized: bool) -> None:
        self.rng, self.smooth, self.normalized = rng, smooth, normalized
        sizes = np.where(rng.random(2) < 0.1, 1, rng.integers(2, 11, 2))
        self.net = Network((int(rng.choice([1, 3, 8, 17])), *(int(s) for s in sizes)))

    def draw(self) -> Network:
        for _ in range(int(self.rng.integers(2, 9))):
            values = len(self.net.shapes)
            value = int(self.rng.integers(values)) if self.rng.random() < 0.3 else values - 1
            getattr(self, str(self.rng.choice(["product", "product", "pool", "activation", "join", "join"])))(
                value
            )
        read = {i for _, inputs in self.net.nodes for i in inputs}
        ends = [v for v in range(len(self.net.shapes)) if v not in read]
        flat = [self.net.add(_core.Flatten(), v) for v in ends]
        joined = self.net.add(_core.Concat(), *flat) if len(flat) > 1 else flat[0]
        self.net.add(_core.Linear(self.net.shapes[joined][0], int(self.rng.choice([1, 4, 17]))), joined)
        return self.net

    def product(self, value: int) -> int:
        """A convolution, dense or in groups, that keeps sizes or not; and what often follows it."""
        c, h, w = self.net.shapes[value]
        kernel = int(self.rng.choice([1, 3, 3, 5])) if min(h, w) > 2 else 1
        groups = c if c > 1 and self.rng.random() < 0.2 else 1
        c_out = groups if groups > 1 else int(self.rng.choice([1, 5, 8, 16, 19]))
        stride = int(self.rng.choice([1, 1, 1, 2]))
        conv = _core.Conv2d(c, c_out, kernel, stride, kernel // 2, 1, groups, bool(self.rng.integers(2)))
        value = self.net.add(conv, value)
        if self.normalized and self.rng.integers(2):
            # a small eps would magnify rounding where a channel hardly varies
            momentum = None if self.rng.integers(2) else 0.3
            value = self.net.add(_core.BatchNorm2d(c_out, eps=0.03, momentum=momentum), value)
        if self.rng.integers(2):
            value = self.pool(value)
        return self.activation(value) if self.rng.integers(2) else value

    def pool(self, value: int) -> int:
        _, h, w = self.net.shapes[value]
        if min(h, w) < 2:
            return self.net.add(_core.AdaptiveAvgPool2d((1, 2)), value)
        pool = _core.AvgPool2d if self.smooth or self.rng.integers(3) == 0 else _core.MaxPool2d
        size, stride, padding = [(2, 2, 0), (2, 2, 0), (2, 1, 1), (3, 1, 1), (3, 2, 1)][
            int(self.rng.integers(5))
        ]
        return self.net.add(pool(size, stride, padding, bool(self.rng.integers(2))), value)

    def activation(self, value: int) -> int:
        name = str(self.rng.choice(SMOOTH if self.smooth else WITH_KINKS))
        return self.net.add(getattr(_core, name)(), value)

    def join(self, value: int) -> int:
        """With other values of its size, itself among them: a sum where the channels agree, too."""
        shapes = self.net.shapes
        mates = [v for v, shape in enumerate(shapes) if shape[1:] == shapes[value][1:]]
        others = [int(v) for v in self.rng.choice(mates, int(self.rng.integers(1, 3)))]
        if self.rng.integers(2) and shapes[others[0]] == shapes[value]:
            return self.net.add(_core.Add(), value, others[0])
        if sum(shapes[v][0] for v in (value, *others)) > 60:
            return self.net.add(_core.Add(), value, value)
        return self.net.add(_core.Concat(), value, *others)


def drawn(trial: int) -> tuple[Network, Mirrored, Array, Array]:
    """A network, its parameters, an input and a gradient of the output."""
    rng = np.random.default_rng([BASE, trial])
    normalized = trial % 3 == 0
    net = Draughtsman(rng, smooth(trial), normalized).draw()
    n = int(rng.choice([8, 9, 17] if normalized else [0, 1, 2, 5, 17]))
    x, dy = (rng.standard_normal((n, *shape)) for shape in (net.input_shape, net.shapes[-1]))
    return net, Mirrored(net, rng), x, dy


def smooth(trial: int) -> bool:
    return trial % 2 == 0


def close(got: Array, want: Array, dtype: str, about: str, beside: float = 1.0) -> None:
    """Errors count beside the largest of the values, or of all gradients: that of a bias with a normalization
    behind it is 0, but a sum of large numbers.
    """
    scale = max(beside, float(np.abs(want).max(initial=0)))
    limit = {"float32": 2e-4, "float64": 1e-11}[dtype] * scale
    assert got.dtype == dtype, about
    np.testing.assert_allclose(got, want, rtol=0, atol=limit, err_msg=about)


@pytest.mark.parametrize("part", range(3))
def test_networks(part: int) -> None:
    for trial in range(part, TRIALS, 3):
        net, mirrored, x, dy = drawn(trial)
        twin = TorchModel(mirrored)
        with torch.no_grad():
            still = twin(torch.from_numpy(x)).numpy()
        twin.training = True
        tx = torch.tensor(x, requires_grad=True)
        y = twin(tx)
        y.backward(torch.from_numpy(dy))
        slopes = {name: slope_of(leaf) for name, leaf in twin.parameters.items()}
        largest = max(float(np.abs(slope).max()) for slope in slopes.values())
        for isa in _core.available_isas():
            for dtype in ("float32", "float64") if smooth(trial) else ("float64",):
                about = f"seed {BASE}, trial {trial}: {net}, n {len(x)}, {isa}, {dtype}"
                plan = net.plan(isa, dtype)
                state = mirrored.state_dict()
                params = np.concatenate([state[name].ravel() for name, _, _ in plan.parameters]).astype(dtype)
                grads = np.full_like(params, np.nan)
                close(plan.forward(x.astype(dtype), params), still, dtype, about)
                got, tape = plan.forward_train(x.astype(dtype), params)
                close(got, y.detach().numpy(), dtype, about)
                dx = plan.backward(dy.astype(dtype), tape, params, grads)
                close(dx, slope_of(tx), dtype, f"{about}, dx")
                if plan.has_buffers:
                    plan.update_buffers(params, np.zeros_like(grads), tape)
                for name, start, shape in plan.parameters:
                    window = slice(start, start + math.prod(shape))
                    here = f"{about}, {name}"
                    if name in mirrored.running:
                        close(params[window].reshape(shape), twin.state[name].numpy(), dtype, here)
                    else:
                        close(grads[window].reshape(shape), slopes[name], dtype, here, largest)


def slope_of(leaf: Any) -> Array:
    return np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy()


def test_what_is_drawn() -> None:
    """Values with several readers, every kind of join, and nodes that a plan makes of several layers."""
    joins: Counter[str] = Counter()
    shared = fused = empty = 0
    for trial in range(TRIALS):
        net, _, x, _ = drawn(trial)
        readers = Counter(i for _, inputs in net.nodes for i in set(inputs))
        joins += Counter(op.name for op, inputs in net.nodes if len(inputs) > 1)
        shared += any(count > 1 for count in readers.values())
        fused += len(net.plan("baseline", "float64").nodes()) < len(net.nodes)
        empty += len(x) == 0
    assert min(joins["Add"], joins["Concat"], shared, fused) > TRIALS // 6, (joins, shared, fused)
    assert empty > TRIALS // 20

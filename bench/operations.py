"""Rows of single operations, compared with PyTorch, forward and backward, with the shapes of our networks.

One thread, 64 images. The time of cnnfast is that of the node inside a plan (channels-last images, packed
weights); PyTorch gets its tensors in the memory format under test, and its backward is that of autograd,
without the preceding forward. The shapes are the cases of `tests/cases` with a `row`, and some that depend on
the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from cnnfast import _core, nn
from cnnfast.benchmark.networks import difference
from cnnfast.benchmark.peers import has_torch
from cnnfast.benchmark.timing import Candidate, Options, Row, TimedCandidate
from cnnfast.errors import CnnfastError
from cnnfast.interop.torch import TorchModel
from cnnfast.nn import Module
from cnnfast.nn.planned import Operation

from bench.geometry import SAME, one_thread
from tests.cases import CASES, Case
from tests.support.engine import op_of

Array = np.ndarray[Any, Any]
Direction = Literal["forward", "backward"]

BATCH = 64
#: not compared: libraries may select different ones of equal maxima, and dropout draws different numbers
RANDOM = ("Dropout", "Dropout2d")


class SingleOperation:
    """One operation as a module's graph, for a plan and for its PyTorch version."""

    def __init__(self, case: Case) -> None:
        self.op, self.inputs = op_of(case), len(case.inputs)
        names = [f"op.{name}" for name in self.op.parameter_shapes()]
        shapes = self.op.parameter_shapes().values()
        rng = np.random.default_rng(1)
        self._state = {
            name: rng.standard_normal(shape).astype(np.float32)
            for name, shape in zip(names, shapes, strict=True)
        }

    def add_to(self, graph: Any, value: int, prefix: str) -> int:
        return int(graph.add(self.op, [value] * self.inputs, "op"))

    def operations(self) -> list[Operation]:
        return [Operation(self.op, (0,) * self.inputs, "op")]

    def auxiliary_outputs(self) -> dict[int, float]:
        return {}

    def state_dict(self) -> dict[str, Array]:
        return self._state

    def buffers(self) -> dict[str, Array]:
        return {}


def by_batch() -> dict[str, tuple[Module, tuple[int, ...]]]:
    """Operations that depend on the batch or on random numbers: (layer, shape of an image)."""
    return {
        "batch norm 8x28x28": (nn.BatchNorm2d(8), (8, 28, 28)),
        "batch norm 32x13x13": (nn.BatchNorm2d(32), (32, 13, 13)),
        "batch norm 64x14x14": (nn.BatchNorm2d(64), (64, 14, 14)),
        "batch norm and relu 32x26x26": (nn.Sequential(nn.BatchNorm2d(32), nn.ReLU()), (32, 26, 26)),
        "batch norm 512": (nn.BatchNorm1d(512), (512,)),
        "dropout 32x13x13": (nn.Dropout(0.5), (32, 13, 13)),
        "dropout2d 32x13x13": (nn.Dropout2d(0.5), (32, 13, 13)),
    }


def operation_rows(options: Options) -> Iterator[Row]:
    """Each case with a row, forward and backward. Two inputs are the same value twice."""
    if not has_torch():
        return
    for case in CASES:
        if case.row:
            yield from _rows(options, case.row, SingleOperation(case), case.inputs[0], case.op)
    for name, (layer, shape) in by_batch().items():
        yield from _rows(options, name, layer, shape, type(layer).__name__)


def _rows(options: Options, name: str, module: Any, shape: Sequence[int], op: str) -> Iterator[Row]:
    names: dict[Direction, str] = {d: f"op {name}, {d}" for d in ("forward", "backward")}
    wanted = [d for d, row in names.items() if options.includes(row)]
    if not wanted:
        return
    graph = _core.Graph(tuple(shape))
    module.add_to(graph, 0, "")
    plan = _core.Plan(graph)
    rng = np.random.default_rng([len(name), 3])
    x = rng.standard_normal((BATCH, *shape), dtype=np.float32)
    params = np.concatenate([np.empty(0, np.float32), *(v.ravel() for v in module.state_dict().values())])
    y, tape = plan.forward_train(x, params)
    dy = rng.standard_normal(y.shape, dtype=np.float32)
    dx = plan.backward(dy, tape, params, np.empty_like(params))
    candidates_of = {d: _ours(plan, x, params, d) for d in wanted}
    with one_thread():
        for peer in _peers(module, x, dy):
            if op not in RANDOM:
                for what, ours, theirs in (("output", y, peer.y), ("gradient", dx, peer.backward())):
                    found = difference(f"the {what}", ours, theirs.detach().numpy(), SAME)
                    if found:
                        raise CnnfastError(f"bench: op {name}: for {peer.name}, {found}: not timed")
            for direction, candidates in candidates_of.items():
                candidates[peer.name] = getattr(peer, direction)
        for direction in wanted:
            yield Row.measured(names[direction], BATCH, "images", candidates_of[direction], options.effort)


def _ours(plan: _core.Plan, x: Array, params: Array, direction: Direction) -> dict[str, Candidate]:
    def seconds(calls: int) -> float:
        return sum(float(node[direction]) for node in plan.profile(x, None, params, calls))

    return {"cnnfast": TimedCandidate(seconds)}


class _Peer:
    """The same operation in PyTorch, eager, in one memory format."""

    def __init__(self, module: Any, x: Array, dy: Array, channels_last: bool) -> None:
        self.name = "torch channels_last" if channels_last else "torch eager"
        self._twin = TorchModel(module, channels_last)
        self._twin.training = True
        self._x = self._twin.tensor(x).requires_grad_()
        self._leaves = [self._x, *self._twin.parameters.values()]
        self.y = self._twin(self._x)
        self._dy = self._twin.tensor(dy)

    def forward(self) -> Any:
        with self._twin.torch.no_grad():
            return self._twin(self._x)

    def backward(self) -> Any:
        grad = self._twin.torch.autograd.grad
        return grad(self.y, self._leaves, self._dy, retain_graph=True)[0]


def _peers(module: Any, x: Array, dy: Array) -> list[_Peer]:
    return [_Peer(module, x, dy, channels_last) for channels_last in (False, True)]

"""How the tests reach one operation: as a Plan of one node, which is also what `cnnfast.functional`
builds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from cnnfast import _core

from tests.cases import Case, Shape

Array = np.ndarray[Any, Any]


def op_of(case: Case) -> _core.Op:
    return getattr(_core, case.op)(**case.settings)


class OneNode:
    """A case on one instruction set and dtype.

    A Graph has one input, so the inputs of an operation with several are concatenated along the channels,
    and 1x1 products with ones and zeros select them: exactly, as long as all values are
    finite. Inputs that differ in more than their channels are flattened first (`flat`).
    """

    def __init__(self, case: Case, isa: str, dtype: str, exact: bool = False) -> None:
        self.case, self.dtype, self.op = case, dtype, op_of(case)
        self.picks: tuple[Array, ...] = ()
        self.flat = len({shape[1:] for shape in case.inputs}) > 1
        if len(case.inputs) == 1:
            graph = _core.Graph(case.inputs[0])
            graph.add(self.op, [0], "op")
        else:
            graph = self._several_inputs(case.inputs)
        self.plan = _core.Plan(graph, dtype, isa=isa, exact=exact)

    def _several_inputs(self, shapes: tuple[Shape, ...]) -> _core.Graph:
        channels = [int(np.prod(shape)) if self.flat else shape[0] for shape in shapes]
        total, rest = sum(channels), () if self.flat else shapes[0][1:]
        graph = _core.Graph((total, *rest))
        values, one = [], np.eye(total, dtype=self.dtype)
        for k, c in enumerate(channels):
            pick: Any = _core.Linear(total, c, bias=False)
            if rest:
                pick = (_core.Conv1d, _core.Conv2d)[len(rest) - 1](total, c, 1, bias=False)
            values.append(graph.add(pick, [0], f"pick{k}"))
            if self.flat:
                values[-1] = graph.add(_core.Reshape(shapes[k]), [values[-1]], f"shape{k}")
        graph.add(self.op, values, "op")
        self.picks = tuple(np.split(one, np.cumsum(channels)[:-1]))
        return graph

    def _input(self, arrays: tuple[Array, ...]) -> Array:
        inputs = [np.asarray(a, self.dtype) for a in arrays[: len(self.case.inputs)]]
        if self.flat:
            inputs = [x.reshape(len(x), np.prod(x.shape[1:], dtype=int)) for x in inputs]
        return inputs[0] if len(inputs) == 1 else np.concatenate(inputs, axis=1)

    def _parameters(self, arrays: tuple[Array, ...]) -> Array:
        parts = (*self.picks, *arrays[len(self.case.inputs) :])
        return np.concatenate([np.zeros(0), *(np.ravel(p) for p in parts)]).astype(self.dtype)

    @property
    def winograd(self) -> bool:
        """By Winograd's algorithm, which rounds more often."""
        return "winograd" in self.plan.nodes()[-1]["algorithm"]

    def forward(self, *arrays: Array) -> Array:
        return self.plan.forward(self._input(arrays), self._parameters(arrays))

    def forward_train(self, *arrays: Array) -> tuple[Array, _core.Tape]:
        return self.plan.forward_train(self._input(arrays), self._parameters(arrays))

    def backward(self, dy: Array, *arrays: Array, tape: _core.Tape | None = None) -> tuple[Array, ...]:
        """The gradient of each array; gradients start as NaN so that one left unwritten shows."""
        params = self._parameters(arrays)
        if tape is None:
            _, tape = self.plan.forward_train(self._input(arrays), params)
        grads = np.full_like(params, np.nan)
        dx = self.plan.backward(np.asarray(dy, self.dtype), tape, params, grads)
        windows = {
            name: grads[offset : offset + int(np.prod(shape))].reshape(shape)
            for name, offset, shape in self.plan.parameters
        }
        assert not np.isnan(grads).any() or np.isnan(dy).any() or any(np.isnan(a).any() for a in arrays), (
            "gradients left unwritten"
        )
        own = tuple(windows[f"op.{name}"] for name in self.case.parameters)
        sizes = [int(np.prod(shape)) if self.flat else shape[0] for shape in self.case.inputs]
        inputs = np.split(dx, np.cumsum(sizes)[:-1], axis=1)
        shaped = (g.reshape(len(g), *shape) for g, shape in zip(inputs, self.case.inputs, strict=True))
        return (*shaped, *own)

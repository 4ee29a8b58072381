"""Every operation has a rule, whose sums are the engine's values and gradients."""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np
import pytest
from cnnfast import _core
from cnnfast.explanation.rules import RULES, Rule, lower

from tests.cases import CASES, Case
from tests.support.marks import quick_thirds

Array = np.ndarray[Any, Any]
SMALL = [case for case in CASES if sum(map(math.prod, case.inputs)) < 3000 and case.n]
BATCH_NORM = [
    Case("BatchNorm2d", 1, ((3, 4, 5),), {"num_features": 3, "affine": affine}) for affine in (True, False)
] + [Case("BatchNorm1d", 1, ((7,),), {"num_features": 7, "momentum": None})]
DROPOUT = [Case("Dropout", 1, ((5,),), {"p": 0.3}), Case("Dropout2d", 1, ((2, 3, 4),), {"p": 0.5})]
EVERY = [*SMALL, *BATCH_NORM, *DROPOUT]


def test_every_operation_of_the_engine_has_a_rule() -> None:
    assert set(RULES) == set(_core.operations())


def test_every_operation_is_among_the_cases() -> None:
    assert {case.op for case in EVERY} == set(RULES)


def frozen(case: Case) -> _core.Op:
    """The operation, which in training normalizes as in inference."""
    more = {"use_running_stats": True} if case.op.startswith("BatchNorm") else {}
    return getattr(_core, case.op)(**case.settings, **more)  # type: ignore[no-any-return]


class Run:
    """One image through the engine, and the rule of the operation."""

    def __init__(self, case: Case) -> None:
        self.op = frozen(case)
        self.rng = np.random.default_rng(zlib.crc32(case.id.encode()))
        self.x = [self.rng.standard_normal((1, *shape)) for shape in case.inputs]
        drawn = {name: self.rng.standard_normal(s) for name, s in self.op.parameter_shapes().items()}
        self.parameters = {
            name: np.abs(value) if name == "running_var" else value for name, value in drawn.items()
        }
        self.rule: Rule = lower(self.op, case.inputs, self.parameters)
        self.inputs = [x[0] for x in self.x]
        self.flat = np.concatenate([np.zeros(0), *(p.ravel() for p in self.parameters.values())])
        self.dropout = case.op.startswith("Dropout")
        if len(case.inputs) > 1:
            self.y = _core.apply_op(self.op, self.x)
        else:
            graph = _core.Graph(case.inputs[0])
            graph.add(self.op, [0])
            self.plan = _core.Plan(graph, "float64", exact=True)
            self.y = self.plan.forward(self.x[0], self.flat)
        self.dy = self.rng.standard_normal(self.y.shape)

    def gradients(self) -> tuple[list[Array], dict[str, Array]]:
        """By the inputs and by the parameters."""
        if len(self.x) > 1:
            return _core.apply_op_backward(self.op, self.dy, self.x), {}
        if self.dropout:
            return [self.dy], {}
        _, tape = self.plan.forward_train(self.x[0], self.flat)
        grads = np.zeros_like(self.flat)
        dx = self.plan.backward(self.dy, tape, self.flat, grads)
        by_name, begin = {}, 0
        for name, value in self.parameters.items():
            by_name[name] = grads[begin : begin + value.size]
            begin += value.size
        return [dx], {name: grad for name, grad in by_name.items() if name not in self.op.buffers()}


def chosen(rng: np.random.Generator, size: int) -> list[int]:
    return [int(i) for i in rng.choice(size, min(size, 25), replace=False)]


def close(found: float, wanted: float, magnitude: float) -> bool:
    return abs(found - wanted) <= 1e-12 * max(abs(wanted), magnitude)


@pytest.mark.parametrize("case", quick_thirds(EVERY, 0), ids=lambda case: case.id)
def test_terms_add_up_to_the_values_of_the_engine(case: Case) -> None:
    run = Run(case)
    y = run.y[0].ravel()
    for index in chosen(run.rng, y.size):
        parts = run.rule.parts(run.inputs, index)
        total = math.fsum([*parts.products, parts.bias])
        found = total if parts.finish is None else parts.finish(total)
        assert close(found, y[index], float(np.abs(parts.products).max(initial=0))), (index, found, y[index])
        slots = np.zeros(len(parts.sources), np.int64) if parts.slots is None else parts.slots
        read = np.array([run.inputs[s].ravel()[i] for s, i in zip(slots, parts.sources, strict=True)])
        if not parts.label:
            np.testing.assert_array_equal(parts.values, read)
            np.testing.assert_allclose(parts.products, parts.factors * parts.values, rtol=1e-15)
        if parts.parameters is not None and case.op != "RBF":
            weights = run.parameters["weight"].ravel()[parts.parameters]
            np.testing.assert_array_equal(weights, parts.factors)


@pytest.mark.parametrize("case", quick_thirds(EVERY, 1), ids=lambda case: case.id)
def test_gradients_of_inputs_add_up_to_those_of_the_engine(case: Case) -> None:
    run = Run(case)
    dy = run.dy.ravel()
    for slot, dx in enumerate(run.gradients()[0]):
        for index in chosen(run.rng, dx.size):
            readers = run.rule.readers(run.inputs, slot, index)
            products = dy[readers.outputs] * readers.factors
            wanted = dx.ravel()[index]
            assert close(math.fsum(products), wanted, float(np.abs(products).max(initial=0))), (index, wanted)


@pytest.mark.parametrize(
    "case", [case for case in [*SMALL, *BATCH_NORM] if frozen(case).parameter_shapes()], ids=lambda c: c.id
)
def test_gradients_of_parameters_add_up_to_those_of_the_engine(case: Case) -> None:
    run = Run(case)
    dy = run.dy.ravel()
    for name, gradient in run.gradients()[1].items():
        for index in chosen(run.rng, gradient.size):
            readers = run.rule.parameter_readers(run.inputs, name, index)
            products = dy[readers.outputs] * readers.factors
            assert close(math.fsum(products), gradient[index], float(np.abs(products).max(initial=0))), (
                name,
                index,
            )

"""Every operation's forward pass against the oracle, on every instruction set, in both precisions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cnnfast import _core

from tests import oracle
from tests.cases import CASES, LOSSES, Case
from tests.support import expected, tolerance
from tests.support.engine import OneNode, op_of
from tests.support.marks import quick_oracles, quick_thirds

ISA = _core.available_isas()[0]


@pytest.mark.parametrize("case", quick_oracles(CASES), ids=lambda case: case.id)
def test_matches_oracle(case: Case, isa: str, dtype: str) -> None:
    arrays, want, (terms, scale) = expected.forward(case)
    for exact in (False, True):
        node = OneNode(case, isa, dtype, exact)
        wide = tolerance.winograd(scale) if node.winograd else scale
        tolerance.check(node.forward(*arrays), want, dtype, terms, wide, "y")
    if case.op in tolerance.EXACT:
        arrays, want, (terms, scale) = expected.forward(case, integers=True)
        tolerance.check(node.forward(*arrays), want, dtype, terms, scale, "y of integers")


@pytest.mark.parametrize("case", quick_thirds(CASES, 0), ids=lambda case: case.id)
def test_shapes_and_macs(case: Case) -> None:
    """Only products of matrices count as multiply-adds, as in the sources of our networks: a bias, a pool or
    a relu costs 0.
    """
    op = op_of(case)
    assert op.name == case.op
    assert op.output_shape(*case.inputs) == OneNode(case, ISA, "float32").plan.output_shape
    assert op.parameter_shapes() == case.parameters
    assert list(op.parameter_shapes()) == list(case.parameters)
    weight = None if case.op in ("GroupNorm", "LayerNorm", "PReLU") else op.parameter_shapes().get("weight")
    each = 0 if weight is None else math.prod(weight[1:])
    each = case.inputs[0][1] if case.op == "MatMul" else each
    # ... of one output; in a transposed convolution of one input
    counted = case.inputs[0] if "Transpose" in case.op else op.output_shape(*case.inputs)
    assert op.macs(*case.inputs) == math.prod(counted) * each


@pytest.mark.parametrize("case", quick_thirds([c for c in CASES if c.n > 1], 1), ids=lambda case: case.id)
def test_images_are_independent(case: Case, isa: str) -> None:
    """An image gives the same bits alone as in a batch, and in the training pass as in inference."""
    arrays = case.arrays()
    node = OneNode(case, isa, "float32")
    together = node.forward(*arrays)
    np.testing.assert_array_equal(node.forward_train(*arrays)[0], together)
    inputs, parameters = arrays[: len(case.inputs)], arrays[len(case.inputs) :]
    for i in {0, case.n - 1}:
        alone = node.forward(*(x[i : i + 1] for x in inputs), *parameters)
        np.testing.assert_array_equal(alone[0], together[i], err_msg=f"image {i}")


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_over_its_whole_range(approximate: str, isa: str, dtype: str) -> None:
    """From where it is 0 to where it is x: the pieces of an approximation of erf, exp or tanh must all be
    met.
    """
    x = np.concatenate([np.linspace(-12, 12, 4801), np.geomspace(1e-30, 1e30, 201)]).astype(np.float32)
    x = np.concatenate([x, -x[-201:]])
    x[:1] = 0
    case = Case("GELU", 1, ((x.size,),), {"approximate": approximate})
    node = OneNode(case, isa, dtype)
    with np.errstate(over="ignore"):
        want = oracle.gelu(x[None], approximate=approximate)
        slope = oracle.gelu_backward(np.ones_like(x[None]), x[None], approximate=approximate)[0]
    with np.errstate(over="ignore"):
        scale = tolerance.forward_scale(case, (x[None],))
    tolerance.check(node.forward(x[None]), want, dtype, *scale, "gelu")
    got = node.backward(np.ones_like(x[None]), x[None])[0]
    tolerance.check(got, slope, dtype, 4, np.ones(x[None].shape), "gelu'")


@pytest.mark.parametrize(("n", "classes"), LOSSES)
@pytest.mark.parametrize("loss", ["cross_entropy", "nll"])
def test_losses(loss: str, n: int, classes: int, isa: str, dtype: str, rng: np.random.Generator) -> None:
    x = (3 * rng.standard_normal((n, classes))).astype(np.float32)
    target = rng.integers(0, classes, n)
    value, slope = getattr(_core, loss)(x.astype(dtype), target, isa=isa)
    want_value = getattr(oracle, loss)(x, target)
    want_slope = getattr(oracle, f"{loss}_backward")(x, target)
    scale = None if loss == "nll" else 1 + tolerance.below_maximum(x)
    tolerance.check(value, want_value, dtype, classes, None if scale is None else scale.max(axis=1), "loss")
    tolerance.check(slope, want_slope, dtype, classes, scale, "d loss")


def test_loss_of_large_logits_does_not_overflow(isa: str, dtype: str) -> None:
    x = np.array([[1e4, -1e4, 0.0], [3e38, -3e38, 0.0], [-1e4, -1e4, -1e4]], dtype)
    value, slope = _core.cross_entropy(x, np.array([0, 0, 2]), isa=isa)
    np.testing.assert_allclose(value, [0, 0, math.log(3)], rtol=1e-6)
    np.testing.assert_allclose(slope, [[0, 0, 0], [0, 0, 0], [1 / 3, 1 / 3, -2 / 3]], atol=1e-6)

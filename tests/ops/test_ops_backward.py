"""Every operation's backward pass against the oracle, on every instruction set, in both precisions."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cases import CASES, Case
from tests.support import expected, tolerance
from tests.support.engine import OneNode
from tests.support.marks import quick_oracles, quick_thirds


def names(case: Case) -> list[str]:
    inputs = ["dx"] if len(case.inputs) == 1 else [f"d input {k}" for k in range(len(case.inputs))]
    return [*inputs, *(f"d {name}" for name in case.parameters)]


@pytest.mark.parametrize("case", quick_oracles(CASES), ids=lambda case: case.id)
def test_matches_oracle(case: Case, isa: str, dtype: str) -> None:
    """On integers too, which are often equal: there max-pooling must pick the first in row order."""
    arrays, dy, want, scales = expected.backward(case)
    for exact in (False, True):
        node = OneNode(case, isa, dtype, exact)
        got = node.backward(dy, *arrays)
        for name, g, w, (terms, scale) in zip(names(case), got, want, scales, strict=True):
            wide = tolerance.winograd(scale) if node.winograd else scale
            tolerance.check(g, w, dtype, terms, wide, name)
    if case.op in tolerance.EXACT:
        arrays, dy, want, scales = expected.backward(case, integers=True)
        got = node.backward(dy, *arrays)
        for name, g, w, (terms, scale) in zip(names(case), got, want, scales, strict=True):
            tolerance.check(g, w, dtype, terms, scale, f"{name} of integers")


@pytest.mark.parametrize("case", quick_thirds(CASES, 2), ids=lambda case: case.id)
def test_same_bits_again_and_alone(case: Case, isa: str) -> None:
    """Backward again from one tape, also after another forward pass: the same bits, nothing added up. And dx
    of an image is the same bits alone as in a batch.
    """
    arrays, dy, *_ = expected.backward(case)
    node, inputs = OneNode(case, isa, "float32"), len(case.inputs)
    _, tape = node.forward_train(*arrays)
    first = node.backward(dy, *arrays, tape=tape)
    node.forward_train(*(2 * a for a in arrays))
    node.backward(2 * dy, *arrays, tape=tape)
    for name, a, b in zip(names(case), first, node.backward(dy, *arrays, tape=tape), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)
    if case.n > 1:
        alone = node.backward(dy[-1:], *(x[-1:] for x in arrays[:inputs]), *arrays[inputs:])
        for name, a, b in zip(names(case)[:inputs], alone, first, strict=False):
            np.testing.assert_array_equal(a[0], b[-1], err_msg=name)

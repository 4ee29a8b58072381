"""Every operation's backward pass against the oracle, on every instruction set, in both precisions."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cases import CASES, Case
from tests.support import expected, tolerance
from tests.support.engine import OneNode

by_id = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


def names(case: Case) -> list[str]:
    inputs = ["dx"] if len(case.inputs) == 1 else [f"d input {k}" for k in range(len(case.inputs))]
    return [*inputs, *(f"d {name}" for name in case.parameters)]


@by_id
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


@by_id
def test_tape_stays_usable(case: Case, isa: str) -> None:
    """Backward again from one tape, also after another forward pass: the same bits, nothing added up."""
    arrays, dy, *_ = expected.backward(case)
    node = OneNode(case, isa, "float32")
    _, tape = node.forward_train(*arrays)
    first = node.backward(dy, *arrays, tape=tape)
    node.forward_train(*(2 * a for a in arrays))
    node.backward(2 * dy, *arrays, tape=tape)
    for name, a, b in zip(names(case), first, node.backward(dy, *arrays, tape=tape), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)


@pytest.mark.parametrize("case", [c for c in CASES if c.n > 1], ids=lambda case: case.id)
def test_images_are_independent(case: Case, isa: str) -> None:
    """dx of an image is the same bits alone as in a batch."""
    arrays, dy, *_ = expected.backward(case)
    k = len(case.inputs)
    node = OneNode(case, isa, "float32")
    together = node.backward(dy, *arrays)
    i = case.n - 1
    alone = node.backward(dy[i:], *(x[i:] for x in arrays[:k]), *arrays[k:])
    for name, a, b in zip(names(case)[:k], alone, together, strict=False):
        np.testing.assert_array_equal(a[0], b[i], err_msg=name)

"""Every operation's backward pass against the oracle, on every instruction set, in both precisions."""

from __future__ import annotations

import numpy as np
import pytest

from tests import oracle
from tests.cases import CASES, Case
from tests.support import tolerance
from tests.support.engine import OneNode

by_id = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


def names(case: Case) -> list[str]:
    inputs = ["dx"] if len(case.inputs) == 1 else [f"d input {k}" for k in range(len(case.inputs))]
    return [*inputs, *(f"d {name}" for name in case.parameters)]


def drawn(case: Case, integers: bool) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    arrays = case.arrays(integers)
    shape = oracle.PAIRS[case.op][0](*arrays, **case.call).shape
    return case.draw(*shape, salt="dy", integers=integers), arrays


@by_id
def test_matches_oracle(case: Case, isa: str, dtype: str) -> None:
    dy, arrays = drawn(case, integers=False)
    want = oracle.PAIRS[case.op][1](dy, *arrays, **case.call)
    scales = tolerance.backward_scales(case, dy, arrays)
    for exact in (False, True):
        node = OneNode(case, isa, dtype, exact)
        got = node.backward(dy, *arrays)
        for name, g, w, (terms, scale) in zip(names(case), got, want, scales, strict=True):
            wide = tolerance.winograd(scale) if node.winograd else scale
            tolerance.check(g, w, dtype, terms, wide, name)


@pytest.mark.parametrize("case", [c for c in CASES if c.op in tolerance.EXACT], ids=lambda case: case.id)
def test_exact_on_whole_numbers(case: Case, isa: str, dtype: str) -> None:
    """Whole numbers tie often: this is also where max-pooling must pick the first in row order."""
    dy, arrays = drawn(case, integers=True)
    want = oracle.PAIRS[case.op][1](dy, *arrays, **case.call)
    got = OneNode(case, isa, dtype, exact=True).backward(dy, *arrays)
    for name, g, w in zip(names(case), got, want, strict=True):
        tolerance.check(g, w, dtype, 1, None, name)


@by_id
def test_tape_stays_usable(case: Case, isa: str) -> None:
    """Backward again from one tape, also after another forward pass: the same bits, nothing added up."""
    dy, arrays = drawn(case, integers=False)
    node = OneNode(case, isa, "float32")
    _, tape = node.forward_train(*arrays)
    first = node.backward(dy, *arrays, tape=tape)
    node.forward_train(*(2 * a for a in arrays))
    node.backward(2 * dy, *arrays, tape=tape)
    for name, a, b in zip(names(case), first, node.backward(dy, *arrays, tape=tape), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)


@pytest.mark.parametrize("case", [c for c in CASES if c.n > 1], ids=lambda case: case.id)
def test_images_do_not_meet(case: Case, isa: str) -> None:
    """dx of an image is the same bits alone as in a batch."""
    dy, arrays = drawn(case, integers=False)
    k = len(case.inputs)
    node = OneNode(case, isa, "float32")
    together = node.backward(dy, *arrays)
    i = case.n - 1
    alone = node.backward(dy[i:], *(x[i:] for x in arrays[:k]), *arrays[k:])
    for name, a, b in zip(names(case)[:k], alone, together, strict=False):
        np.testing.assert_array_equal(a[0], b[i], err_msg=name)

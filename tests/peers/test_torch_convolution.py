"""Convolutions and resampling beside PyTorch at hundreds of drawn geometries, on every instruction set.

Failures name the seed; CNNFAST_TEST_SEED=<number> draws other geometries.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.cases import Case
from tests.support import tolerance
from tests.support.drawn_convolutions import FAMILIES, Rng
from tests.support.engine import OneNode, op_of

torch = pytest.importorskip("torch")

from cnnfast import _core, functional  # noqa: E402

from tests.peers.test_torch_parity import BASE, by_torch  # noqa: E402

pytestmark = pytest.mark.slow

#: geometries of a family are drawn in so many tests of so many trials
TESTS, TRIALS = 6, 70


def assert_like_torch(case: Case, about: str) -> None:
    """Output and gradients on every instruction set in both precisions, within the errors of the sums."""
    arrays = case.arrays()
    shape = op_of(case).output_shape(*case.inputs)
    dy = case.draw(case.n, *shape, salt="dy")
    y, slopes = by_torch(case, arrays, dy)
    y_scale, scales = by_torch(case, tuple(np.abs(a) for a in arrays), np.abs(dy))
    products = max((math.prod(a.shape[1:]) for a in arrays[1:]), default=1)
    for isa in _core.available_isas():
        for dtype in ("float32", "float64"):
            node = OneNode(case, isa, dtype)
            widen = tolerance.winograd if node.winograd else lambda scale: scale
            where = f"{about}, {isa}"
            tolerance.check(node.forward(*arrays), y, dtype, products, widen(y_scale), where)
            terms = case.n * math.prod(shape) * products  # more than any sum of a gradient has
            got = node.backward(dy, *arrays)
            for k, (slope, scale) in enumerate(zip(slopes, scales, strict=True)):
                tolerance.check(got[k], slope, dtype, min(terms, 400), widen(scale), f"{where}, gradient {k}")


@pytest.mark.parametrize("part", range(TESTS))
@pytest.mark.parametrize("family", FAMILIES)
def test_operation(family: str, part: int) -> None:
    for trial in range(part * TRIALS, (part + 1) * TRIALS):
        case = FAMILIES[family](np.random.default_rng([BASE, trial]))
        assert_like_torch(case, f"seed {BASE}, trial {trial}: {case.id}")


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("kernel", [1, 2, 3, (4, 5)])
@pytest.mark.parametrize("dilation", [1, 2, (3, 1)])
def test_same_and_valid_are_those_of_torch(kernel: Any, dilation: Any, rng: Rng) -> None:
    window = (kernel, kernel) if isinstance(kernel, int) else kernel
    x, w = rng.standard_normal((2, 3, 12, 13)), rng.standard_normal((4, 3, *window))
    for padding in ("same", "valid"):
        got = functional.conv2d(x, w, padding=padding, dilation=dilation)
        want = torch.nn.functional.conv2d(*map(torch.from_numpy, (x, w)), padding=padding, dilation=dilation)
        np.testing.assert_allclose(got, want.numpy(), rtol=1e-10, atol=1e-10)
        assert padding == "valid" or got.shape[2:] == x.shape[2:]
    if isinstance(kernel, int) and isinstance(dilation, int):
        line, filters = x[:, :, 0].copy(), w[:, :, 0].copy()
        got = functional.conv1d(line, filters, padding="same", dilation=dilation)
        tensors = map(torch.from_numpy, (line, filters))
        want = torch.nn.functional.conv1d(*tensors, padding="same", dilation=dilation)
        np.testing.assert_allclose(got, want.numpy(), rtol=1e-10, atol=1e-10)

"""Convolutions and resampling beside PyTorch at hundreds of drawn geometries, on every instruction set.

Failures name the seed; CNNFAST_TEST_SEED=<number> draws other geometries.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests import tolerance
from tests.cases import Case, conv
from tests.engine import OneNode

torch = pytest.importorskip("torch")

from cnnfast import _core, functional  # noqa: E402

from tests.test_torch_parity import BASE, Rng, by_torch  # noqa: E402

#: geometries of a family are drawn in so many tests of so many trials
TESTS, TRIALS = 6, 70


def draw_batch(rng: Rng) -> int:
    return int(rng.choice([0, 1, 2, 3, 5]))


def draw_channels(rng: Rng) -> tuple[int, int, int]:
    """(c_in, c_out, groups): dense, depthwise with and without a multiplier, and groups of any size."""
    match rng.integers(4):
        case 0:
            return int(rng.choice([1, 2, 3, 8, 13, 16, 33])), int(rng.choice([1, 2, 5, 8, 17, 40])), 1
        case 1:
            groups = int(rng.choice([2, 3, 8, 13, 16, 33]))
            return groups, groups * int(rng.choice([1, 1, 2, 3, 9])), groups
        case 2:
            groups = int(rng.choice([2, 3, 5, 9]))
            return groups * int(rng.integers(1, 5)), groups * int(rng.integers(1, 5)), groups
    groups = int(rng.choice([2, 3]))
    return groups * int(rng.choice([1, 7, 16])), groups * int(rng.choice([1, 8, 19])), groups


def draw_window(rng: Rng, longest: int = 14) -> dict[str, Any]:
    """One axis: an input and a window that fits it, dilated or not, with any stride."""
    size = int(rng.choice([1, rng.integers(1, longest)]))
    before, after = (int(p) for p in rng.integers(0, 5, 2))
    kernel = int(rng.integers(1, min(size + before + after, 5) + 1))
    dilation = 1
    if rng.integers(2) and kernel > 1:
        dilation = int(rng.integers(1, min(4, (size + before + after - 1) // (kernel - 1)) + 1))
    stride = int(rng.choice([1, 1, 2, 3, 4, 6]))
    return {"size": size, "kernel": kernel, "stride": stride, "pad": (before, after), "dilation": dilation}


def draw_conv2d(rng: Rng) -> Case:
    c_in, c_out, groups = draw_channels(rng)
    v, u = draw_window(rng), draw_window(rng)
    kernel, stride, padding, dilation = ((v[k], u[k]) for k in ("kernel", "stride", "pad", "dilation"))
    shape = (c_in, v["size"], u["size"])
    settings = (c_out, kernel, stride, padding, bool(rng.integers(2)), dilation, groups)
    return conv(draw_batch(rng), shape, *settings)


FAMILIES: dict[str, Callable[[Rng], Case]] = {"Conv2d": draw_conv2d}


def assert_like_torch(case: Case, about: str) -> None:
    """Output and gradients on every instruction set in both precisions, within the errors of the sums."""
    arrays = case.arrays()
    shape = OneNode(case, "baseline", "float64").plan.output_shape
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

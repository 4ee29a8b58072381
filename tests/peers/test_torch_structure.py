"""Products, biases, soft maxima, joins and new shapes beside PyTorch: hundreds of random geometries of each,
on every instruction set, in both precisions, from arrays that lie anyhow in memory.

Failures name the seed; CNNFAST_TEST_SEED=<number> draws other geometries.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.support import tolerance
from tests.support.drawn_structure import FAMILIES, scattered
from tests.support.engine import OneNode, op_of

torch = pytest.importorskip("torch")

from cnnfast import _core  # noqa: E402

from tests.peers.test_torch_parity import BASE, by_torch  # noqa: E402

pytestmark = pytest.mark.slow

TRIALS = 300


@pytest.mark.parametrize("family", FAMILIES)
def test_operation(family: str) -> None:
    """What only moves numbers agrees to the bit, sums to their rounding errors."""
    for trial in range(TRIALS):
        rng = np.random.default_rng([BASE, trial])
        case = FAMILIES[family](rng)
        arrays = case.arrays()
        dy = case.draw(case.n, *op_of(case).output_shape(*case.inputs), salt="dy")
        y, slopes = by_torch(case, arrays, dy)
        forward_scale, backward_scales = (
            tolerance.forward_scale(case, arrays),
            tolerance.backward_scales(case, dy, arrays),
        )
        for isa in _core.available_isas():
            for dtype in ("float32", "float64"):
                about = f"seed {BASE}, trial {trial}: {case.id}, {isa}, {dtype}"
                given = [scattered(a.astype(dtype), rng) for a in arrays[: len(case.inputs)]]
                slope = scattered(dy.astype(dtype), rng)
                node = OneNode(case, isa, dtype)
                inputs = (*given, *arrays[len(case.inputs) :])
                tolerance.check(node.forward(*inputs), y, dtype, *forward_scale, about)
                for k, got in enumerate(node.backward(slope, *inputs)):
                    tolerance.check(got, slopes[k], dtype, *backward_scales[k], f"{about}, gradient {k}")


def test_drawn_geometries_meet_the_corners() -> None:
    drawn = {
        f: [draw(np.random.default_rng([BASE, t])) for t in range(TRIALS)] for f, draw in FAMILIES.items()
    }
    for family, cases in drawn.items():
        assert min(sum(c.n == n for c in cases) for n in (0, 1, 33)) > 15, family
        assert sum(c.inputs[0][0] == 1 for c in cases) > 15, f"{family}: one channel"
        assert family in ("Linear", "RBF") or sum(set(c.inputs[0][1:]) == {1} for c in cases) > 5, (
            f"{family}: one pixel"
        )
    assert sum(-1 in c.settings["shape"] for c in drawn["Reshape"]) > 50
    assert sum(len(c.inputs) == 1 for c in drawn["Concat"]) > 15
    kept = [c for c in drawn["Flatten"] if c.settings["start_dim"] not in (1, -len(c.inputs[0]))]
    assert len(kept) > 50, "the channels stay"

"""Print a hash of the float32 results of every test case, of random networks and of short training runs.

A change that must not change results (to the build, to the structure of kernels) is checked by comparing the
output before and after it:

    PYTHONPATH=python python tools/hash_results.py > before.txt
    ... change and build ...
    PYTHONPATH=python python tools/hash_results.py | diff before.txt -

Results depend on the instruction set and on the compiler, so both runs must be on one machine.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cnnfast import _core

from tests.cases import CASES
from tests.support.engine import OneNode
from tests.support.networks import draw_network

Array = np.ndarray[Any, Any]
NETWORKS = 60
IMAGES = 19
STEPS = 3


def hash_of(arrays: Iterable[Array]) -> str:
    digest = hashlib.sha256()
    for a in arrays:
        digest.update(np.ascontiguousarray(a).tobytes())
    return digest.hexdigest()[:16]


def hash_cases(isa: str, exact: bool) -> Iterator[tuple[str, str]]:
    for case in CASES:
        arrays = case.arrays()
        node = OneNode(case, isa, "float32", exact=exact)
        y, tape = node.forward_train(*arrays)
        dy = np.random.default_rng(0).standard_normal(y.shape).astype(np.float32)
        yield case.id, hash_of([node.forward(*arrays), y, *node.backward(dy, *arrays, tape=tape)])


def train(plan: _core.Plan, rng: np.random.Generator) -> Iterator[Array]:
    """Outputs, gradients and parameters of a few steps of momentum."""
    params = rng.standard_normal(plan.parameter_count).astype(np.float32) * np.float32(0.1)
    grads, momentum = np.zeros_like(params), np.zeros_like(params)
    x = rng.standard_normal((IMAGES, *plan.input_shape)).astype(np.float32)
    target = rng.standard_normal((IMAGES, *plan.output_shape)).astype(np.float32)
    for step in range(STEPS):
        plan.loss_and_grad(x, target, params, grads, loss=_core.Loss("mse"), seed=step)
        yield grads.copy()
        _core.sgd_step(params, grads, momentum, 0.01, momentum=0.9)
        yield plan.forward(x, params)
    yield params


def hash_networks(isa: str, exact: bool) -> Iterator[tuple[str, str]]:
    for seed in range(NETWORKS):
        plan = draw_network(np.random.default_rng(seed)).plan(isa, "float32", exact=exact)
        with np.errstate(all="ignore"):
            yield f"network {seed}", hash_of(train(plan, np.random.default_rng(seed)))


def main() -> None:
    for isa in _core.available_isas():
        for exact in (False, True):
            for part in (hash_cases, hash_networks):
                for name, digest in part(isa, exact):
                    print(isa, "exact" if exact else "fused", name, digest)


if __name__ == "__main__":
    main()

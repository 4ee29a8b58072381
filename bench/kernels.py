"""Rows of single kernels: GFLOP/s and fraction of the measured multiply-add peak, one thread.

The shapes are those of our networks, from `tests/cases`; a kernel that disagrees with the oracle is not
timed.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from cnnfast import _core
from cnnfast.benchmark.cpu_contention import CpuContention
from cnnfast.benchmark.runner import default_isa
from cnnfast.benchmark.timing import MAX_BACKGROUND_LOAD, Options

from tests import oracle
from tests.cases import CASES, Case
from tests.support import tolerance
from tests.support.engine import OneNode

BATCH = 64


@dataclass(frozen=True)
class KernelRow:
    """Forward and backward of one operation at one geometry, seconds per call on `n` images in each round."""

    name: str
    isa: str
    dtype: str
    n: int
    flops: dict[str, float]  # of a call, forward and backward; 0 for what multiplies no weights
    moved: dict[str, float]  # bytes a call must read and write at least
    seconds: dict[str, list[float]]
    peak: float  # FLOP/s
    foreign: float | None  # processors other processes used meanwhile, if the system tells

    @property
    def is_contended(self) -> bool:
        return self.foreign is not None and self.foreign > MAX_BACKGROUND_LOAD

    def speed(self, direction: str) -> str:
        seconds = statistics.median(self.seconds[direction])
        if self.flops[direction]:
            rate = self.flops[direction] / seconds
            return f"{direction} {rate / 1e9:7.1f} GFLOP/s {rate / self.peak:5.0%} of peak"
        return f"{direction} {self.moved[direction] / seconds / 1e9:7.1f} GB/s{'':16}"

    def lines(self) -> list[str]:
        tail = f"   no claim: other processes use {self.foreign:.2f} processors" if self.is_contended else ""
        return [f"{self.name:<48} {self.speed('forward')}   {self.speed('backward')}{tail}"]

    def to_dict(self) -> dict[str, Any]:
        medians = {direction: statistics.median(times) for direction, times in self.seconds.items()}
        return {"kind": "kernel", **vars(self), "median_seconds": medians, "claim": not self.is_contended}


def kernel_rows(options: Options) -> Iterator[KernelRow]:
    """One row for each case that names one, on the variant this process uses."""
    isa, dtype = default_isa(), "float32"
    named = [case for case in CASES if case.row and options.includes(f"kernel {case.row}")]
    if not named:
        return
    peak = _core.fma_peak(isa, dtype, 0.02 if options.quick else 0.2)
    for case in named:
        assert_right(case, isa, dtype)
        yield measure(case, isa, dtype, BATCH, peak, options)


def assert_right(case: Case, isa: str, dtype: str) -> None:
    """Forward and backward against the oracle, with the tolerances of the tests."""
    forward, backward = oracle.PAIRS[case.op]
    arrays, node = case.arrays(), OneNode(case, isa, dtype)
    y = forward(*arrays, **case.call)
    dy = case.draw(*y.shape, salt="dy")
    tolerance.check(node.forward(*arrays), y, dtype, *tolerance.forward_scale(case, arrays), case.row)
    wanted = backward(dy, *arrays, **case.call)
    scales = tolerance.backward_scales(case, dy, arrays)
    for got, want, (terms, scale) in zip(node.backward(dy, *arrays), wanted, scales, strict=True):
        tolerance.check(got, want, dtype, terms, scale, f"{case.row}, gradient")


def measure(case: Case, isa: str, dtype: str, n: int, peak: float, options: Options) -> KernelRow:
    node = OneNode(case, isa, dtype)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, *node.plan.input_shape)).astype(dtype)
    params = rng.standard_normal(node.plan.parameter_count).astype(dtype)
    seconds: dict[str, list[float]] = {"forward": [], "backward": []}
    load = CpuContention()
    once = _profile(node, x, params, 1)
    cost = max(once["forward"] + once["backward"], 1e-7)
    repeats = max(1, round(options.effort.sample / cost))
    for _ in range(options.effort.rounds):
        for direction, value in _profile(node, x, params, repeats).items():
            seconds[direction].append(value)
    flops = 2.0 * n * node.op.macs(*case.inputs)
    touched = sum(math.prod(s) for s in case.inputs) + math.prod(node.op.output_shape(*case.inputs))
    moved = float(n * touched * np.dtype(dtype).itemsize)
    return KernelRow(
        name=f"kernel {case.row}",
        isa=isa,
        dtype=dtype,
        n=n,
        flops={"forward": flops, "backward": 2 * flops},
        moved={"forward": moved, "backward": moved},
        seconds=seconds,
        peak=peak,
        foreign=load.cores(),
    )


def _profile(
    node: OneNode, x: np.ndarray[Any, Any], params: np.ndarray[Any, Any], repeats: int
) -> dict[str, float]:
    """Seconds of one call of the operation, which is the last node (others only split its input)."""
    last = node.plan.profile(x, None, params, repeats)[-1]  # summed over the repeats
    return {"forward": last["forward"] / repeats, "backward": last["backward"] / repeats}

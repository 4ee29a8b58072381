"""Profiles a training step: `python -m bench.profile [MODEL] [BATCH]`.

Microseconds per image of each node on one thread, the minimum of several passes, with the fraction of the
peak (FLOPs of the direct algorithm); then whole steps with Adam, and inference, on one thread and on all:
minimum and median.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
from cnnfast import Trainer, _core, get_num_threads, models, optim, set_num_threads

PASSES = 7
CALLS = 150


def main(words: Sequence[str]) -> None:
    name, n = (words[0] if words else "hello-dl-letters"), int(words[1]) if len(words) > 1 else 64
    model, rng = models.get(name, seed=0), np.random.default_rng(0)
    plan, threads = model.plan(), get_num_threads()
    x = rng.standard_normal((n, *plan.input_shape)).astype(np.float32)
    target = rng.integers(0, plan.output_shape[0], n)
    print(plan)
    peak, repeats = _core.fma_peak(), max(1, 200 // n)
    params = np.concatenate([value.ravel() for value in model.state_dict().values()])
    passes = [plan.profile(x, target, params, repeats) for _ in range(PASSES)]
    whole = 0.0
    for node in zip(*passes, strict=True):
        line = f"{node[0]['op']:<28}"
        for direction, flops in (("forward", 2), ("backward", 4)):
            seconds = min(row[direction] for row in node) / (n * repeats)
            whole += seconds
            line += f"  {direction} {seconds * 1e6:7.2f} us {flops * node[0]['macs'] / seconds / peak:6.0%}"
        print(line)
    print(f"all nodes {whole * 1e6:.1f} us per image")
    trainer = Trainer(model, optim.Adam(lr=1e-6))
    try:
        for count in sorted({1, threads}):
            set_num_threads(count)
            step, call = clock(lambda: trainer.step(x, target), n), clock(lambda: model(x), n)
            print(f"{count} threads, us per image: step {step}, inference {call}")
    finally:
        set_num_threads(threads)


def clock(call: Callable[[], object], n: int) -> str:
    seconds = []
    for _ in range(CALLS):
        before = time.perf_counter()
        call()
        seconds.append((time.perf_counter() - before) / n)
    return f"{min(seconds) * 1e6:.2f} (median {statistics.median(seconds) * 1e6:.2f})"


if __name__ == "__main__":
    main(sys.argv[1:])

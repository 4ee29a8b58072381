"""Rows of resident memory, each measured in a fresh process, `python -m bench.memory KIND SIZE`, which prints
megabytes (10^6 bytes). Linux only.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from cnnfast.benchmark.timing import Options

from bench.figure import Figure, Remark
from bench.networks import LETTERS

ROOT = Path(__file__).resolve().parents[1]
BATCH = 256
IMAGES = 20_000
CALLS = 1000
QUICK_IMAGES = 512
QUICK_CALLS = 20


def memory_rows(options: Options) -> Iterator[Figure | Remark]:
    """Memory of training in addition to the data set, and growth by repeated inference calls."""
    images, calls = (QUICK_IMAGES, QUICK_CALLS) if options.quick else (IMAGES, CALLS)
    rows = {
        f"memory, train {LETTERS} batch {BATCH} above the data set": ("train", images),
        f"memory, infer {LETTERS} batch {BATCH}, growth over {calls:,} calls": ("infer", calls),
    }
    wanted = {name: what for name, what in rows.items() if options.includes(name)}
    if wanted and not sys.platform.startswith("linux"):
        yield Remark("memory", "resident memory is available on Linux only")
        return
    for name, (kind, size) in wanted.items():
        command = [sys.executable, "-m", "bench.memory", kind, str(size)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        yield Figure(name, float(done.stdout), "MB")


def training_growth(count: int) -> float:
    """Peak resident memory in one epoch of the letters network, minus that before the model was built."""
    from cnnfast import fit, models, optim

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    classes = rng.integers(0, 26, count)
    before = resident("VmRSS")
    forget_peak()
    model = models.get(LETTERS, seed=0)
    optimizer = optim.Adam()
    fit(model, (images, classes), 1, optimizer, batch_size=BATCH, progress=False)
    return resident("VmHWM") - before


def inference_growth(calls: int) -> float:
    """Resident memory after `calls` calls, minus that after the tenth."""
    from cnnfast import models

    model = models.get(LETTERS, seed=0)
    x = np.zeros((BATCH, 1, 28, 28), dtype=np.float32)
    for _ in range(10):
        model(x)
    before = resident("VmRSS")
    for _ in range(calls):
        model(x)
    return resident("VmRSS") - before


def resident(field: str) -> float:
    """VmRSS, the current resident memory, or VmHWM, its peak, in megabytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ValueError(f"bench.memory: /proc/self/status has no {field}")


def forget_peak() -> None:
    """Reset VmHWM to the current resident memory."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


KINDS: dict[str, Callable[[int], float]] = {"train": training_growth, "infer": inference_growth}


def main(words: Sequence[str]) -> int:
    if len(words) != 2 or words[0] not in KINDS or not words[1].isdecimal():
        print("usage: python -m bench.memory train|infer SIZE", file=sys.stderr)
        return 2
    print(KINDS[words[0]](int(words[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Measures how much CPU time other processes use, since timings on a busy machine are not valid.

Libraries are affected differently (one with a barrier after every operation loses most of its speed to two
busy threads of another process), so that not even ratios are valid.
"""

from __future__ import annotations

import os
import time
from pathlib import Path


class CpuContention:
    """`cores()` is the mean number of CPUs that other processes kept busy since the object's creation.

    Linux only (from /proc/stat); elsewhere the result is None. Counts the CPUs this process may run on, minus
    the CPU time of this process.
    """

    def __init__(self) -> None:
        self._busy, self._own, self._time = _busy_seconds(), _own_seconds(), time.perf_counter()

    def cores(self) -> float | None:
        busy = _busy_seconds()
        if busy is None or self._busy is None:
            return None
        elapsed = max(time.perf_counter() - self._time, 1e-9)
        return max(0.0, (busy - self._busy) - (_own_seconds() - self._own)) / elapsed


def _own_seconds() -> float:
    times = os.times()
    return times.user + times.system


def _busy_seconds() -> float | None:
    """Time for which our CPUs were not idle since system start, by all processes."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    try:
        lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    ours = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    ticks = 0
    for line in lines:
        name, *counts = line.split()
        if name in ours:
            user, nice, system, _idle, _iowait, irq, softirq, steal = (int(c) for c in counts[:8])
            ticks += user + nice + system + irq + softirq + steal
    return ticks / os.sysconf("SC_CLK_TCK")

"""How much of our processors other processes use: a speed measured on a busy machine is no speed.

Libraries suffer differently from company (one that waits at a barrier after every operation loses most of its
speed to two foreign busy threads), so that not even ratios survive it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path


class CpuContention:
    """Measures from its creation on; `cores()` is the mean number of processors others kept busy since then.

    Linux only, and only as far as /proc/stat tells; elsewhere the answer is None. Counted are the
    processors this process may run on; what we and our threads use is taken off.
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
    """Time our processors were not idle since the system started, all processes together."""
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

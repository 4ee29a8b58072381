"""Compares the run times of candidates on a machine that may be busy: interleaved samples, medians, and the
spread of the ratios. It is independent of networks; `bench/` uses it for single kernels too.

Candidates take turns in each round, so that a slow moment of the machine affects all of them, and ratios are
taken within rounds. Each sample starts with an untimed call, which warms up caches and threads, and is long
enough for the resolution of the clock. Thread pools of other libraries keep spinning for a while after a
call: if calls are short, there are enough untimed ones for the other pools to go to sleep.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import _terminal
from .cpu_contention import CpuContention

#: if the ratios have a larger relative spread, none is reported
MAX_SPREAD = 0.25
#: nor if other processes use more than this many CPUs on average
MAX_BACKGROUND_LOAD = 0.15
#: duration of the untimed calls before a sample, as a fraction of the sample
WARMUP_FRACTION = 0.05
#: calls of at least this many seconds need no warm-up, except before the first sample
LONG_CALL = 2.0


_HANGING = " " * 6


@dataclass(frozen=True)
class Effort:
    """Duration of a measurement: the number of rounds, and the minimum length of a sample in seconds."""

    rounds: int = 15
    sample: float = 0.1


QUICK = Effort(rounds=5, sample=0.02)


@dataclass(frozen=True)
class Options:
    """What to measure, and for how long.

    quick: fewer rounds and batch sizes, as a smoke test; do not quote the results.
    threads: threads of both libraries; None keeps cnnfast's number.
    only: regular expression to search for in row names.
    done: names of rows that are not measured again.
    """

    quick: bool = False
    threads: int | None = None
    only: str | None = None
    done: frozenset[str] = frozenset()

    @property
    def effort(self) -> Effort:
        return QUICK if self.quick else Effort()

    def includes(self, name: str) -> bool:
        return name not in self.done and (self.only is None or re.search(self.only, name) is not None)


@dataclass(frozen=True)
class TimedCandidate:
    """A candidate that measures itself, for timing only a part of a call.

    seconds: makes the given number of calls and returns the seconds that the part took in all of them.
    """

    seconds: Callable[[int], float]


Candidate = Callable[[], object] | TimedCandidate


def interleave(candidates: Mapping[str, Candidate], effort: Effort) -> dict[str, list[float]]:
    """Seconds per call of each candidate in each round; within a round they start in rotating order."""
    clocks = {name: _clock(candidate) for name, candidate in candidates.items()}
    calls = {name: _calls_for(clock, effort.sample) for name, clock in clocks.items()}
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    names = list(candidates)
    for turn in range(effort.rounds):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            if not seconds[name] or seconds[name][-1] < LONG_CALL:
                clocks[name](max(1, int(WARMUP_FRACTION * calls[name])))
            seconds[name].append(clocks[name](calls[name]) / calls[name])
    return seconds


def _clock(candidate: Candidate) -> Callable[[int], float]:
    """A function that returns the seconds of a number of calls."""
    if isinstance(candidate, TimedCandidate):
        return candidate.seconds

    def clock(calls: int) -> float:
        before = time.perf_counter()
        for _ in range(calls):
            candidate()
        return time.perf_counter() - before

    return clock


def _calls_for(clock: Callable[[int], float], sample: float) -> int:
    """The number of calls for one sample; also warms the candidate up."""
    count = 1
    while True:
        taken = clock(count)
        if taken >= sample:
            return count
        count = max(count + 1, min(10 * count, int(1.2 * count * sample / max(taken, 1e-9))))


@dataclass(frozen=True)
class Ratio:
    """Run time of another candidate divided by that of the first one, from the ratios within each round."""

    of_medians: float
    low: float
    middle: float
    high: float

    @classmethod
    def between(cls, ours: Sequence[float], other: Sequence[float]) -> Ratio:
        pairs = [b / a for a, b in zip(ours, other, strict=True)]
        quartiles = statistics.quantiles(pairs, n=4, method="inclusive") if len(pairs) > 1 else pairs * 3
        of_medians = statistics.median(other) / statistics.median(ours)
        return cls(of_medians, quartiles[0], quartiles[1], quartiles[2])

    @property
    def spread(self) -> float:
        """Interquartile range relative to the median."""
        return (self.high - self.low) / self.middle


@dataclass(frozen=True)
class Row:
    """One row of a result, with `work` units (images) per call; the first candidate is the reference.

    foreign: mean number of CPUs used by other processes meanwhile; None if the system does not report it.
    flops: of a call of the first candidate by the direct algorithm; 0 if the fraction of the peak is not
        shown.
    peak: peak FLOP/s of all its threads.
    notes: candidates that were not timed, and why.
    """

    name: str
    work: float
    unit: str
    seconds: dict[str, list[float]]
    foreign: float | None = None
    flops: float = 0.0
    peak: float = 0.0
    notes: tuple[str, ...] = ()

    @classmethod
    def measured(
        cls,
        name: str,
        work: float,
        unit: str,
        candidates: Mapping[str, Candidate],
        effort: Effort,
        flops: float = 0.0,
        peak: float = 0.0,
        notes: tuple[str, ...] = (),
    ) -> Row:
        load = CpuContention()
        seconds = interleave(candidates, effort)
        return cls(name, work, unit, seconds, load.cores(), flops, peak, notes)

    @property
    def is_contended(self) -> bool:
        return self.foreign is not None and self.foreign > MAX_BACKGROUND_LOAD

    def verdict(self, ratio: Ratio) -> str:
        """The ratio, or why none is reported."""
        quartiles = f"quartiles {ratio.low:.2f} to {ratio.high:.2f}"
        if self.is_contended:
            return f"no claim: other processes use {self.foreign:.2f} processors, {quartiles}"
        if ratio.spread > MAX_SPREAD:
            return f"no claim: spread {ratio.spread:.0%}, {quartiles}"
        return f"{ratio.of_medians:.2f}x, {quartiles}"

    def median(self, candidate: str) -> float:
        return statistics.median(self.seconds[candidate])

    def ratios(self) -> dict[str, Ratio]:
        first, *others = self.seconds
        return {name: Ratio.between(self.seconds[first], self.seconds[name]) for name in others}

    @property
    def of_peak(self) -> float | None:
        """Speed of the first candidate as a fraction of the peak; above 1 if its algorithm needs fewer
        operations."""
        return self.flops / self.median(next(iter(self.seconds))) / self.peak if self.flops else None

    def lines(self) -> list[str]:
        """Text: one line per candidate, or two if the terminal is narrow."""
        ratios, share = self.ratios(), self.of_peak
        lines = [self.name]
        for name in self.seconds:
            speed, microseconds = self.work / self.median(name), self.median(name) * 1e6
            parts = [f"  {name:<21} {speed:>11,.0f} {self.unit}/s", f"{microseconds:>10,.1f} us"]
            if name in ratios:
                parts.append(self.verdict(ratios[name]))
            elif share is not None:
                parts.append(f"{share:.0%} of dense peak")
            lines += _terminal.packed(parts, _HANGING).splitlines()
        lines += [f"  {note}" for note in self.notes]
        return [part for line in lines for part in _terminal.wrapped(line, _HANGING).splitlines()]

    def to_dict(self) -> dict[str, Any]:
        """A dict for JSON: all samples and the results."""
        return {
            "kind": "candidates",
            "name": self.name,
            "work": self.work,
            "unit": self.unit,
            "seconds": self.seconds,
            "foreign_processors": self.foreign,
            "is_contended": self.is_contended,
            "of_peak": self.of_peak,
            "notes": list(self.notes),
            "median_seconds": {name: self.median(name) for name in self.seconds},
            "ratios": {
                name: {
                    "of_medians": r.of_medians,
                    "quartiles": [r.low, r.middle, r.high],
                    "spread": r.spread,
                    "claim": r.spread <= MAX_SPREAD and not self.is_contended,
                }
                for name, r in self.ratios().items()
            },
        }

"""Timing candidates against each other on a machine that may be busy: interleaved samples, medians, and
the spread of the ratios. It knows nothing of networks; `benchmark` uses it for those, `bench/` for single
kernels.

Contestants take turns, round by round, so that a slow moment of the machine hits all of them; what is
compared are ratios within a round. Each sample starts with an untimed call, which brings code, data and the
thread pool back, and lasts long enough for the clock not to matter. Thread pools of different libraries
keep spinning for a moment after a call: where calls are short, there are as many untimed ones as give the
others' pools time to fall asleep.
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

#: above this spread of the pairwise ratios a row makes no claim
MAX_SPREAD = 0.25
#: nor with more than this many processors, on average, in the hands of other processes
MAX_BACKGROUND_LOAD = 0.15
#: share of a sample that goes by untimed before it
WARMUP_FRACTION = 0.05
#: a call of so many seconds settles in a twentieth of itself: only the first sample has one before it
LONG_CALL = 2.0


_HANGING = " " * 6


@dataclass(frozen=True)
class Effort:
    """How long to measure: rounds, and the least length of one sample in seconds."""

    rounds: int = 15
    sample: float = 0.1


QUICK = Effort(rounds=5, sample=0.02)


@dataclass(frozen=True)
class Options:
    """What to measure and how thoroughly.

    quick: fewer rounds and batch sizes, to see that it works; not to quote.
    threads: of both libraries; None leaves cnnfast's number.
    only: regular expression that the name of a row must contain.
    """

    quick: bool = False
    threads: int | None = None
    only: str | None = None

    @property
    def effort(self) -> Effort:
        return QUICK if self.quick else Effort()

    def wants(self, name: str) -> bool:
        return self.only is None or re.search(self.only, name) is not None


@dataclass(frozen=True)
class TimedCandidate:
    """A candidate with a clock of its own, for what is only a part of a call.

    seconds: makes that many calls and tells how many seconds the part took in all of them.
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
    """Seconds of so many calls."""
    if isinstance(candidate, TimedCandidate):
        return candidate.seconds

    def clock(calls: int) -> float:
        before = time.perf_counter()
        for _ in range(calls):
            candidate()
        return time.perf_counter() - before

    return clock


def _calls_for(clock: Callable[[int], float], sample: float) -> int:
    """How many calls fill a sample; warms the candidate up on the way."""
    count = 1
    while True:
        taken = clock(count)
        if taken >= sample:
            return count
        count = max(count + 1, min(10 * count, int(1.2 * count * sample / max(taken, 1e-9))))


@dataclass(frozen=True)
class Ratio:
    """How many times longer another candidate took than the first one, from the ratios within each round."""

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
        """Distance of the quartiles, relative to the middle."""
        return (self.high - self.low) / self.middle


@dataclass(frozen=True)
class Row:
    """One line of a result: `work` units (images) a call; the first candidate is who the others are held to.

    foreign: mean number of processors other processes used meanwhile; None where the system does not tell.
    flops: of a call of the first candidate, by the plain definition; 0 where no share of the peak is told.
    peak: FLOP/s all its threads could do.
    notes: who else was there and is not timed, and why.
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
    def crowded(self) -> bool:
        return self.foreign is not None and self.foreign > MAX_BACKGROUND_LOAD

    def verdict(self, ratio: Ratio) -> str:
        """The ratio, or why none is claimed."""
        quartiles = f"quartiles {ratio.low:.2f} to {ratio.high:.2f}"
        if self.crowded:
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
        """What the first candidate reaches of the peak; above 1 if it skips part of the plain definition."""
        return self.flops / self.median(next(iter(self.seconds))) / self.peak if self.flops else None

    def lines(self) -> list[str]:
        """For people: one line a candidate, or two where the terminal is narrow."""
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
        """Plain data for JSON: all samples, and what was concluded from them."""
        return {
            "kind": "candidates",
            "name": self.name,
            "work": self.work,
            "unit": self.unit,
            "seconds": self.seconds,
            "foreign_processors": self.foreign,
            "crowded": self.crowded,
            "of_peak": self.of_peak,
            "notes": list(self.notes),
            "median_seconds": {name: self.median(name) for name in self.seconds},
            "ratios": {
                name: {
                    "of_medians": r.of_medians,
                    "quartiles": [r.low, r.middle, r.high],
                    "spread": r.spread,
                    "claim": r.spread <= MAX_SPREAD and not self.crowded,
                }
                for name, r in self.ratios().items()
            },
        }

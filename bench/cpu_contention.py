"""Rows of training while two other processes keep the CPUs busy: the fraction of its undisturbed speed that
each library keeps. Meant for a machine with two CPUs, or a process restricted to two.

Quiet and busy phases alternate in each round; within each phase, the libraries take turns. The check for
other processes applies to the quiet phases only.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from cnnfast import _core
from cnnfast.benchmark.cpu_contention import CpuContention
from cnnfast.benchmark.networks import training_candidates
from cnnfast.benchmark.peers import torch_peers
from cnnfast.benchmark.timing import Effort, Options, Row

from bench.networks import NETWORKS

BATCH = 32
PROCESSES = 2
#: Length of a sample, as a multiple of that in other rows, since time slices take milliseconds.
LONGER = 5

#: Says when it starts, and ends with its parent.
LOOP = """
import os
parent = os.getppid()
print("busy", flush=True)
while os.getppid() == parent:
    for _ in range(100000):
        pass
"""


def contention_rows(options: Options) -> Iterator[Row]:
    """For each network, one row for each library: its speed beside the busy processes, and its speed
    alone."""
    for network in NETWORKS:
        name = f"beside two busy processes, train {network.name} batch {BATCH}"
        if options.includes(name):
            steps, _ = training_candidates(network, BATCH, _core.get_num_threads(), torch_peers())
            yield from measured(name, BATCH, steps, options.effort)


def measured(name: str, work: float, steps: dict[str, Callable[[], object]], effort: Effort) -> Iterator[Row]:
    alone: dict[str, list[float]] = {library: [] for library in steps}
    beside: dict[str, list[float]] = {library: [] for library in steps}
    strangers = []
    for _ in range(effort.rounds):
        load = CpuContention()
        for library, step in steps.items():
            alone[library].append(sample(step, LONGER * effort.sample))
        strangers.append(load.cores())
        with busy(PROCESSES):
            for library, step in steps.items():
                beside[library].append(sample(step, LONGER * effort.sample))
    known = [cores for cores in strangers if cores is not None]
    foreign = statistics.fmean(known) if known else None
    for library in steps:
        seconds = {"beside": beside[library], "alone": alone[library]}
        yield Row(f"{name}, {library}", work, "images", seconds, foreign)


def sample(step: Callable[[], object], least: float) -> float:
    """Mean seconds of a step, over at least `least` seconds, after an untimed step."""
    step()
    began, calls = time.perf_counter(), 0
    while True:
        step()
        calls += 1
        taken = time.perf_counter() - began
        if taken >= least:
            return taken / calls


@contextmanager
def busy(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Context manager: runs `count` compute-bound processes."""
    processes = []
    with ExitStack() as stack:
        for _ in range(count):
            command = [sys.executable, "-I", "-S", "-c", LOOP]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            stack.callback(process.kill)
            assert process.stdout is not None
            process.stdout.readline()
            processes.append(process)
        yield processes

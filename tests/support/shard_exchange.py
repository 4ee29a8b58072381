"""Exchanges of shards for `Plan.loss_and_grad`: between threads in place of processes, and between processes
that are connected by pipes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np
from cnnfast import _core

from tests.support.networks import Network

Array = np.ndarray[Any, Any]
Part = tuple[int, int, bytes]  # rows first .. end - 1
IGNORED = -7
TIMEOUT = 60.0  # a test that hangs fails


def _network_of_all() -> Network:
    """Three batch normalizations, dropout, a residual add, an auxiliary output, and three products over the
    whole batch.
    """
    net = Network((3, 8, 7))
    first = net.add(_core.BatchNorm2d(8), net.add(_core.Conv2d(3, 8, 3, 1, 1), 0))
    value = net.add(_core.Dropout(0.4), net.add(_core.ReLU(), first))
    value = net.add(_core.BatchNorm2d(8), net.add(_core.Conv2d(8, 8, 3, 1, 1, bias=False), value))
    value = net.add(_core.MaxPool2d(2), net.add(_core.ReLU(), net.add(_core.Add(), value, first)))
    flat = net.add(_core.Flatten(), value)
    net.auxiliary[net.add(_core.Linear(96, 5), flat)] = 0.3
    value = net.add(_core.Linear(96, 17), flat)
    value = net.add(_core.Dropout(0.5), net.add(_core.BatchNorm1d(17), value))
    net.add(_core.Linear(17, 5), value)
    return net


def _convolutions() -> Network:
    """Nothing is computed over the whole batch; the output is a map."""
    net = Network((3, 8, 7))
    value = net.add(_core.GELU("tanh"), net.add(_core.Conv2d(3, 8, 3, 1, 1), 0))
    net.add(_core.Conv2d(8, 5, 3, 1, 1), value)
    return net


def _linears() -> Network:
    """No shard has a gradient; the operands of the first product are the images."""
    net = Network((30,))
    net.add(_core.Linear(17, 5), net.add(_core.ReLU(), net.add(_core.Linear(30, 17), 0)))
    return net


NETWORKS: dict[str, Callable[[], Network]] = {
    "all": _network_of_all,
    "convolutions": _convolutions,
    "linears": _linears,
}


@dataclass(frozen=True)
class Case:
    """One training pass on drawn numbers; every process makes the same one."""

    network: str | Network
    n: int
    isa: str
    dtype: str = "float32"

    def plan(self) -> _core.Plan:
        net = NETWORKS[self.network]() if isinstance(self.network, str) else self.network
        return net.plan(self.isa, self.dtype)

    def step(self, plan: _core.Plan, exchange: Any = None) -> tuple[Any, ...]:
        """Loss and the other numbers, gradients with statistics of the batch, parameters with new averages.

        Images that other processes compute are NaN.
        """
        rng = np.random.default_rng(self.n)
        x = rng.standard_normal((self.n, *plan.input_shape)).astype(self.dtype)
        params = rng.standard_normal(plan.parameter_count).astype(self.dtype)
        target = rng.integers(0, plan.output_shape[0], (self.n, *plan.output_shape[1:]))
        target[rng.random(target.shape) < 0.2] = IGNORED
        loss = _core.Loss(
            "cross_entropy", weight=np.arange(1.0, 1 + plan.output_shape[0]), ignore_index=IGNORED
        )
        if exchange is not None:
            shards = plan.shards(self.n)
            first, end = (self.n * shard // shards for shard in exchange.own(shards))
            x[:first] = x[end:] = np.nan
        grads = np.full_like(params, np.nan)
        try:
            numbers = plan.loss_and_grad(x, target, params, grads, loss=loss, seed=3, exchange=exchange)
        except Exception:
            assert np.isnan(grads).all(), "a step that fails has changed gradients"
            raise
        gradients = grads.tobytes()
        plan.update_buffers(params, grads)
        return repr(numbers), gradients, params.tobytes()


class Exchange:
    """The process `rank` of `size` processes, each with as many shards as the others, or one more."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size, self.calls = rank, size, 0

    def own(self, shards: int) -> tuple[int, int]:
        return shards * self.rank // self.size, shards * (self.rank + 1) // self.size

    def gather(self, rows: Array, first: int, end: int) -> None:
        self.calls += 1
        assert (rows.dtype, rows.ndim) == (np.uint8, 2)
        for start, stop, part in self.send_and_receive((first, end, rows[first:end].tobytes())):
            rows[start:stop] = np.frombuffer(part, np.uint8).reshape(stop - start, rows.shape[1])

    def send_and_receive(self, own: Part) -> list[Part]:
        raise NotImplementedError


class Meeting:
    """Where the threads of one group meet."""

    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size, timeout=TIMEOUT)
        self.parts: list[Part] = [(0, 0, b"")] * size


class ThreadExchange(Exchange):
    """Between threads. At call `fails_at` it and all others fail; at call `loses_at` it receives nothing."""

    def __init__(self, rank: int, meeting: Meeting, fails_at: int = 0, loses_at: int = 0) -> None:
        super().__init__(rank, meeting.barrier.parties)
        self.meeting, self.fails_at, self.loses_at = meeting, fails_at, loses_at

    def send_and_receive(self, own: Part) -> list[Part]:
        if self.calls == self.fails_at:
            self.meeting.barrier.abort()
            raise ConnectionError(f"rank {self.rank} is lost")
        self.meeting.parts[self.rank] = own
        self.meeting.barrier.wait()
        parts = [] if self.calls == self.loses_at else list(self.meeting.parts)
        self.meeting.barrier.wait()  # nobody writes to the list before all have read it
        return parts


class PipeExchange(Exchange):
    """Between processes; pipes by rank. The process ends at call number `dies_at`."""

    def __init__(self, rank: int, pipes: dict[int, Connection], dies_at: int | None = None) -> None:
        super().__init__(rank, len(pipes) + 1)
        self.pipes, self.dies_at = pipes, dies_at

    def send_and_receive(self, own: Part) -> list[Part]:
        if self.calls == self.dies_at:
            os._exit(9)
        parts = []
        for peer, pipe in sorted(self.pipes.items()):  # of two processes the first one sends first
            if self.rank < peer:
                pipe.send(own)
            if not pipe.poll(TIMEOUT):
                raise TimeoutError(f"rank {peer} sends nothing")
            parts.append(pipe.recv())
            if self.rank > peer:
                pipe.send(own)
        return parts


@dataclass(frozen=True)
class Job:
    """A case computed by processes 0 .. size - 1; the last one may die."""

    case: Case
    size: int
    threads: int
    dies_at: int | None = None

    def run(self, rank: int, pipes: dict[int, Connection]) -> tuple[Any, ...]:
        _core.set_num_threads(self.threads)
        near = {peer: pipe for peer, pipe in pipes.items() if peer < self.size}
        dies_at = self.dies_at if rank == self.size - 1 else None
        return self.case.step(self.case.plan(), PipeExchange(rank, near, dies_at))


def _serve(rank: int, pipes: dict[int, Connection], results: Connection, jobs: list[Job]) -> None:
    for job in jobs:
        if rank < job.size:
            try:
                results.send(job.run(rank, pipes))
            except OSError as error:  # EOFError is none
                results.send(type(error).__name__)
            except EOFError:
                results.send("EOFError")


class Processes:
    """This process as rank 0 and `size - 1` others, which run the same jobs in order."""

    def __init__(self, size: int, jobs: list[Job]) -> None:
        context = get_context("spawn")
        ends: list[dict[int, Connection]] = [{} for _ in range(size)]
        for a in range(size):
            for b in range(a + 1, size):
                ends[a][b], ends[b][a] = context.Pipe()
        self.pipes, self.results = ends[0], [context.Pipe(duplex=False) for _ in range(size - 1)]
        self.others: list[BaseProcess] = []
        for rank in range(1, size):
            arguments = (rank, ends[rank], self.results[rank - 1][1], jobs)
            self.others.append(context.Process(target=_serve, args=arguments, daemon=True))
            self.others[-1].start()
        # A process that dies closes its pipes, if no other holds these ends.
        for pipe in [pipe for pipes in ends[1:] for pipe in pipes.values()] + [w for _, w in self.results]:
            pipe.close()

    def result(self, rank: int) -> Any:
        reader = self.results[rank - 1][0]
        if not reader.poll(TIMEOUT):
            raise TimeoutError(f"rank {rank} gives no result")
        return reader.recv()

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.others:
            process.kill()
            process.join()
            process.close()
        for pipe in [*self.pipes.values(), *(reader for reader, _ in self.results)]:
            pipe.close()

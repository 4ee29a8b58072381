"""A batch whose shards are computed by several processes: each gets the bits that one process computes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BrokenBarrierError
from typing import Any

import numpy as np
import pytest
from cnnfast import _core

from tests.support.networks import draw_network
from tests.support.refusal import refused
from tests.support.shard_exchange import NETWORKS, Case, Job, Meeting, PipeExchange, Processes, ThreadExchange

SetThreads = Callable[[int], None]
SIZES = [2, 3]
#: Forward and backward statistics, gradients, operands of Linear, losses.
CALLS = {"all": 3 + 3 + 1 + 5 + 1, "convolutions": 1 + 1, "linears": 4 + 1}


def together(case: Case, plan: _core.Plan, size: int, **rank_0: int) -> list[Future[tuple[Any, ...]]]:
    """The steps of `size` threads in place of processes; something may happen to rank 0."""
    meeting = Meeting(size)
    with ThreadPoolExecutor(size) as pool:
        exchanges = [ThreadExchange(0, meeting, **rank_0)]
        exchanges += [ThreadExchange(rank, meeting) for rank in range(1, size)]
        return [pool.submit(case.step, plan, exchange) for exchange in exchanges]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("network", NETWORKS)
def test_same_bits_as_one_process(
    network: str, threads: int, isa: str, dtype: str, set_threads: SetThreads
) -> None:
    """1 image is 1 shard, so that a process has none; 67 images are 5 shards of 13 or 14."""
    set_threads(threads)
    for n in (1, 2, 3, 5, 67):
        case = Case(network, n, isa, dtype)
        plan = case.plan()
        if n < plan.smallest_batch:
            continue
        want = case.step(plan)
        for size in SIZES:
            for rank, step in enumerate(together(case, plan, size)):
                assert step.result() == want, f"rank {rank} of {size}, {n} images in {plan.shards(n)} shards"


@pytest.mark.parametrize("number", range(6))
def test_random_networks(number: int, isa: str, set_threads: SetThreads) -> None:
    set_threads(2)
    net = draw_network(np.random.default_rng([number, 13]))
    case = Case(net, 21, isa)
    plan = case.plan()
    want = case.step(plan)
    assert [step.result() for step in together(case, plan, 3)] == [want] * 3, str(net)


def test_several_processes(set_threads: SetThreads) -> None:
    """Two and three; at last the third one ends within a step, and the others fail."""
    isa = _core.available_isas()[-1]
    cases = [Case("all", 67, isa), Case("convolutions", 1, isa), Case("linears", 37, isa, "float64")]
    jobs = [Job(case, size, threads) for case in cases for size in SIZES for threads in (1, 2)]
    jobs.append(Job(cases[0], 3, 2, dies_at=2))
    set_threads(2)
    lost = (EOFError, ConnectionError)
    with Processes(3, jobs) as processes:
        for job in jobs[:-1]:
            want = job.case.step(job.case.plan())
            assert job.run(0, processes.pipes) == want
            assert [processes.result(rank) for rank in range(1, job.size)] == [want] * (job.size - 1)
        with pytest.raises(lost):
            jobs[-1].run(0, processes.pipes)
        processes.pipes[1].close()  # as a process does that has failed
        assert processes.result(1) in ("EOFError", "ConnectionResetError", "BrokenPipeError")


@pytest.mark.parametrize("network", NETWORKS)
def test_every_exchange_counts(network: str, isa: str) -> None:
    """As many arrays as there should be; where a process gets no rows of one, its results differ."""
    case = Case(network, 21, isa)
    plan = case.plan()
    want = case.step(plan)
    alone = ThreadExchange(0, Meeting(1))
    assert case.step(plan, alone) == want
    assert alone.calls == CALLS[network]
    for call in range(1, alone.calls + 1):
        got, _ = together(case, plan, 2, loses_at=call)
        assert got.result() != want, f"array {call} is exchanged for nothing"


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("network", NETWORKS)
def test_a_failing_exchange_changes_nothing(
    network: str, threads: int, isa: str, set_threads: SetThreads
) -> None:
    """At each of its calls: the error arrives as it is, gradients stay, and the plan still works."""
    set_threads(threads)
    case = Case(network, 21, isa)
    plan = case.plan()
    want = case.step(plan)
    for call in range(1, CALLS[network] + 1):
        failed, other = together(case, plan, 2, fails_at=call)
        with pytest.raises(ConnectionError, match=r"^rank 0 is lost$"):
            failed.result()
        with pytest.raises(BrokenBarrierError):
            other.result()
        assert case.step(plan) == want


def linear_step(exchange: Any, n: int = 5) -> tuple[tuple[float, ...], np.ndarray]:
    graph = _core.Graph((2,))
    graph.add(_core.Linear(2, 1), [0])
    plan = _core.Plan(graph)
    x, params, grads = np.ones((n, 2), np.float32), np.ones(3, np.float32), np.full(3, 7, np.float32)
    try:
        return plan.loss_and_grad(x, x[:, :1], params, grads, loss="mse", exchange=exchange), grads
    except Exception:
        assert (grads == 7).all(), "gradients have changed"
        raise


class OfRange:
    """Claims a range of shards, and receives nothing."""

    def __init__(self, own: object) -> None:
        self.range = own

    def own(self, shards: int) -> Any:
        return self.range

    def gather(self, rows: np.ndarray, first: int, end: int) -> None:
        self.rows = rows
        assert (rows[:first] == 255).all()
        assert (rows[end:] == 255).all()


def test_rows_that_nobody_sends_show_as_nan() -> None:
    assert linear_step(OfRange((0, 4)))[0][0] == 4
    numbers, grads = linear_step(OfRange((0, 3)))
    assert np.isnan([numbers[0], numbers[-1]]).all()
    assert np.isnan(grads).all()


def test_rows_may_be_kept() -> None:
    """They are a copy: what is written to them later changes nothing."""
    exchange = OfRange((0, 4))
    want = linear_step(exchange)
    exchange.rows[:] = 0
    numbers, grads = linear_step(exchange)
    assert (numbers, grads.tolist()) == (want[0], want[1].tolist())


@pytest.mark.parametrize("own", [(-1, 4), (3, 2), (0, 5)])
def test_ranges_of_no_shards(own: tuple[int, int]) -> None:
    text = f"exchange: own(4) must return (first, end) with 0 <= first <= end <= 4, got {own}"
    with refused(ValueError, text):
        linear_step(OfRange(own))


@pytest.mark.parametrize("own", [None, 4, (0, 1, 2), [0, 4]])
def test_own_returns_no_pair(own: object) -> None:
    with refused(TypeError, f"exchange: own(4) must return (first, end), got {own}"):
        linear_step(OfRange(own))


def test_own_returns_no_integers() -> None:
    with refused(TypeError, "exchange: end of own() must be an int, got 4.0"):
        linear_step(OfRange((0, 4.0)))


def test_no_exchange() -> None:
    text = "exchange must have the methods own(shards) and gather(rows, first, end), got 3"
    with refused(TypeError, text):
        linear_step(3)


def test_own_may_fail() -> None:
    class Failing(PipeExchange):
        def own(self, shards: int) -> tuple[int, int]:
            raise KeyError(shards)

    with pytest.raises(KeyError, match=r"^4$"):
        linear_step(Failing(0, {}))

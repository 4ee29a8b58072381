"""The rows `python -m bench` adds: each runs, checks answers before it times, and says what it left out."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from cnnfast import _core, errors, models
from cnnfast.benchmark.networks import Network, inference_candidates, training_candidates
from cnnfast.benchmark.peers import has_torch
from cnnfast.benchmark.timing import Effort, Options, TimedCandidate
from cnnfast.nn import Linear, Sequential

from bench import cpu_contention, geometry, memory, overhead, peers, products, scaling, zoo
from bench.__main__ import SOURCES
from bench.figure import Figure, Remark
from bench.networks import LENET, VGG

TORCH = ["torch eager", "torch channels_last"] if has_torch() else []


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two calls a row: what is tested is not the speed. Threads are as before in the end."""
    monkeypatch.setattr(Options, "effort", Effort(rounds=2, sample=0.0))
    before = _core.get_num_threads()
    yield
    assert _core.get_num_threads() == before


def only(pattern: str) -> Options:
    return Options(quick=True, only=pattern)


# --- networks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("network", "parameters"), [(LENET, 61_706), (VGG, 1_186_378)])
def test_networks_of_the_benchmarks(network: Any, parameters: int) -> None:
    model = network.build()
    assert model.num_parameters() == parameters
    assert model.output_shape == (10,)


@pytest.mark.slow
def test_every_network_of_the_models_has_rows() -> None:
    networks = zoo.networks()
    assert [network.name for network in networks] == models.list()
    batches = {network.name: (network.training, network.inference) for network in networks}
    assert batches["lenet5"] == ((32, 128), (1, 256))
    assert [row.name for row in zoo.zoo_rows(only("^zoo .* lenet5 "))] == [
        "zoo train lenet5 batch 32",
        "zoo infer lenet5 batch 1",
    ]
    assert list(zoo.zoo_rows(only("lenet5"))) == []
    assert list(zoo.zoo_rows(Options(quick=True))) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", models.list())
def test_every_network_of_the_models_agrees_with_its_peers(name: str) -> None:
    """Otherwise it is not timed."""
    network = zoo.network(name)
    others = peers.peers()
    inference, _ = inference_candidates(network, 2, 2, others)
    assert len(inference) > 1 or not others
    if network.training:
        training, _ = training_candidates(network, network.training[0], 2, others)
        assert len(training) > 1 or not has_torch()


# --- convolutions -----------------------------------------------------------------------------------

SMALL = geometry.Geometry(2, 3, 7, 3, stride=2, padding=1)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geometry, "GEOMETRIES", (SMALL,))


def test_each_direction_of_a_convolution_is_a_row(small: None) -> None:
    rows = list(geometry.geometry_rows(Options(quick=True)))
    assert [row.name for row in rows] == [
        f"conv 3x3 stride 2 2->3 on 7x7 batch {n} {direction}"
        for n in (1, 8)
        for direction in ("forward", "input gradient", "weight gradient")
    ]
    assert list(rows[0].seconds) == ["cnnfast", "cnnfast whole call", *TORCH]
    assert list(rows[1].seconds) == ["cnnfast", *TORCH]
    assert rows[0].flops == 2 * 2 * 3 * 9 * 16
    assert rows[3].flops == 8 * rows[0].flops


def test_a_convolution_that_differs_is_not_timed() -> None:
    wrong = {direction: np.ones((1, 1)) for direction in geometry.DIRECTIONS}
    plan = SMALL.plan()
    right = geometry.our_outputs(plan, geometry.Data.draw(SMALL, 1))
    with pytest.raises(
        errors.CnnfastError,
        match=r"^bench: conv 3x3 stride 2 2->3 on 7x7: for x, the forward differs by .*: not timed$",
    ):
        geometry.assert_same(SMALL, "x", right, wrong)


def test_each_direction_of_a_product_is_a_row() -> None:
    rows = list(products.product_rows(only("product 64->10 ")))
    assert [row.name for row in rows] == [
        f"product 64->10 batch 64 {direction}"
        for direction in ("forward", "input gradient", "weight gradient")
    ]
    for row in rows:
        assert list(row.seconds) == ["cnnfast", *TORCH[:1]]
        assert row.flops == 2 * 64 * 64 * 10
        assert row.lines()[1].endswith("% of dense peak")


def test_products_are_those_of_the_networks() -> None:
    assert [(product.c_in, product.c_out) for product in products.products()] == [
        *((784, 64), (64, 10)),
        *((512, 64), (64, 128), (128, 26)),
        *((3136, 100), (100, 10)),
        *((400, 120), (120, 84), (84, 10)),
        (4096, 10),
    ]


def test_a_product_that_differs_is_not_timed() -> None:
    product = products.Product(3, 2)
    right = products.Data.draw(product).expected()
    wrong = {**right, "input gradient": right["input gradient"] + 0.1}
    with pytest.raises(
        errors.CnnfastError,
        match=r"^bench: product 3->2 batch 64: for x, the input gradient differs by .*: not timed$",
    ):
        products.assert_right(product, "x", wrong, right)


def test_convolutions_are_those_of_well_known_networks() -> None:
    names = [g.name for g in geometry.GEOMETRIES]
    assert len(names) == len(set(names)) == 18
    assert {
        "7x7 stride 2 3->64 on 224x224",
        "3x3 depthwise 128->128 on 14x14",
        "3x3 groups 16 64->64 on 28x28",
        "3x3 dilation 2 64->64 on 28x28",
    } <= set(names)
    assert geometry.GEOMETRIES[-1].op.output_shape((64, 28, 28)) == (64, 28, 28)


# --- peers ------------------------------------------------------------------------------------------


def test_a_peer_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = peers.Candidate(peers.OnnxRuntime, ("json", "telepathy", "astrology"))
    monkeypatch.setattr(peers, "CANDIDATES", (missing, peers.Candidate(peers.Jax, ("json",))))
    (remark,) = peers.peer_remarks(Options())
    assert remark.lines() == ["onnxruntime: left out, telepathy and astrology are not installed"]
    assert [peer.name for peer in peers.peers()] == ["jax"]


# --- cnnfast against itself -------------------------------------------------------------------------


@pytest.mark.skipif(scaling.usable_cpus() < 2, reason="needs two processors")
def test_two_threads_against_one() -> None:
    rows = list(scaling.two_threads_rows(only("two threads.* lenet")))
    assert [row.name for row in rows] == [
        f"two threads against one, {what}"
        for what in ("train lenet batch 64", "train lenet batch 8", "infer lenet batch 8")
    ]
    for row in rows:
        assert list(row.seconds) == ["cnnfast, 2 threads", "cnnfast, 1 thread"]


def test_threads_that_change_the_answer_are_not_timed() -> None:
    drawn = iter(range(2))
    changing = Network("changing", lambda: Sequential(Linear(3, 2), input_shape=(3,), seed=next(drawn)))
    before = _core.get_num_threads()
    try:
        with pytest.raises(
            errors.CnnfastError,
            match=r"^bench: changing: the output on two threads is not the one on one thread, bit for bit",
        ):
            scaling.assert_same_bits(changing, 4)
    finally:
        _core.set_num_threads(before)


def test_two_threads_are_left_out_on_one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "usable_cpus", lambda: 1)
    (row,) = scaling.two_threads_rows(only("two threads"))
    assert row == Remark("two threads against one", "this process may use one CPU only")


@pytest.mark.slow
def test_letters_on_one_thread() -> None:
    before = _core.get_num_threads()
    try:
        _core.set_num_threads(2)
        rows = list(scaling.one_thread_rows(only("on one thread$")))
        assert [row.name.rpartition(" batch ")[2] for row in rows] == ["64 on one thread", "1 on one thread"]
        assert list(rows[0].seconds) == ["cnnfast", *TORCH]
        _core.set_num_threads(1)
        assert list(scaling.one_thread_rows(only("on one thread$"))) == []
    finally:
        _core.set_num_threads(before)


def test_time_per_image() -> None:
    rows = list(scaling.batch_size_rows(only("time per image, .* lenet")))
    assert [row.name.split()[3] for row in rows] == ["train", "infer"]
    assert list(rows[0].seconds) == ["batch 64", "batch 32"]
    clocked = {"a": TimedCandidate(lambda calls: 1.0 * calls), "b": TimedCandidate(lambda calls: 3.0 * calls)}
    row = scaling.per_image("x", {"a": 1, "b": 2}, clocked, Effort(rounds=3, sample=0.0))
    assert row.seconds == {"a": [1.0] * 3, "b": [1.5] * 3}


@pytest.mark.slow
def test_time_per_image_of_an_epoch() -> None:
    (row,) = scaling.epoch_rows(only("epoch"))
    assert row.name == "time per image, epoch of d4 over 1,000 to 2,000 images"
    assert list(row.seconds) == ["1,000 images", "2,000 images"]


def test_images_that_do_not_fit_in_memory_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "free_memory", lambda: 2_000 * 28 * 28)
    (row,) = scaling.epoch_rows(only("epoch"))
    name = "time per image, epoch of d4 over 1,000 to 2,000 images"
    assert row.lines() == [f"{name}: left out, 2 MB of images do not fit in 2 MB of free memory"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells its free memory")
def test_free_memory() -> None:
    free = scaling.free_memory()
    assert free is not None
    assert 1e6 < free < 1e15


# --- CPU contention, memory, overhead ----------------------------------------------------------------------


def test_contention_does_not_invalidate_its_own_row(monkeypatch: pytest.MonkeyPatch) -> None:
    began = []

    class Busy(cpu_contention.CpuContention):
        def cores(self) -> float:
            began.append(self)
            return 0.1

    monkeypatch.setattr(cpu_contention, "CpuContention", Busy)
    steps = {"cnnfast": lambda: None, "other": lambda: None}
    rows = list(cpu_contention.measured("beside, x", 4, steps, Effort(rounds=2, sample=0.001)))
    assert [row.name for row in rows] == ["beside, x, cnnfast", "beside, x, other"]
    assert len(began) == 2  # once in each quiet phase
    for row in rows:
        assert {key: len(times) for key, times in row.seconds.items()} == {"beside": 2, "alone": 2}
        assert row.foreign == pytest.approx(0.1)
        assert row.is_contended is False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how busy its processors are")
@pytest.mark.slow
def test_busy_processes_are_busy_and_end() -> None:
    load = cpu_contention.CpuContention()
    with cpu_contention.busy(2) as processes:
        time.sleep(0.5)
        cores = load.cores()
        assert [process.poll() for process in processes] == [None, None]
    assert cores is not None
    assert cores > 0.3
    assert all(process.returncode is not None for process in processes)


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is available on Linux only")
@pytest.mark.slow
def test_memory() -> None:
    train, infer = memory.memory_rows(only("memory"))
    assert isinstance(train, Figure)
    assert isinstance(infer, Figure)
    assert 1 < train.value < 500
    assert abs(infer.value) < 50
    assert train.lines()[1].endswith(" MB")


def test_memory_is_left_out_where_it_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    (remark,) = memory.memory_rows(only("memory"))
    assert remark.lines() == ["memory: left out, resident memory is available on Linux only"]


def test_memory_process_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert memory.main(["train"]) == memory.main(["swim", "3"]) == memory.main(["train", "x"]) == 2
    assert capsys.readouterr().err.startswith("usage: python -m bench.memory train|infer SIZE")


def test_call_overhead() -> None:
    (row,) = overhead.overhead_rows(Options())
    assert list(row.seconds) == ["cnnfast", "empty function"]
    assert row.median("cnnfast") < 1e-3


def test_every_source_makes_nothing_of_a_pattern_that_matches_nothing() -> None:
    rows = [row for source in SOURCES for row in source(only("no such row"))]
    assert all(isinstance(row, Remark) for row in rows)

"""Threads never change a bit: of outputs, losses, gradients, trained weights; after fork, and with several
callers.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import numpy as np
import pytest
from cnnfast import Trainer, _core, models, optim

from tests.support.marks import quick_only
from tests.support.networks import draw_network
from tests.support.zoo import SMALL

COUNTS = (1, 2, 3, 7)
SetThreads = Callable[[int], None]


def batch_of(model: object, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    return rng.standard_normal((n, 1, 28, 28)).astype(np.float32), rng.integers(0, 10, n)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("n", [1, 5, 33, 130])
def test_same_bits_for_any_number_of_threads(name: str, n: int, set_threads: SetThreads) -> None:
    model = models.get(name, seed=3)
    x, target = batch_of(model, n)
    dy = np.random.default_rng(1).standard_normal((n, *model.output_shape)).astype(np.float32)
    first: dict[str, np.ndarray] = {}
    for count in COUNTS:
        set_threads(count)
        loss, grads = model.loss_and_grad(x, target)
        results = {"inference": model(x), "loss": np.array(loss), **grads}
        results["forward"], results["dx"] = model.forward(x), model.backward(dy)
        results |= {f"backward {key}": g.copy() for key, g in model.gradients().items()}
        assert np.isfinite(loss)
        first = first or results
        for key, value in results.items():
            np.testing.assert_array_equal(value, first[key], err_msg=f"{key} with {count} threads")


@pytest.mark.parametrize("name", SMALL)
def test_images_are_independent_in_a_network(name: str, set_threads: SetThreads) -> None:
    """The logits of an image are the same bits alone, in a batch, and in a training pass, however work is
    cut.
    """
    set_threads(2)
    model = models.get(name, seed=3)
    x, _ = batch_of(model, 37)
    together = model(x)
    np.testing.assert_array_equal(model.forward(x), together)
    for i in (0, 17, 36):
        np.testing.assert_array_equal(model(x[i : i + 1])[0], together[i])
    np.testing.assert_array_equal(model(x[::-1])[::-1], together)


@pytest.mark.parametrize("number", range(4))
def test_random_networks(number: int, isa: str, dtype: str, set_threads: SetThreads) -> None:
    rng = np.random.default_rng([number, 11])
    net = draw_network(rng)
    plan, n = net.plan(isa, dtype), 50
    x = rng.standard_normal((n, *net.input_shape)).astype(dtype)
    params = rng.standard_normal(plan.parameter_count).astype(dtype)
    target = rng.integers(0, plan.output_shape[0], n)
    seen = set()
    for count in COUNTS:
        set_threads(count)
        grads = np.full_like(params, np.nan)
        loss = plan.loss_and_grad(x, target, params, grads)
        seen.add((loss, grads.tobytes(), plan.forward(x, params).tobytes()))
    assert len(seen) == 1, str(net)


def test_training_run_is_reproducible(set_threads: SetThreads) -> None:
    """Twenty steps, weights compared: other numbers of threads, and the same one again."""
    weights = []
    for count in (2, 1, 7, 2):
        set_threads(count)
        model = models.d4(seed=5)
        trainer = Trainer(model, optim.Adam(lr=1e-3))
        for step in range(20):
            trainer.step(*batch_of(model, 40 + step))
        weights.append(b"".join(value.tobytes() for value in model.state_dict().values()))
    assert len(set(weights)) == 1


def test_threads_are_used(set_threads: SetThreads) -> None:
    """The number is kept, and refused if it makes no sense."""
    for count in COUNTS:
        set_threads(count)
        assert _core.get_num_threads() == (count if _core.build_info()["openmp"] else 1)
    with pytest.raises(ValueError, match=r"^set_num_threads: n must be from 1 to 1024, got 0$"):
        set_threads(0)


def test_one_model_called_from_several_python_threads(set_threads: SetThreads) -> None:
    """Inference keeps no state: eight callers with batches of their own get their own answers."""
    set_threads(2)
    model = models.hello_dl_letters(seed=0)
    batches = [batch_of(model, n)[0] for n in (1, 2, 3, 5, 8, 17, 33, 40)]
    wanted = [model(x) for x in batches]
    fresh = models.hello_dl_letters(seed=0)  # its plan is first made by several threads at once

    def call(i: int) -> None:
        for _ in range(6):
            np.testing.assert_array_equal(fresh(batches[i]), wanted[i])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(8)))


def test_one_plan_trains_in_several_python_threads(isa: str, set_threads: SetThreads) -> None:
    """loss_and_grad writes only what it is given."""
    set_threads(2)
    rng = np.random.default_rng(2)
    net = draw_network(rng)
    plan = net.plan(isa, "float32")
    inputs = []
    for n in (3, 20, 40, 64):
        x = rng.standard_normal((n, *net.input_shape)).astype(np.float32)
        params = rng.standard_normal(plan.parameter_count).astype(np.float32)
        inputs.append((x, rng.integers(0, plan.output_shape[0], n), params))

    def grads_of(i: int) -> tuple[float, bytes]:
        x, target, params = inputs[i % 4]
        grads = np.empty_like(params)
        loss, *_ = plan.loss_and_grad(x, target, params, grads)
        return loss, grads.tobytes()

    wanted = [grads_of(i) for i in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for i, got in enumerate(pool.map(grads_of, range(40))):
            assert got == wanted[i % 4], f"call {i}"


@pytest.mark.parametrize("call", ["forward", "forward_train", "backward", "loss_and_grad"])
def test_other_python_threads_run_while_the_engine_computes(call: str, set_threads: SetThreads) -> None:
    """Threads take turns only where one gives up the GIL: the interval is longer than the test."""
    set_threads(1)
    model = models.hello_dl_letters(seed=0)
    x, target = batch_of(model, 64)
    plan = model.plan()
    params = np.full(plan.parameter_count, 0.01, np.float32)
    grads = np.empty_like(params)
    y, tape = plan.forward_train(x, params)
    calls: dict[str, Callable[[], object]] = {
        "forward": lambda: plan.forward(x, params),
        "forward_train": lambda: plan.forward_train(x, params),
        "backward": lambda: plan.backward(y, tape, params, grads),
        "loss_and_grad": lambda: plan.loss_and_grad(x, target, params, grads),
    }
    finished = []

    def engine() -> None:
        calls[call]()
        finished.append(True)

    def ran_beside() -> bool:
        finished.clear()
        thread = Thread(target=engine)
        thread.start()
        beside = not finished  # this thread goes on while the other is not yet done
        thread.join()
        return beside

    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    try:
        assert any(ran_beside() for _ in range(20)), "the engine keeps the GIL"
    finally:
        sys.setswitchinterval(interval)


AFTER_FORK = """
import os, sys
import numpy as np
from cnnfast import _core, models

_core.set_num_threads(2)
model = models.d4(seed=0)
x = np.random.default_rng(0).standard_normal((64, 1, 28, 28)).astype(np.float32)
target = np.arange(64) % 10
before, loss = model(x), model.loss_and_grad(x, target)[0]
child = os.fork()
if child == 0:
    same = np.array_equal(model(x), before) and model.loss_and_grad(x, target)[0] == loss
    grandchild = os.fork()
    if grandchild == 0:
        os._exit(0 if np.array_equal(model(x), before) else 4)
    good = os.waitpid(grandchild, 0)[1] == 0
    os._exit(0 if same and good else 3)
status = os.waitpid(child, 0)[1]
sys.exit(0 if status == 0 and np.array_equal(model(x), before) else 5)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_works_after_fork() -> None:
    """The child of a process whose threads had run must answer, and with the same bits."""
    command = [sys.executable, "-W", "ignore", "-c", AFTER_FORK]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as parent:
        try:
            _, errors = parent.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(parent.pid, signal.SIGKILL)  # a child that hangs is not the one we started
            pytest.fail("no answer within a minute: a child hangs")
    assert parent.returncode == 0, errors


POLICIES: list[dict[str, str]] = [{}, {"GOMP_SPINCOUNT": "7"}, {"OMP_WAIT_POLICY": "active"}]


@pytest.mark.parametrize("set_by_user", quick_only(POLICIES, [{}]), ids=str)
def test_waiting_policy_leaves_no_trace(set_by_user: dict[str, str]) -> None:
    """How long threads spin is told to OpenMP while it is loaded; nobody else may see it."""
    code = (
        "import os; before = dict(os.environ); import cnnfast; "
        "assert dict(os.environ) == before; assert cnnfast.get_num_threads() >= 1"
    )
    environment = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    subprocess.run([sys.executable, "-c", code], env={**environment, **set_by_user}, check=True)

"""The engine and the life of the interpreter: threads that compute while it ends, and sub-interpreters."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.command import environment

COMPUTING_AT_EXIT = """
import threading
import time
import numpy as np
from cnnfast import _core, functional, nn, optim

x = np.ones((64, 1, 28, 28), np.float32)
kernel = np.ones((4, 1, 3, 3), np.float32)
values = np.zeros(1_000_000, np.float32)
optimizer, gradients = optim.Adam(1e-3), np.zeros_like(values)

def model():
    layers = nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(5408, 10)
    return nn.Sequential(*layers, seed=0)

def train(net=model()):
    net.backward(net.forward(x))

class Alone:
    def own(self, shards):
        return 0, shards

    def gather(self, rows, first, end):
        time.sleep(1e-4)

net, other, large = model(), model(), np.zeros((5000, 1, 28, 28), np.uint8)
rows = np.arange(64) % 10
plan, grads = net.plan((1, 28, 28)), np.zeros_like(net.flat_parameters)
backwards = x[:, :, ::-1]
CALLS = [
    lambda: net.predict(x),
    lambda: net(large),
    lambda: net.plan((1, 28, 28)).forward(backwards, net.flat_parameters),
    lambda: other.loss_and_grad(x, rows),
    lambda: plan.loss_and_grad(x, rows, net.flat_parameters, grads, exchange=Alone()),
    train,
    lambda: functional.conv2d(x, kernel),
    lambda: functional.max_pool2d(x, 2, return_indices=True),
    lambda: optimizer.step(values, gradients),
    lambda: _core.all_finite(values),
    lambda: _core.squared_norm(values),
    lambda: net.plan((1, 28, 28)).profile(x, None, net.flat_parameters),
    lambda: _core.fma_peak(seconds=0.001),
]

def forever(call):
    call()
    ready.release()
    while True:
        call()

ready = threading.Semaphore(0)
for call in CALLS:
    threading.Thread(target=forever, args=(call,), daemon=True).start()
for _ in CALLS:
    ready.acquire()
"""

IN_SUB_INTERPRETER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
try:
    number = interpreters.create("legacy")
except TypeError:  # before Python 3.13 there is this one kind
    number = interpreters.create()
code = '''
try:
    import cnnfast
except ImportError as error:
    print(error, end="")
'''
interpreters.run_string(number, code)
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
def test_threads_may_compute_while_the_process_ends() -> None:
    """Daemon threads inside of every call that gives the lock of the interpreter away."""
    ended = run(COMPUTING_AT_EXIT)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_sub_interpreter_is_refused_at_once() -> None:
    pytest.importorskip("_xxsubinterpreters" if sys.version_info < (3, 13) else "_interpreters")
    ended = run(IN_SUB_INTERPRETER)
    assert ended.stdout == (
        "cnnfast works in the main interpreter only, not in a sub-interpreter; use threads or processes"
    )
    assert (ended.returncode, ended.stderr) == (0, "")

"""Layers written in Python that fail, return wrong results, or run while the process ends."""

from __future__ import annotations

import subprocess
import sys

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import nn

from tests.support.own_layers import Double, Scaled
from tests.support.refusal import refused

X = np.arange(12, dtype=np.float32).reshape(3, 4)


def network(**spoil):
    return nn.Sequential(first=nn.Linear(4, 4), own=Scaled(4, spoil), seed=0)


@pytest.mark.parametrize(
    ("spoil", "error", "text"),
    [
        (lambda y: None, TypeError, "must return y as a NumPy array, got None (is a return missing?)"),
        (lambda y: y.tolist(), TypeError, "must return y as a NumPy array, got list"),
        (lambda y: np.ma.array(y), TypeError, "must return y as a NumPy array, got a masked array"),
        (
            lambda y: y.astype(np.float64),
            TypeError,
            "must return y as float32, like its input, got float64; use .astype(np.float32)",
        ),
        (
            lambda y: y.astype(">f4"),
            TypeError,
            "must return y as float32, like its input, got >f4; use .astype(np.float32)",
        ),
        (lambda y: y[:, :3], ValueError, "must return y as an array of shape (3, 4), got (3, 3)"),
        (lambda y: y[:2], ValueError, "must return y as an array of shape (3, 4), got (2, 4)"),
        (lambda y: y[0, 0], TypeError, "must return y as a NumPy array, got float32"),
    ],
)
def test_forward_must_return_the_output(spoil, error, text):
    for use in (lambda m: m(X), lambda m: m.forward(X), lambda m: m.loss_and_grad(X, np.arange(3))):
        with refused(error, f'layer "own" (Scaled): forward {text}'):
            use(network(forward=spoil))


@pytest.mark.parametrize(
    ("spoil", "error", "text"),
    [
        (lambda both: both[0], TypeError, 'must return (dx, {"weight": ...}), got float32 array'),
        (lambda both: None, TypeError, 'must return (dx, {"weight": ...}), got None (is a return missing?)'),
        (
            lambda both: (both[0], {}),
            ValueError,
            "must return the gradients of weight, got none",
        ),
        (
            lambda both: (both[0], {"wait": both[1]["weight"]}),
            ValueError,
            "must return the gradients of weight, got wait",
        ),
        (
            lambda both: (both[0], {"weight": both[1]["weight"][:3]}),
            ValueError,
            "must return the gradient of weight as an array of shape (4,), got (3,)",
        ),
        (
            lambda both: (both[0].sum(0), both[1]),
            ValueError,
            "must return dx as an array of shape (3, 4), got (4,)",
        ),
    ],
)
def test_backward_must_return_the_gradients(spoil, error, text):
    model = network(backward=spoil)
    model.forward(X)
    for use in (lambda m: m.backward(X), lambda m: m.loss_and_grad(X, np.arange(3))):
        with refused(error, f'layer "own" (Scaled): backward {text}'):
            use(model)


@pytest.mark.parametrize("method", ["forward", "backward"])
@pytest.mark.parametrize("kind", [ZeroDivisionError, KeyboardInterrupt, RuntimeError])
def test_exceptions_arrive_unchanged(method, kind):
    thrown = kind("mine")

    def fail(result):
        raise thrown

    model = network(**{method: fail})
    optimizer = cf.optim.SGD(lr=0.1, momentum=0.9)
    trainer, before = cf.Trainer(model, optimizer), model.flat_parameters.copy()
    for _ in range(3):
        with pytest.raises(kind) as caught:
            trainer.step(X, np.arange(3))
        assert caught.value is thrown
    if sys.version_info >= (3, 11):
        assert caught.value.__notes__[0] == f'layer "own" (Scaled): {method}'
    np.testing.assert_array_equal(model.flat_parameters, before)
    model["own"].spoil.clear()
    assert trainer.step(X, np.arange(3)) > 0


def test_results_of_any_layout_and_changed_inputs():
    def strided(y):
        wide = np.zeros((len(y), 2 * y.shape[1]), y.dtype)
        wide[:, ::2] = y
        return wide[:, ::2]

    want = network()
    for change in (strided, np.asfortranarray, lambda y: y[::-1][::-1]):
        model = network(forward=change, backward=lambda both, c=change: (c(both[0]), both[1]))
        np.testing.assert_array_equal(model(X), want(X))
        np.testing.assert_array_equal(
            model.loss_and_grad(X, np.arange(3))[1]["first.weight"],
            want.loss_and_grad(X, np.arange(3))[1]["first.weight"],
        )
    x = X.copy()
    np.testing.assert_array_equal(nn.Sequential(Double(), Double())(x), 4 * X)
    np.testing.assert_array_equal(x, X)


def test_the_model_is_called_in_its_own_pass():
    inner = network()

    def call(y):
        assert (inner(X) == want).all()
        return y

    want = inner(X)
    np.testing.assert_array_equal(network(forward=call)(X), want)
    model = network()
    model["own"].spoil["forward"] = lambda y: model(y)
    with pytest.raises(RecursionError):
        model(X)


def test_parameters_cannot_be_changed_in_a_pass():
    class Writes(Scaled):
        def forward(self, x):
            assert self.training is False
            self.spoil["f"](self)
            return x

    def assign(layer):
        layer.weight = 1

    def write(layer):
        layer.weight[0] = 1

    with refused(AttributeError, "Writes: the parameter weight cannot be assigned in a pass"):
        Writes(4, {"f": assign})(X)
    with refused(ValueError, "assignment destination is read-only"):
        Writes(4, {"f": write})(X)


SCRIPT = """
import os, threading, time
import numpy as np
from cnnfast import nn
class Slow(nn.PythonLayer):
    def forward(self, x):
        {body}
        return x
    def backward(self, dy):
        return dy
model = nn.Sequential(nn.Linear(64, 64), Slow(), nn.Linear(64, 64), seed=0)
x = np.ones((2000, 64), np.float32)
"""


@pytest.mark.parametrize(
    ("body", "rest"),
    [
        pytest.param(
            "time.sleep(0.01)",
            "run = lambda: [model(x) for _ in range(999)]\n"
            "threading.Thread(target=run, daemon=True).start()\ntime.sleep(0.1)",
            marks=pytest.mark.slow,
        ),
        ("pass", "model(x)\npid = os.fork()\nmodel(x)\nif pid: assert os.waitpid(pid, 0)[1] == 0"),
        pytest.param("import subprocess; subprocess.run(['true'])", "model(x)", marks=pytest.mark.slow),
    ],
    ids=["a daemon thread runs it at exit", "fork between passes", "a subprocess in a pass"],
)
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_processes_end(body, rest):
    script = SCRIPT.format(body=body) + rest
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")

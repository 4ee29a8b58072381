"""What the engine says when settings, shapes, dtypes or targets do not fit: exact texts.

A message names who, the argument, what came and what would do. `nn` and `functional` hand these on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cnnfast import _core

BIG = 2**28
SIDES = "[(top, bottom), (left, right)]"
PAIR = "must be an int or a pair (h, w)"
PADDING = "padding must be an int, (h, w) or ((top, bottom), (left, right))"


def refuse(call: Callable[[], object], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text


# operation, arguments, error
SETTINGS: list[tuple[str, tuple[Any, ...], type[Exception], str]] = [
    ("Conv2d", (0, 3, 3), ValueError, f"in_channels must be from 1 to {BIG}, got 0"),
    ("Conv2d", (3, -1, 3), ValueError, f"out_channels must be from 1 to {BIG}, got -1"),
    ("Conv2d", (3, 3, (3, 0)), ValueError, f"kernel_size must be from 1 to {BIG}, got (3, 0)"),
    ("Conv2d", (3, 3, 3, 0), ValueError, f"stride must be from 1 to {BIG}, got (0, 0)"),
    (
        *("Conv2d", (3, 3, 3, 1, ((0, -1), (0, 2))), ValueError),
        f"padding must be from 0 to {BIG}, got ((0, -1), (0, 2)) {SIDES}",
    ),
    ("Conv2d", (3.0, 3, 3), TypeError, "in_channels must be an int, got 3.0"),
    ("Conv2d", (True, 3, 3), TypeError, "in_channels must be an int, got True"),
    ("Conv2d", (3, 3, 2.5), TypeError, f"kernel_size {PAIR}, got 2.5"),
    ("Conv2d", (3, 3, (3, 3, 3)), TypeError, f"kernel_size {PAIR}, got (3, 3, 3)"),
    ("Conv2d", (3, 3, 3, "1"), TypeError, f"stride {PAIR}, got '1'"),
    ("Conv2d", (3, 3, 3, 1, (1, 2, 3, 4)), TypeError, f"{PADDING}, got (1, 2, 3, 4)"),
    ("Conv2d", (3, 3, 3, 1, ((1, 2), 3)), TypeError, f"{PADDING}, got ((1, 2), 3)"),
    ("Conv2d", (3, 3, 3, 1, 0, 1, 1, 1), TypeError, "bias must be True or False, got 1"),
    ("Conv2d", (10**20, 3, 3), ValueError, f"in_channels is out of range, got {10**20}"),
    (
        *("Conv2d", (10**6, 10**6, 100), ValueError),
        f"weight would have 1e+16 elements; at most {2**40} are possible",
    ),
    (
        *("MaxPool2d", (2, 2, 2), ValueError),
        "padding must be smaller than the kernel on every side, got padding ((2, 2), (2, 2)) "
        f"{SIDES} for kernel 2x2",
    ),
    (
        *("MaxPool2d", ((3, 2), None, ((0, 0), (0, 2))), ValueError),
        "padding must be smaller than the kernel on every side, got padding ((0, 0), (0, 2)) "
        f"{SIDES} for kernel 3x2",
    ),
    ("MaxPool2d", (0,), ValueError, f"kernel_size must be from 1 to {BIG}, got (0, 0)"),
    ("MaxPool2d", (2, 0), ValueError, f"stride must be from 1 to {BIG}, got (0, 0)"),
    ("MaxPool2d", (2, None, 0, 1), TypeError, "ceil_mode must be True or False, got 1"),
    ("Linear", (0, 3), ValueError, f"in_features must be from 1 to {BIG}, got 0"),
    ("Linear", (3, None), TypeError, "out_features must be an int, got None"),
    ("ChannelBias", (0,), ValueError, f"channels must be from 1 to {BIG}, got 0"),
    ("PositionBias", (3, 0, 3), ValueError, f"height must be from 1 to {BIG}, got 0"),
    ("GELU", ("erf",), ValueError, 'approximate must be "none" or "tanh", got "erf"'),
    ("GELU", (None,), TypeError, "approximate must be a string, got None"),
    ("LeakyReLU", (float("nan"),), ValueError, "negative_slope must be finite, got nan"),
    ("LeakyReLU", ("0.1",), TypeError, "negative_slope must be a number, got '0.1'"),
    ("LeakyReLU", (True,), TypeError, "negative_slope must be a number, got True"),
    ("ELU", (float("inf"),), ValueError, "alpha must be finite, got inf"),
    ("ELU", ([1.0],), TypeError, "alpha must be a number, got [1.0]"),
    ("Softplus", (0,), ValueError, "beta must be above 0, got 0"),
    ("Softplus", (-1.5,), ValueError, "beta must be above 0, got -1.5"),
    ("Softplus", (1, float("inf")), ValueError, "threshold must be finite, got inf"),
    ("Softplus", (1, None), TypeError, "threshold must be a number, got None"),
    ("SELU", (1.0, float("nan")), ValueError, "gamma must be finite, got nan"),
    ("SELU", ("1",), TypeError, "alpha must be a number, got '1'"),
    ("Hardsigmoid", (0,), ValueError, "alpha must be above 0, got 0"),
    ("Hardsigmoid", (1, float("inf")), ValueError, "beta must be finite, got inf"),
    (
        *("Hardsigmoid", (1e-32, 2.0), ValueError),
        "with alpha 1e-32 and beta 2 the output would not reach both 0 and 1 for |x| < 1e+30",
    ),
    ("Hardtanh", (1, 1), ValueError, "min_val must be below max_val, got 1 and 1"),
    ("Hardtanh", (0, float("inf")), ValueError, "max_val must be finite, got inf"),
    ("Hardtanh", (None, 1), TypeError, "min_val must be a number, got None"),
    ("PReLU", (0,), ValueError, f"num_parameters must be from 1 to {BIG}, got 0"),
    ("PReLU", (1.0,), TypeError, "num_parameters must be an int, got 1.0"),
    ("PReLU", (1, float("nan")), ValueError, "init must be finite, got nan"),
    ("ScaledTanh", (float("inf"),), ValueError, "alpha must be finite, got inf"),
    ("ScaledTanh", (1, "2"), TypeError, "beta must be a number, got '2'"),
    ("RBF", (3, 0), ValueError, f"out_features must be from 1 to {BIG}, got 0"),
    ("RBF", (3, 4, float("nan")), ValueError, "scale must be finite, got nan"),
    ("RBF", (3, 4, 1.0, 1), TypeError, "fixed must be True or False, got 1"),
    ("SelectChannels", ((),), ValueError, "indices must select at least one channel, got ()"),
    ("SelectChannels", ((0, -1),), ValueError, f"every index must be from 0 to {BIG - 1}, got (0, -1)"),
    ("SelectChannels", (3,), TypeError, "indices must be a tuple of ints such as (1, 28, 28), got 3"),
]


@pytest.mark.parametrize(("op", "arguments", "error", "text"), SETTINGS)
def test_settings(op: str, arguments: tuple[Any, ...], error: type[Exception], text: str) -> None:
    refuse(lambda: getattr(_core, op)(*arguments), error, f"{op}: {text}")


CONV, POOL, LINEAR = _core.Conv2d(3, 8, 5), _core.MaxPool2d(2), _core.Linear(3, 4)

# operation, shapes of its inputs, error
SHAPES: list[tuple[_core.Op, tuple[Any, ...], str]] = [
    (CONV, ((3, 4, 9),), "kernel 5x5 does not fit input (3, 4, 9) [c, h, w]; need h >= 5 and w >= 5"),
    (
        *(_core.Conv2d(3, 8, (6, 5), padding=((1, 0), (9, 9))), ((3, 4, 4),)),
        "kernel 6x5 does not fit input (3, 4, 4) [c, h, w] padded by ((1, 0), (9, 9)); "
        "need h >= 5 and w >= 1",
    ),
    (CONV, ((4, 9, 9),), "expected 3 input channels, got input (4, 9, 9) [c, h, w]"),
    (CONV, ((75,),), "expected an input of shape (c, h, w), got (75,)"),
    (CONV, ((3, 0, 9),), f"every extent of a shape must be from 1 to {BIG}, got (3, 0, 9)"),
    (CONV, ((1, 2, 3, 4),), "expected a shape of one to three axes, got (1, 2, 3, 4)"),
    (POOL, ((3, 1, 4),), "kernel 2x2 does not fit input (3, 1, 4) [c, h, w]; need h >= 2 and w >= 2"),
    (POOL, ((12,),), "expected an input of shape (c, h, w), got (12,)"),
    (LINEAR, ((5,),), "expected 3 input features, got 5"),
    (LINEAR, ((3, 2, 2),), "expected an input of shape (3,), got (3, 2, 2); put a Flatten before it"),
    (_core.ChannelBias(3), ((4, 5, 5),), "expected 3 channels, got input (4, 5, 5)"),
    (_core.PositionBias(3, 4, 5), ((3, 5, 4),), "expected an input of shape (3, 4, 5), got (3, 5, 4)"),
    (_core.Add(), ((3, 4, 4), (3, 4, 5)), "both inputs must have one shape, got (3, 4, 4) and (3, 4, 5)"),
    (_core.Add(), ((3,),), "takes 2 inputs, got 1"),
    (_core.Mul(), ((3, 4), (3, 5)), "both inputs must have one shape, got (3, 4) and (3, 5)"),
    (
        *(_core.MatMul(), ((3, 4), (3, 4))),
        "expected inputs of shapes (i, k) and (k, j), got (3, 4) and (3, 4)",
    ),
    (_core.MatMul(), ((4,), (4, 5)), "expected inputs of shapes (i, k) and (k, j), got (4,) and (4, 5)"),
    (_core.PReLU(3), ((4, 5, 5),), "expected 3 channels, one for each slope, got input (4, 5, 5)"),
    (_core.SelectChannels((4, 0)), ((4, 5, 5),), "there is no channel 4 in input (4, 5, 5), which has 4"),
    (_core.RBF(3, 4), ((5,),), "expected 3 input features, got 5"),
    (
        _core.RBF(3, 4),
        ((3, 2, 2),),
        "expected an input of shape (3,), got (3, 2, 2); put a Flatten before it",
    ),
]


@pytest.mark.parametrize(("op", "inputs", "text"), SHAPES)
def test_shapes(op: _core.Op, inputs: tuple[Any, ...], text: str) -> None:
    refuse(lambda: op.output_shape(*inputs), ValueError, f"{op.name}: {text}")
    refuse(lambda: op.macs(*inputs), ValueError, f"{op.name}: {text}")
    if len(inputs) == 1 and len(inputs[0]) <= 3 and min(inputs[0]) > 0:  # a layer's name comes first
        graph = _core.Graph(inputs[0])
        refuse(lambda: graph.add(op, [0], "conv1"), ValueError, f'layer "conv1": {op.name}: {text}')
        assert len(graph) == 0, "nothing is added by a call that fails"


def test_shape_of_wrong_type() -> None:
    wanted = "must be a tuple of ints such as (1, 28, 28)"
    refuse(lambda: CONV.output_shape("abc"), TypeError, f"Conv2d: input shape {wanted}, got 'abc'")
    refuse(lambda: _core.Graph(5), TypeError, f"Graph: input_shape {wanted}, got 5")
    refuse(lambda: _core.Graph((1, 2.0)), TypeError, f"Graph: input_shape {wanted}, got (1, 2.0)")
    refuse(lambda: _core.Graph(()), ValueError, "Graph: expected a shape of one to three axes, got ()")


def test_graph() -> None:
    graph = _core.Graph((3, 4, 4))
    text = "input value 1 does not exist; the graph has values 0 to 0"
    refuse(lambda: graph.add(_core.ReLU(), [1], "r"), ValueError, f'layer "r": ReLU: {text}')
    refuse(lambda: graph.add(_core.ReLU(), [-1]), ValueError, f"ReLU: {text.replace('1', '-1', 1)}")
    refuse(lambda: graph.shape(1), ValueError, "Graph: value 1 does not exist; the graph has values 0 to 0")
    refuse(lambda: _core.Plan(graph), ValueError, "Plan: the graph has no layers; add at least one")
    graph.add(_core.ReLU(), [0], "a")
    graph.add(_core.ReLU(), [0], "b")
    text = 'Plan: layer "a" is not used by any later layer; only the last layer makes the output'
    refuse(lambda: _core.Plan(graph), ValueError, text)


# --- calls of a plan --------------------------------------------------------------------------------


class Called:
    """A small plan with good arguments, of which each test spoils one."""

    def __init__(self) -> None:
        self.graph = _core.Graph((3, 4, 4))
        self.graph.add(_core.Flatten(), [self.graph.add(_core.Conv2d(3, 2, 3), [0], "conv")], "flat")
        self.plan = _core.Plan(self.graph)
        self.x, self.target = np.zeros((2, 3, 4, 4), np.float32), np.array([0, 1])
        self.params = np.zeros(56, np.float32)
        self.grads = np.zeros(56, np.float32)
        self.y, self.tape = self.plan.forward_train(self.x, self.params)


@pytest.fixture
def called() -> Called:
    return Called()


def test_plan_settings(called: Called) -> None:
    def plan(**settings: Any) -> Callable[[], object]:
        return lambda: _core.Plan(called.graph, **settings)

    dtypes = 'Plan: dtype must be "float32" or "float64", got "float16"'
    refuse(plan(dtype="float16"), ValueError, dtypes)
    there = ", ".join(_core.available_isas())
    text = f'isa "sse9" is not available; this build on this processor has: {there}'
    refuse(plan(isa="sse9"), ValueError, text)
    text = "Plan: scale must have 1 or 3 entries (one a channel), got 2"
    refuse(plan(scale=[1, 2]), ValueError, text)


@pytest.mark.parametrize("other", ["float64", "int32", "bool", ">f4", "float16"])
def test_input_dtype(other: str, called: Called) -> None:
    x = called.x.astype(other)
    text = f"x: expected dtype float32 or uint8, got {other}; use x.astype(np.float32)"
    refuse(lambda: called.plan.forward(x, called.params), TypeError, text)
    refuse(lambda: called.plan.forward_train(x, called.params), TypeError, text)
    call = called.plan.loss_and_grad
    refuse(lambda: call(x, called.target, called.params, called.grads), TypeError, text)


def test_input_shape(called: Called) -> None:
    for x in (called.x[:, :2], called.x[0], called.x[..., None], called.x.reshape(2, -1)):
        text = f"x: expected shape (n, 3, 4, 4), got {x.shape}"
        refuse(lambda x=x: called.plan.forward(x, called.params), ValueError, text)
    text = "x must be a NumPy array, got list"
    refuse(lambda: called.plan.forward(called.x.tolist(), called.params), TypeError, text)


def test_blocks(called: Called) -> None:
    def forward(params: Any) -> Callable[[], object]:
        return lambda: called.plan.forward(called.x, params)

    short = "expected a flat block of 56 elements, got shape (55,)"
    refuse(forward(called.params[:-1]), ValueError, f"params: {short}")
    text = "params: expected a flat block of 56 elements, got shape (2, 28)"
    refuse(forward(called.params.reshape(2, -1)), ValueError, text)
    text = "params: expected a contiguous block, got a stride of 8 bytes"
    refuse(forward(np.zeros(112, np.float32)[::2]), ValueError, text)
    text = "params: expected dtype float32, got float64"
    refuse(forward(called.params.astype(np.float64)), TypeError, text)

    def backward(grads: Any) -> Callable[[], object]:
        return lambda: called.plan.backward(called.y, called.tape, called.params, grads)

    refuse(backward(called.grads[:-1]), ValueError, f"grads: {short}")
    both = np.zeros(2 * 56, np.float32)
    for start in (0, 1, 55):  # as a whole, and in part
        called.params = both[:56]
        refuse(backward(both[start : start + 56]), ValueError, "grads: must not share memory with params")
    called.params = both[1:57]
    refuse(backward(both[:56]), ValueError, "grads: must not share memory with params")
    called.grads.flags.writeable = False
    refuse(backward(called.grads), ValueError, "grads: the block is read-only")


def test_backward(called: Called) -> None:
    def backward(dy: Any, plan: _core.Plan = called.plan, n: int = 56) -> Callable[[], object]:
        return lambda: plan.backward(dy, called.tape, called.params[:n], called.grads[:n])

    text = "dy: expected the shape of the output, (2, 8), got (1, 8)"
    refuse(backward(called.y[:1]), ValueError, text)
    text = "dy: expected dtype float32, got float64; use dy.astype(np.float32)"
    refuse(backward(called.y.astype(np.float64)), TypeError, text)
    other = _core.Graph((8,))
    other.add(_core.ReLU(), [0])
    text = "backward: the tape was made by another plan"
    refuse(backward(called.y, _core.Plan(other), 0), ValueError, text)


TARGETS: list[tuple[Any, Any, type[Exception], str]] = [
    ([0], None, ValueError, "target: expected 2 entries, one an image, got 1"),
    (
        *([0, 8], None, ValueError),
        "target: values must be from 0 to 7 (the network has 8 outputs), got 8 at position 1",
    ),
    (
        *([-1, 0], None, ValueError),
        "target: values must be from 0 to 7 (the network has 8 outputs), got -1 at position 0",
    ),
    ([0.0, 1.0], None, TypeError, "target: expected dtype int64, got float64; use target.astype(np.int64)"),
    ([[0], [1]], None, ValueError, "target: expected one axis (n,), got shape (2, 1)"),
    ([0, 1], [0, 2], ValueError, "index: values must be from 0 to 1 (rows of x), got 2 at position 1"),
    ([0, 1], [-1], ValueError, "index: values must be from 0 to 1 (rows of x), got -1 at position 0"),
    ([0, 1], [0.5], TypeError, "index: expected dtype int64, got float64; use index.astype(np.int64)"),
]


@pytest.mark.parametrize(("target", "index", "error", "text"), TARGETS)
def test_target_and_index(target: Any, index: Any, error: type[Exception], text: str, called: Called) -> None:
    rows = None if index is None else np.array(index)
    call = called.plan.loss_and_grad
    refuse(lambda: call(called.x, np.array(target), called.params, called.grads, rows), error, text)
    assert not called.grads.any(), "gradients are left alone by a call that fails"


def test_target_that_the_index_leaves_out_is_not_looked_at(called: Called) -> None:
    target, index = np.array([99, 1]), np.array([1])
    called.plan.loss_and_grad(called.x, target, called.params, called.grads, index)


def test_origin(called: Called) -> None:
    def call(target: list[int], index: list[int] | None, origin: list[int]) -> Callable[[], object]:
        rows = None if index is None else np.array(index)
        arrays = (called.x, np.array(target), called.params, called.grads, rows)
        return lambda: called.plan.loss_and_grad(*arrays, origin=np.array(origin))

    text = "target: values must be from 0 to 7 (the network has 8 outputs), got 9 at position"
    refuse(call([0, 9], None, [70, 50]), ValueError, f"{text} 50")
    refuse(call([9, 0], [1, 0], [70, 50]), ValueError, f"{text} 70")
    text = "origin: expected 2 entries, one a row of x, got 3"
    refuse(call([0, 1], [1], [0, 1, 2]), ValueError, text)


def test_loss(called: Called) -> None:
    call = called.plan.loss_and_grad
    names = '"cross_entropy", "nll", "mse", "l1", "smooth_l1", "huber", "bce_with_logits"'
    text = f'loss must be one of {names}, got "hinge"'
    wrong: Any = "hinge"
    refuse(lambda: call(called.x, called.target, called.params, called.grads, loss=wrong), ValueError, text)
    text = "x: the batch is empty; a mean loss needs at least one image"
    none = called.target[:0]
    refuse(lambda: call(called.x[:0], none, called.params, called.grads), ValueError, text)
    refuse(lambda: call(called.x, called.target, called.params, called.grads, none), ValueError, text)
    graph = _core.Graph((3, 4, 4))
    graph.add(_core.ReLU(), [0])
    image, empty, x = _core.Plan(graph), called.params[:0], np.zeros((2, 3, 4, 4), np.float32)
    text = "target: expected shape (2, 4, 4), a class for each position, got (2,)"
    refuse(lambda: image.loss_and_grad(x, np.array([0, 1]), empty, empty), ValueError, text)


@pytest.mark.parametrize(("loss", "name"), [("cross_entropy", "logits"), ("nll", "log_probs")])
def test_loss_of_rows(loss: str, name: str) -> None:
    def call(scores: Any, target: Any) -> Callable[[], object]:
        return lambda: getattr(_core, loss)(scores, np.array(target))

    rows = np.zeros((2, 3), np.float32)
    refuse(
        call(rows, [0, 3]), ValueError, "target: values must be from 0 to 2 (classes), got 3 at position 1"
    )
    refuse(
        call(rows, [-1, 0]), ValueError, "target: values must be from 0 to 2 (classes), got -1 at position 0"
    )
    refuse(call(rows, [0, 1, 2]), ValueError, "target: expected 2 entries, one a row, got 3")
    text = "target: expected shape (1, 3), a class for each position, got (2,)"
    refuse(call(rows[None], [0, 1]), ValueError, text)
    refuse(call(rows[0], [0]), ValueError, f"{name}: expected shape (n, classes, ...), got (3,)")
    refuse(call(rows[:, :0], [0, 1]), ValueError, f"{name}: expected shape (n, classes, ...), got (2, 0)")
    text = f"{name}: expected dtype float32 or float64, got int64; use {name}.astype(np.float32)"
    refuse(call(rows.astype(np.int64), [0, 1]), TypeError, text)

"""The corners: NaN and Inf, ties, padding, memory layouts, empty batches, and inputs that must stay
untouched.

What NaN and Inf must do was read off PyTorch; the tables stand here so that the tests need no PyTorch.
"""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import _core

from tests import oracle
from tests.cases import Case, average, conv, linear, pool
from tests.support.engine import OneNode

NAN, INF = np.nan, np.inf

# without padding, whose zeros times Inf nobody defines
POISONED = [
    conv(3, (3, 9, 7), 17, 3),
    conv(2, (17, 6, 5), 8, 1),
    conv(2, (5, 9, 10), 3, (2, 3), stride=(2, 1)),
    linear(5, 19, 33),
    linear(33, 8, 3),
    pool(2, (17, 7, 9), 2),
    pool(2, (3, 7, 8), 3, stride=2, padding=1),
    pool(2, (5, 7, 8), 2, stride=1, padding=1, dilation=2),
    average(2, (17, 7, 9), 2),
    average(2, (5, 7, 8), 3, stride=2, padding=1),
]


def same(got: np.ndarray, want: np.ndarray, what: str) -> None:
    """NaN where NaN is due, Inf of the right sign likewise, and the rest as it would be without."""
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want), err_msg=f"{what}: NaN")
    np.testing.assert_array_equal(np.isposinf(got), np.isposinf(want), err_msg=f"{what}: +Inf")
    np.testing.assert_array_equal(np.isneginf(got), np.isneginf(want), err_msg=f"{what}: -Inf")
    rest = np.isfinite(want)
    np.testing.assert_allclose(got[rest], want[rest], rtol=1e-4, atol=1e-4, err_msg=what)


@pytest.mark.parametrize("poison", [NAN, INF, -INF])
@pytest.mark.parametrize("case", POISONED, ids=lambda case: case.id)
def test_poison_reaches_what_it_must_and_no_more(case: Case, poison: float, isa: str, dtype: str) -> None:
    """One bad value in each array in turn, and in dy: through products and maxima as in the oracle."""
    forward, backward = oracle.PAIRS[case.op]
    node, clean = OneNode(case, isa, dtype), case.arrays()
    names = ["x", *case.parameters]
    for k, name in enumerate(names):
        arrays = [a.copy() for a in clean]
        arrays[k].flat[arrays[k].size // 2] = poison
        with np.errstate(invalid="ignore"):
            y = forward(*arrays, **case.call)
            dy = case.draw(*y.shape, salt="dy")
            want = backward(dy, *arrays, **case.call)
        same(node.forward(*arrays), y, f"y, {poison} in {name}")
        for d, got, w in zip(names, node.backward(dy, *arrays), want, strict=True):
            if k > 0 and d == "x":  # margins of zeros may meet the bad weight: more may be NaN, not less
                assert not np.isfinite(got[~np.isfinite(w)]).any()
                w = np.where(np.isfinite(got), w, got)
            same(got, w, f"d{d}, {poison} in {name}")
    dy = case.draw(*forward(*clean, **case.call).shape, salt="dy")
    dy.flat[dy.size // 2] = poison
    with np.errstate(invalid="ignore"):
        want = backward(dy, *clean, **case.call)
    for d, got, w in zip(names, node.backward(dy, *clean), want, strict=True):
        same(got, w, f"d{d}, {poison} in dy")


# op, settings, x, y, dx for dy = 1
SPECIAL = [
    ("ReLU", {}, [NAN, INF, -INF, 0.0, -0.0], [NAN, INF, 0, 0, 0], [1, 1, 0, 0, 0]),
    (
        "LeakyReLU",
        {"negative_slope": 0.5},
        [NAN, INF, -INF, 0.0, -0.0],
        [NAN, INF, -INF, 0, 0],
        [0.5, 1, 0.5, 0.5, 0.5],
    ),
    ("LeakyReLU", {"negative_slope": 0.0}, [NAN, INF, -INF, 0.0], [NAN, INF, NAN, 0], [0, 1, 0, 0]),
    ("ELU", {"alpha": 2.0}, [NAN, INF, -INF, 0.0, -0.0], [NAN, INF, -2, 0, 0], [NAN, 1, 0, 2, 2]),
    ("SELU", {}, [NAN, INF, -INF, 0.0], [NAN, INF, -1.7580993, 0], [NAN, 1.050701, 0, 1.7580993]),
    ("SiLU", {}, [NAN, INF, -INF, 0.0, -0.0], [NAN, INF, NAN, 0, 0], [NAN, NAN, NAN, 0.5, 0.5]),
    ("Mish", {}, [NAN, INF, -INF, 0.0], [NAN, INF, NAN, 0], [NAN, NAN, NAN, 0.6]),
    ("Sigmoid", {}, [NAN, INF, -INF, 0.0], [NAN, 1, 0, 0.5], [NAN, 0, 0, 0.25]),
    ("Tanh", {}, [NAN, INF, -INF, 0.0], [NAN, 1, -1, 0], [NAN, 0, 0, 1]),
    ("ScaledTanh", {}, [NAN, INF, -INF, 0.0], [NAN, 1.7159, -1.7159, 0], [NAN, 0, 0, 1.7159 * 2 / 3]),
    ("ScaledTanh", {"beta": 0.0}, [NAN, INF, -INF, 1.0], [NAN, NAN, NAN, 0], [NAN, NAN, NAN, 0]),
    ("Softplus", {}, [NAN, INF, -INF, 0.0], [NAN, INF, 0, np.log(2)], [NAN, 1, 0, 0.5]),
    ("Softplus", {"threshold": 1e9}, [NAN, INF, 1e4, -1e4], [NAN, INF, 1e4, 0], [NAN, 1, 1, 0]),
    ("Hardswish", {}, [NAN, INF, -INF, 0.0, -3, 3], [NAN, INF, NAN, 0, 0, 3], [NAN, 1, 0, 0.5, 0, 1]),
    ("Hardsigmoid", {}, [NAN, INF, -INF, 0.0, -3, 3], [NAN, 1, 0, 0.5, 0, 1], [0, 0, 0, 1 / 6, 0, 0]),
    (
        "Hardsigmoid",
        {"alpha": 0.25, "beta": 0.25},
        [NAN, INF, -INF, 0.0, -1, 3],
        [NAN, 1, 0, 0.25, 0, 1],
        [0, 0, 0, 0.25, 0, 0],
    ),
    ("Hardtanh", {}, [NAN, INF, -INF, 0.0, -1, 1], [NAN, 1, -1, 0, -1, 1], [0, 0, 0, 1, 0, 0]),
    ("ReLU6", {}, [NAN, INF, -INF, 0.0, 5, 6], [NAN, 6, 0, 0, 5, 6], [0, 0, 0, 0, 1, 0]),
    ("Softmax", {}, [INF, 1, 2], [NAN] * 3, [NAN] * 3),
    ("Softmax", {}, [-INF, 0, 0], [0, 0.5, 0.5], [0, 0, 0]),
    ("Softmax", {}, [-INF] * 3, [NAN] * 3, [NAN] * 3),
    ("Softmax", {}, [0, NAN, 0], [NAN] * 3, [NAN] * 3),
    ("Softmax", {}, [1e30, -1e30, 0], [1, 0, 0], [0, 0, 0]),
    ("LogSoftmax", {}, [INF, 1, 2], [NAN] * 3, [NAN] * 3),
    ("LogSoftmax", {}, [-INF, 0, 0], [-INF, -np.log(2), -np.log(2)], [1, -0.5, -0.5]),
    ("LogSoftmax", {}, [-INF] * 3, [NAN] * 3, [NAN] * 3),
    ("LogSoftmax", {}, [0, NAN, 0], [NAN] * 3, [NAN] * 3),
    ("LogSoftmax", {}, [1e30, -1e30, 0], [0, -2e30, -1e30], [-2, 1, 1]),
]


@pytest.mark.parametrize(("op", "settings", "x", "y", "dx"), SPECIAL)
def test_special_values(
    op: str, settings: dict, x: list[float], y: list[float], dx: list[float], isa: str, dtype: str
) -> None:
    """The row stands between ordinary rows, which must not notice."""
    rows = np.stack([np.linspace(-1, 1, len(x)), x, np.linspace(2, 0, len(x))]).astype(dtype)
    node = OneNode(Case(op, 3, ((len(x),),), settings), isa, dtype)
    got = node.forward(rows)
    np.testing.assert_allclose(got[1], np.array(y, dtype), rtol=1e-6)
    np.testing.assert_array_equal(got[[0, 2]], node.forward(rows[[0, 2]]))
    slopes = node.backward(np.ones_like(rows), rows)[0]
    np.testing.assert_allclose(slopes[1], np.array(dx, dtype), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(slopes[[0, 2]], node.backward(np.ones((2, len(x))), rows[[0, 2]])[0])


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_of_special_values(approximate: str, isa: str, dtype: str) -> None:
    """NaN stays NaN, Inf stays Inf, and -Inf * 0 is NaN, as in PyTorch (whose erf form makes NaN of +Inf
    too).
    """
    x = np.array([[NAN, INF, -INF, 0.0, -0.0, 1.0]] * 3, dtype)
    node = OneNode(Case("GELU", 3, ((6,),), {"approximate": approximate}), isa, dtype)
    y = node.forward(x)
    assert np.isnan(y[:, [0, 2]]).all()
    assert (y[:, 1] == INF).all()
    assert (y[:, 3:5] == 0).all()
    np.testing.assert_allclose(y[:, 5], 0.8412 if approximate == "tanh" else 0.84134, atol=1e-4)
    dx = node.backward(np.ones_like(x), x)[0]
    assert np.isnan(dx[:, 0]).all()
    np.testing.assert_allclose(dx[:, 3:5], 0.5)


def test_relu_stops_even_infinite_gradients(isa: str, dtype: str) -> None:
    x = np.array([[-1.0, -2.0, 0.0, NAN, 1.0, 3.0]] * 3, dtype)
    dy = np.array([[INF, NAN, INF, 2.0, INF, NAN]] * 3, dtype)
    dx = OneNode(Case("ReLU", 3, ((6,),)), isa, dtype).backward(dy, x)[0]
    np.testing.assert_array_equal(dx, [[0, 0, 0, 2, INF, NAN]] * 3)


@pytest.mark.parametrize("loss", ["cross_entropy", "nll"])
def test_loss_of_special_values(loss: str, isa: str, dtype: str) -> None:
    x = np.array([[-INF, 0, 0], [0, NAN, 0], [1, 2, 3], [-INF, 0, 0]], dtype)
    value, slope = getattr(_core, loss)(x, np.array([0, 1, 2, 1]), isa=isa)
    third, fourth = (0.40760596, np.log(2)) if loss == "cross_entropy" else (-3, 0)
    np.testing.assert_allclose(value, [INF, NAN, third, fourth], rtol=1e-6)
    if loss == "cross_entropy":
        np.testing.assert_allclose(slope[0], [-1, 0.5, 0.5], rtol=1e-6)
        assert np.isnan(slope[1]).all()
        assert np.isfinite(slope[2:]).all()


# --- pooling ----------------------------------------------------------------------------------------


def pooled(x: list[list[float]], isa: str, dtype: str, **settings: object) -> tuple[np.ndarray, np.ndarray]:
    """Output and dx for dy = 1, 2, 3, ... of one plane, repeated over 19 channels to fill lanes and rest."""
    plane = np.array([[x] * 19], dtype)
    node = OneNode(Case("MaxPool2d", 1, (plane.shape[1:],), dict(settings)), isa, dtype)
    y = node.forward(plane)
    dy = np.broadcast_to(np.arange(1.0, y[0, 0].size + 1).reshape(y[0, 0].shape), y.shape)
    dx = node.backward(dy.copy(), plane)[0]
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    np.testing.assert_array_equal(dx, np.broadcast_to(dx[:, :1], dx.shape))
    return y[0, 0], dx[0, 0]


def test_ties_go_to_the_first_in_row_order(isa: str, dtype: str) -> None:
    y, dx = pooled([[5, 5, 1, 7], [5, 5, 7, 7]], isa, dtype, kernel_size=2)
    np.testing.assert_array_equal(y, [[5, 7]])
    np.testing.assert_array_equal(dx, [[1, 0, 0, 2], [0, 0, 0, 0]])


def test_zeros_of_both_signs_tie(isa: str, dtype: str) -> None:
    _, dx = pooled([[-0.0, 0.0], [0.0, -0.0]], isa, dtype, kernel_size=2)
    np.testing.assert_array_equal(dx, [[1, 0], [0, 0]])


def test_overlapping_windows_add_up(isa: str, dtype: str) -> None:
    _, dx = pooled([[0, 0, 0], [0, 9, 0], [0, 0, 0]], isa, dtype, kernel_size=2, stride=1)
    np.testing.assert_array_equal(dx, [[0, 0, 0], [0, 1 + 2 + 3 + 4, 0], [0, 0, 0]])


def test_padding_never_wins(isa: str, dtype: str) -> None:
    """It counts as minus infinity, not as 0; and where all is minus infinity the image still gets the
    gradient.
    """
    y, dx = pooled([[-5, -6], [-7, -8]], isa, dtype, kernel_size=2, stride=2, padding=1)
    np.testing.assert_array_equal(y, [[-5, -6], [-7, -8]])
    np.testing.assert_array_equal(dx, [[1, 2], [3, 4]])
    y, dx = pooled([[-INF] * 4] * 4, isa, dtype, kernel_size=3, stride=2, padding=1)
    np.testing.assert_array_equal(y, [[-INF, -INF]] * 2)
    np.testing.assert_array_equal(dx, [[1, 2, 0, 0], [3, 4, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize("place", range(4))
def test_pooling_lets_nan_win(place: int, isa: str, dtype: str) -> None:
    """Wherever in the window it stands, also against +Inf; and it gets the gradient."""
    window = [INF, 3.0, INF, 4.0]
    window[place] = NAN
    y, dx = pooled([window[:2], window[2:]], isa, dtype, kernel_size=2)
    assert np.isnan(y).all()
    np.testing.assert_array_equal(dx.ravel(), np.eye(4)[place])


def test_empty_batch_of_a_network(isa: str, dtype: str) -> None:
    """No rows in, no rows out, gradients of zero."""
    graph = _core.Graph((1, 6, 6))
    value = graph.add(_core.MaxPool2d(2), [graph.add(_core.Conv2d(1, 4, 3), [0], "conv")], "pool")
    graph.add(_core.Linear(16, 3), [graph.add(_core.Flatten(), [value], "flat")], "head")
    plan = _core.Plan(graph, dtype, isa=isa)
    x, params = np.empty((0, 1, 6, 6), dtype), np.ones(plan.parameter_count, dtype)
    assert plan.forward(x, params).shape == (0, 3)
    y, tape = plan.forward_train(x, params)
    assert (y.shape, y.dtype) == ((0, 3), dtype)
    grads = np.full_like(params, NAN)
    assert plan.backward(y, tape, params, grads).shape == (0, 1, 6, 6)
    np.testing.assert_array_equal(grads, 0)

"""Batch normalization: against its definition in float64, across tiles, shards and threads, in networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cnnfast import _core, functional, nn

from tests.support.batch_norm import close
from tests.support.refusal import refused

SetThreads = Callable[[int], None]
Array = np.ndarray[Any, Any]

#: shapes of one image; (n, shape)
SHAPES = [
    (2, (1,)),
    (7, (3,)),
    (33, (17,)),
    (5, (3, 5)),
    (40, (16, 3)),
    (1, (2, 3, 2)),
    (3, (5, 4, 7)),
    (17, (8, 6, 5)),
    (70, (33, 3, 3)),
    (2, (65, 9, 8)),
    (130, (1, 7, 5)),
    (257, (3, 2, 2)),  # one shard has two tiles
]


def op_of(shape: tuple[int, ...], **settings: Any) -> _core.Op:
    return (_core.BatchNorm2d if len(shape) == 3 else _core.BatchNorm1d)(shape[0], **settings)


def columns(c: Array, like: Array) -> Array:
    """One number a channel, to meet an array of (n, c, ...)."""
    return np.asarray(c, np.float64).reshape(1, -1, *[1] * (like.ndim - 2))


def axes(x: Array) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def defined(x: Array, weight: Array, bias: Array, eps: float) -> tuple[Array, Array, Array]:
    """(y, mean, biased variance) in float64."""
    x = x.astype(np.float64)
    mean, var = x.mean(axes(x)), x.var(axes(x))
    y = (x - columns(mean, x)) / np.sqrt(columns(var, x) + eps) * columns(weight, x) + columns(bias, x)
    return y, mean, var


def defined_backward(dy: Array, x: Array, weight: Array, eps: float) -> tuple[Array, Array, Array]:
    """The chain rule through mean and variance, written out term by term."""
    dy, x = dy.astype(np.float64), x.astype(np.float64)
    m = x.size / x.shape[1]
    mean, var = columns(x.mean(axes(x)), x), columns(x.var(axes(x)), x)
    deviation = np.sqrt(var + eps)
    normal = (x - mean) / deviation
    d_normal = dy * columns(weight, x)
    d_var = columns((d_normal * (x - mean) * -0.5 * deviation**-3).sum(axes(x)), x)
    d_mean = columns((-d_normal / deviation).sum(axes(x)), x)
    dx = d_normal / deviation + d_var * 2 * (x - mean) / m + d_mean / m
    return dx, (dy * normal).sum(axes(x)), dy.sum(axes(x))


def arrays(n: int, shape: tuple[int, ...], dtype: str) -> tuple[Array, Array, Array, Array, Array, Array]:
    rng = np.random.default_rng([n, *shape])
    c = shape[0]
    x = rng.normal(3, 2, (n, *shape)).astype(dtype)
    weight, bias, mean = (rng.standard_normal(c).astype(dtype) for _ in range(3))
    return (
        x,
        weight,
        bias,
        mean,
        rng.uniform(0.5, 2, c).astype(dtype),
        rng.standard_normal(x.shape).astype(dtype),
    )


@pytest.mark.parametrize(("n", "shape"), SHAPES)
@pytest.mark.parametrize("activation", [None, "ReLU", "SiLU"])
@pytest.mark.parametrize("exact", [False, True])
def test_training_against_the_definition(
    n: int, shape: tuple[int, ...], activation: str | None, exact: bool, isa: str, dtype: str
) -> None:
    """Values and gradients; an activation behind it runs in the same node unless the plan is exact."""
    x, weight, bias, mean, var, dy = arrays(n, shape, dtype)
    graph = _core.Graph(shape)
    value = graph.add(op_of(shape, eps=1e-3, momentum=0.3), [0], "norm")
    if activation:
        graph.add(getattr(_core, activation)(), [value], "activation")
    plan = _core.Plan(graph, dtype, isa=isa, exact=exact)
    assert len(plan.nodes()) == (2 if activation and exact else 1)
    params = np.concatenate([weight, bias, mean, var])
    y, tape = plan.forward_train(x, params)
    want, batch_mean, batch_var = defined(x, weight, bias, 1e-3)
    logistic = 1 / (1 + np.exp(-want))
    slopes = {"ReLU": (y > 0).astype(float), "SiLU": logistic * (1 + want * (1 - logistic))}
    values = {"ReLU": np.where(want > 0, want, 0), "SiLU": want * logistic}
    close(y, values.get(activation or "", want), dtype, "y")
    grads = np.full_like(params, np.nan)
    dx = plan.backward(dy, tape, params, grads)
    want_dx, dweight, dbias = defined_backward(dy * slopes.get(activation or "", 1), x, weight, 1e-3)
    c = shape[0]
    if n * x[0, 0].size > 2:  # of two values the deviation says all: x hardly matters, and dx is rounding
        close(dx, want_dx, dtype, "dx")
    close(grads[:c], dweight, dtype, "dweight")
    close(grads[c : 2 * c], dbias, dtype, "dbias")
    np.testing.assert_array_equal(grads[2 * c :], 0)

    m = x.size / c
    updated = params.copy()
    plan.update_buffers(updated, grads, tape)
    np.testing.assert_array_equal(updated[: 2 * c], params[: 2 * c])
    close(updated[2 * c : 3 * c], 0.7 * mean + 0.3 * batch_mean, dtype, "running mean")
    close(updated[3 * c :], 0.7 * var + 0.3 * batch_var * m / (m - 1), dtype, "running variance")
    np.testing.assert_array_equal(grads[2 * c :], 0)


def defined_backward_of_inference(
    dy: Array, x: Array, weight: Array, mean: Array, var: Array, eps: float
) -> tuple[Array, Array, Array]:
    """Mean and variance are constants: no gradient flows through them."""
    dy, deviation = dy.astype(np.float64), np.sqrt(columns(var, x) + eps)
    dweight = (dy * (x - columns(mean, x)) / deviation).sum(axes(x))
    return dy * columns(weight, x) / deviation, dweight, dy.sum(axes(x))


@pytest.mark.parametrize(("n", "shape"), [*SHAPES, (1, (3,)), (0, (2, 3, 3))])
@pytest.mark.parametrize("affine", [False, True])
def test_gradient_in_inference(n: int, shape: tuple[int, ...], affine: bool, isa: str, dtype: str) -> None:
    """Of one value a channel too, which training refuses."""
    x, weight, _, mean, var, dy = arrays(n, shape, dtype)
    scale = weight if affine else np.ones(shape[0])
    want = defined_backward_of_inference(dy, x, scale, mean, var, 1e-3)
    running = {"running_mean": mean, "running_var": var}
    kept = mean.copy(), var.copy()
    got = functional.batch_norm_backward(
        dy, x, weight if affine else None, **running, training=False, eps=1e-3, isa=isa
    )
    for name, g, w in zip(("dx", "dweight", "dbias"), got, want, strict=True):
        if g is not None:
            close(g, w, dtype, name)
    assert [g is None for g in got] == [False, not affine, not affine]
    np.testing.assert_array_equal(kept, (mean, var))


def test_gradient_in_inference_is_that_of_the_forward_pass(isa: str) -> None:
    """The whole Jacobian of forward by central differences, in float64."""
    x, weight, bias, mean, var, dy = arrays(2, (3, 2, 2), "float64")

    def loss(x: Array, weight: Array, bias: Array) -> float:
        return float((functional.batch_norm(x, mean, var, weight, bias, isa=isa) * dy).sum())

    got = functional.batch_norm_backward(
        dy, x, weight, running_mean=mean, running_var=var, training=False, isa=isa
    )
    for k, (array, gradient) in enumerate(zip((x, weight, bias), got, strict=True)):
        assert gradient is not None
        for i in range(array.size):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [a.copy() for a in (x, weight, bias)]
                moved[k].flat[i] += step
                ends.append(loss(*moved))
            assert gradient.flat[i] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-8)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "batch_norm_backward: training=False needs running_mean and running_var"),
        (
            {"running_mean": np.zeros(3)},
            "batch_norm_backward: training=False needs running_mean and running_var",
        ),
        (
            {"running_mean": np.zeros(2), "running_var": np.ones(3)},
            "batch_norm_backward: running_mean must have shape (3,), one for each channel, got (2,)",
        ),
        (
            {"running_mean": np.zeros(3), "running_var": np.array([1.0, -1, 1])},
            "batch_norm_backward: running_var must not be negative, got -1.0 at position 1",
        ),
    ],
)
def test_gradient_in_inference_needs_the_running_averages(given: dict[str, Array], text: str) -> None:
    with refused(ValueError, text):
        functional.batch_norm_backward(np.ones((2, 3)), np.ones((2, 3)), training=False, **given)


@pytest.mark.parametrize(("n", "shape"), SHAPES)
@pytest.mark.parametrize("affine", [False, True])
def test_inference_takes_the_running_averages(
    n: int, shape: tuple[int, ...], affine: bool, isa: str, dtype: str
) -> None:
    x, weight, bias, mean, var, _ = arrays(n, shape, dtype)
    scale = columns(weight, x) if affine else 1
    shift = columns(bias, x) if affine else 0
    want = (x - columns(mean, x)) / np.sqrt(columns(var, x) + 1e-5) * scale + shift
    extra = (weight, bias) if affine else ()
    close(functional.batch_norm(x, mean, var, *extra, isa=isa), want, dtype, "y")


def test_rows_of_zero_images() -> None:
    norm = nn.BatchNorm2d(3)
    x = np.empty((0, 3, 4, 4), np.float32)
    assert norm(x).shape == norm.forward(x).shape == norm.backward(x).shape == x.shape
    np.testing.assert_array_equal(norm.running_mean, 0)
    np.testing.assert_array_equal(norm.running_var, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_mean_far_from_zero_keeps_the_digits_of_the_variance(dtype: str, isa: str) -> None:
    """Squares of the values would leave no digit of it in float32."""
    rng = np.random.default_rng(0)
    x = (1000 + rng.standard_normal((64, 4, 8, 8))).astype(dtype)
    mean, var = np.zeros(4, dtype), np.zeros(4, dtype)
    functional.batch_norm(x, mean, var, training=True, momentum=1, isa=isa)
    exact = x.astype(np.float64).var((0, 2, 3), ddof=1)
    np.testing.assert_allclose(var, exact, rtol=1e-5)
    np.testing.assert_allclose(mean, x.astype(np.float64).mean((0, 2, 3)), rtol=1e-6)


@pytest.mark.parametrize("momentum", [None, 1.0, 0.999, 0.5, 0.1, 0.0])
def test_running_averages_keep_the_digits_of_small_values(momentum: float | None, dtype: str) -> None:
    """(1 - m) old + m found, however far apart the two are: a variance of 1e-8 behind the first one of 1."""
    x = (1e-4 * np.random.default_rng(5).standard_normal((64, 3, 4, 5))).astype(dtype)
    layer = nn.BatchNorm2d(3, momentum=momentum).to(dtype)
    layer.forward(x)
    m, wide = 1 if momentum is None else momentum, x.astype(np.float64)
    rounding = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(layer.running_mean, m * wide.mean((0, 2, 3)), rtol=0, atol=rounding * 1e-5)
    np.testing.assert_allclose(layer.running_var, 1 - m + m * wide.var((0, 2, 3), ddof=1), rtol=rounding)


# --- errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (
            lambda: nn.BatchNorm2d(0),
            ValueError,
            "BatchNorm2d: num_features must be from 1 to 268435456, got 0",
        ),
        (
            lambda: nn.BatchNorm2d(3, eps=0),
            ValueError,
            "BatchNorm2d: eps must be a finite number above 0, got 0",
        ),
        (
            lambda: nn.BatchNorm1d(3, eps=float("inf")),
            ValueError,
            "BatchNorm1d: eps must be a finite number above 0, got inf",
        ),
        (
            lambda: nn.BatchNorm2d(3, momentum=1.5),
            ValueError,
            "BatchNorm2d: momentum must be from 0 to 1, got 1.5",
        ),
        (
            lambda: nn.BatchNorm2d(3, momentum="fast"),  # type: ignore[arg-type]
            TypeError,
            "BatchNorm2d: momentum must be a number, got 'fast'",
        ),
        (
            lambda: functional.batch_norm(np.zeros((2, 1)), np.zeros(1), np.ones(1), momentum=None),
            TypeError,
            "batch_norm: momentum must be a number, got None; use nn.BatchNorm2d for cumulative means",
        ),
        (
            lambda: nn.BatchNorm2d(3)(np.zeros((2, 4, 5, 5), np.float32)),
            ValueError,
            "BatchNorm2d: expected an input of shape (3, h, w), got (4, 5, 5)",
        ),
        (
            lambda: nn.BatchNorm1d(3)(np.zeros((2, 3, 5, 5), np.float32)),
            ValueError,
            "BatchNorm1d: expected an input of shape (3,) or (3, l), got (3, 5, 5)",
        ),
        (
            lambda: nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)).forward(np.zeros((1, 4), np.float32)),
            ValueError,
            'layer "1": BatchNorm: training needs more than one value a channel, got a batch of 1 with 1 '
            "each; choose a batch size that leaves no single image over",
        ),
        (
            lambda: functional.batch_norm(np.zeros((2, 3)), np.zeros(3), np.ones(3), np.ones(3)),
            ValueError,
            "batch_norm: weight and bias go together; give both or neither",
        ),
        (
            lambda: functional.batch_norm(np.zeros((2, 3)), np.zeros(2), np.ones(3)),
            ValueError,
            "batch_norm: running_mean must have shape (3,), one for each channel, got (2,)",
        ),
    ],
)
def test_errors(make: Callable[[], object], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == text

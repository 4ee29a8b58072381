"""Losses beside PyTorch's: settings, shapes and targets drawn at random, as functions and through a network.

Failures name the seed; CNNFAST_TEST_SEED=<number> draws others.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from cnnfast import functional, losses, nn
from cnnfast.nn import Module

from tests.support.marks import quick_only

torch = pytest.importorskip("torch")

TRIALS = 100
BASE = int(os.environ.get("CNNFAST_TEST_SEED", "0"))
Rng = np.random.Generator
Array = np.ndarray[Any, Any]


@dataclass
class Drawn:
    """A loss, PyTorch's, and what to give them."""

    loss: losses.Loss
    peer: Callable[..., Any]  # of (x, target, reduction)
    function: str
    settings: dict[str, Any]
    x: Array
    target: Array

    def __str__(self) -> str:
        return f"{self.loss} on {self.x.shape}, target {self.target.dtype} {self.target.shape}"


def maybe(rng: Rng, value: Any, otherwise: Any = None) -> Any:
    return value if rng.integers(2) else otherwise


def weights(rng: Rng, count: int) -> list[float] | None:
    return maybe(rng, [round(float(w), 3) for w in rng.uniform(0, 3, count)])


def tensor(values: Any) -> Any:
    return None if values is None else torch.tensor(values, dtype=torch.float64)


def positions(rng: Rng) -> tuple[int, ...]:
    """None beside the classes, or a line, image or volume of them; at times without any place."""
    return tuple(int(e) for e in rng.integers(0 if rng.random() < 0.1 else 1, 6, int(rng.integers(0, 4))))


def spread_out(rng: Rng, n: int, c: int, rest: tuple[int, ...]) -> Array:
    """Probabilities (n, c, *rest)."""
    return np.ascontiguousarray(np.moveaxis(rng.dirichlet(np.ones(c), (n, *rest)), -1, 1))


def draw_cross_entropy(rng: Rng) -> Drawn:
    n, c, rest = int(rng.integers(0, 9)), int(rng.choice([1, 2, 3, 7, 10, 17, 33])), positions(rng)
    weight, smoothing = weights(rng, c), float(maybe(rng, round(rng.uniform(), 2), 0.0))
    ignored = int(maybe(rng, int(rng.integers(0, c)), -100))
    x = rng.standard_normal((n, c, *rest)) * rng.choice([0.1, 1, 10, 40])
    target: Array = rng.integers(0, c, (n, *rest))
    if rng.integers(2):
        target[rng.random(target.shape) < 0.3] = ignored
    if rng.integers(3) == 0:
        target, ignored = spread_out(rng, n, c, rest), -100
    settings = {"weight": weight, "label_smoothing": smoothing, "ignore_index": ignored}

    def peer(x: Any, t: Any, reduction: str) -> Any:
        options = {"ignore_index": ignored, "label_smoothing": smoothing, "reduction": reduction}
        return torch.nn.functional.cross_entropy(x, t, tensor(weight), **options)

    return Drawn(losses.CrossEntropy(**settings), peer, "cross_entropy", settings, x, target)


def draw_nll(rng: Rng) -> Drawn:
    n, c, rest = int(rng.integers(0, 9)), int(rng.choice([1, 2, 5, 16, 31])), positions(rng)
    weight, ignored = weights(rng, c), int(maybe(rng, int(rng.integers(0, c)), -100))
    x = np.log(spread_out(rng, n, c, rest)) if c > 1 else np.zeros((n, 1, *rest))
    target = rng.integers(0, c, (n, *rest))
    target[rng.random(target.shape) < 0.2] = ignored
    settings = {"weight": weight, "ignore_index": ignored}

    def peer(x: Any, t: Any, reduction: str) -> Any:
        return torch.nn.functional.nll_loss(x, t, tensor(weight), ignore_index=ignored, reduction=reduction)

    return Drawn(losses.NLL(**settings), peer, "nll_loss", settings, x, target)


def shape(rng: Rng) -> tuple[int, ...]:
    return (int(rng.integers(0, 6)), *(int(e) for e in rng.integers(1, 9, int(rng.integers(1, 4)))))


def draw_numbers(
    name: str, peer_name: str, kind: type[losses.Loss], setting: str = ""
) -> Callable[[Rng], Drawn]:
    def draw(rng: Rng) -> Drawn:
        x, target = rng.standard_normal((2, *shape(rng))) * 2
        if rng.integers(2):  # kinks: equal numbers, and whole distances
            x, target = x.round(), target.round()
        value = float(rng.choice([0.25, 1.0, 2.0, 3.5] + ([0.0] if setting == "beta" else [])))
        settings = {setting: value} if setting else {}

        def peer(x: Any, t: Any, reduction: str) -> Any:
            return getattr(torch.nn.functional, peer_name)(x, t, reduction=reduction, **settings)

        return Drawn(kind(**settings), peer, name, settings, x, target)

    return draw


def draw_binary(rng: Rng) -> Drawn:
    dims = shape(rng)
    x = rng.standard_normal(dims) * rng.choice([0.1, 1, 10, 60])
    target: Array = rng.integers(0, 2, dims).astype(np.float64) if rng.integers(2) else rng.random(dims)
    weight = weights(rng, dims[1])
    settings = {"pos_weight": weight}

    def peer(x: Any, t: Any, reduction: str) -> Any:
        spread = None if weight is None else tensor(weight).reshape(-1, *[1] * (len(dims) - 2))
        function = torch.nn.functional.binary_cross_entropy_with_logits
        return function(x, t, pos_weight=spread, reduction=reduction)

    name = "binary_cross_entropy_with_logits"
    return Drawn(losses.BCEWithLogits(**settings), peer, name, settings, x, target)


KINDS: dict[str, Callable[[Rng], Drawn]] = {
    "cross_entropy": draw_cross_entropy,
    "nll": draw_nll,
    "mse": draw_numbers("mse_loss", "mse_loss", losses.MSE),
    "l1": draw_numbers("l1_loss", "l1_loss", losses.L1),
    "smooth_l1": draw_numbers("smooth_l1_loss", "smooth_l1_loss", losses.SmoothL1, "beta"),
    "huber": draw_numbers("huber_loss", "huber_loss", losses.Huber, "delta"),
    "bce_with_logits": draw_binary,
}


def test_every_kind_is_drawn() -> None:
    assert set(KINDS) == set(losses.KINDS)


def by_torch(drawn: Drawn, x: Array, target: Array, reduction: str) -> tuple[Any, Array]:
    """Loss and gradient in float64."""
    tx = torch.tensor(x, requires_grad=True)
    value = drawn.peer(tx, torch.from_numpy(target), reduction)
    value.sum().backward()
    return value.detach().numpy(), tx.grad.numpy()


@pytest.mark.parametrize("reduction", quick_only(["mean", "sum", "none"], ["mean"]))
@pytest.mark.parametrize("kind", KINDS)
def test_functions(kind: str, reduction: str, isa: str, dtype: str) -> None:
    for trial in range(TRIALS):
        drawn = KINDS[kind](np.random.default_rng([BASE, trial]))
        about = f"seed {BASE}, trial {trial}: {drawn}, {reduction}"
        x, target = drawn.x.astype(dtype), drawn.target
        target = target if target.dtype == np.int64 else target.astype(dtype)
        wide = target if target.dtype == np.int64 else target.astype(np.float64)
        want, slope = by_torch(drawn, x.astype(np.float64), wide, reduction)
        function, backward = (getattr(functional, drawn.function + end) for end in ("", "_backward"))
        got = function(x, target, reduction=reduction, **drawn.settings, isa=isa)
        grad = backward(x, target, reduction=reduction, **drawn.settings, isa=isa)
        assert grad.dtype == dtype
        limit = 2e-5 if dtype == "float32" else 1e-12
        np.testing.assert_allclose(got, want, rtol=limit, atol=limit, err_msg=about)
        if kind == "smooth_l1" and drawn.settings["beta"] == 0:
            slope = np.nan_to_num(slope)  # PyTorch divides 0 by 0 where both are equal
        scale = max(1.0, float(np.abs(slope[np.isfinite(slope)]).max(initial=0)))
        if np.isnan(want).all() and reduction == "mean":
            slope = np.nan_to_num(slope)  # nothing to take a mean of: no gradient, though PyTorch may say NaN
        np.testing.assert_allclose(grad, slope, rtol=limit, atol=limit * scale, err_msg=about)


@pytest.mark.parametrize("kind", KINDS)
def test_one_pass_through_a_network(kind: str, dtype: str) -> None:
    """`loss_and_grad` gives the mean and the gradients that the functions give for the network's output."""
    for trial in range(TRIALS):
        rng = np.random.default_rng([BASE, 1000 + trial])
        drawn = KINDS[kind](rng)
        n = len(drawn.x)
        about = f"seed {BASE}, trial {trial}: {drawn}"
        if drawn.x.size == 0 or drawn.x.ndim > 4:
            continue
        if drawn.target.dtype == np.int64 and (drawn.target == drawn.loss.ignore_index).all():
            continue
        if drawn.loss.is_classification and drawn.x.shape[1] == 1:  # refused: a single output has no classes
            continue
        model, x = network(rng, n, drawn.x.shape[1:], dtype)
        if kind == "nll":
            model = nn.Sequential(model, nn.LogSoftmax().to(dtype))
        target = drawn.target if drawn.target.dtype == np.int64 else drawn.target.astype(dtype)
        y = model.forward(x)
        want = getattr(functional, drawn.function)(y, target, **drawn.settings)
        if not np.isfinite(want):  # every weight 0
            continue
        model.backward(getattr(functional, f"{drawn.function}_backward")(y, target, **drawn.settings))
        grads = {name: g.copy() for name, g in model.gradients().items()}
        value, got = model.loss_and_grad(x, target, drawn.loss)
        limit = 1e-4 if dtype == "float32" else 1e-12
        assert value == pytest.approx(want, rel=limit, abs=limit), about
        for name, grad in got.items():
            scale = max(1.0, float(np.abs(grads[name]).max()))
            np.testing.assert_allclose(grad, grads[name], rtol=limit, atol=limit * scale, err_msg=about)


def network(rng: Rng, n: int, output: tuple[int, ...], dtype: str) -> tuple[Module, Array]:
    """One with an output of that shape, and an input for it."""
    if len(output) == 1:
        model: Module = nn.Linear(5, output[0], seed=int(rng.integers(99)))
        inside: tuple[int, ...] = (5,)
    elif len(output) == 2:
        model, inside = nn.ChannelBias(output[0]), output
    else:
        model, inside = nn.Conv2d(3, output[0], 3, padding=1, seed=int(rng.integers(99))), (3, *output[1:])
    return model.to(dtype), rng.standard_normal((n, *inside)).astype(dtype)

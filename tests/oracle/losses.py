"""Losses: unreduced, one value for each row or element."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from tests.oracle.activations import logistic
from tests.oracle.common import Array
from tests.oracle.softmax import log_softmax, softmax


def nll(log_probs: Array, target: Array) -> Array:
    """loss[n] = -log_probs[n, target[n]]."""
    return -np.asarray(log_probs, np.float64)[np.arange(len(target)), target]


def nll_backward(log_probs: Array, target: Array) -> Array:
    """-1 at the target, 0 elsewhere: d loss[n] / d log_probs[n]."""
    d = np.zeros(np.shape(log_probs))
    d[np.arange(len(target)), target] = -1
    return d


def cross_entropy(logits: Array, target: Array) -> Array:
    """loss[n] = -log softmax(logits)[n, target[n]]."""
    return nll(log_softmax(logits), target)


def cross_entropy_backward(logits: Array, target: Array) -> Array:
    """softmax(logits) - one at the target."""
    return softmax(logits) + nll_backward(logits, target)


# Losses with settings: x, target, settings -> (losses of rows or elements, gradients, divisor of a mean).
LossResult = tuple[Array, Array, float]


def by_position(loss_of: Callable[..., LossResult]) -> Callable[..., LossResult]:
    """The same for maps (n, c, ...): each position is a row."""

    @wraps(loss_of)
    def of_maps(x: Array, target: Array, **settings: Any) -> LossResult:
        x = np.moveaxis(np.asarray(x, np.float64), 1, -1)
        classes = np.ndim(target) < x.ndim
        rows = np.ravel(target) if classes else np.moveaxis(target, 1, -1).reshape(-1, x.shape[-1])
        loss, slope, divisor = loss_of(x.reshape(-1, x.shape[-1]), rows, **settings)
        return loss.reshape(x.shape[:-1]), np.moveaxis(slope.reshape(x.shape), -1, 1), divisor

    return of_maps


@by_position
def weighted_cross_entropy(
    x: Array, target: Array, *, weight: Any, label_smoothing: float, ignore_index: int
) -> LossResult:
    """-sum of q log softmax(x); q = w p, p the (smoothed) target."""
    x = np.asarray(x, np.float64)
    n, c = x.shape
    w = np.ones(c) if weight is None else np.asarray(weight)
    p, counts = np.asarray(target, np.float64), np.ones(n)
    divisor = float(n)
    if np.ndim(target) == 1:
        counts = (target != ignore_index).astype(np.float64)
        p = np.eye(c)[np.where(counts > 0, target, 0)]
        divisor = float((counts * (p @ w)).sum())
    q = w * (p * (1 - label_smoothing) + label_smoothing / c) * counts[:, None]
    loss = -(q * log_softmax(x)).sum(axis=1)
    return loss, softmax(x) * q.sum(axis=1, keepdims=True) - q, divisor


@by_position
def weighted_nll(x: Array, target: Array, *, weight: Any, ignore_index: int) -> LossResult:
    """-w x at the target."""
    x = np.asarray(x, np.float64)
    w = np.ones(x.shape[1]) if weight is None else np.asarray(weight)
    counts = target != ignore_index
    q = np.eye(x.shape[1])[np.where(counts, target, 0)] * w * counts[:, None]
    return -(q * x).sum(axis=1), -q, float(q.sum())


def mse(x: Array, target: Array) -> LossResult:
    """d^2."""
    d = np.asarray(x, np.float64) - target
    return d * d, 2 * d, d.size


def l1(x: Array, target: Array) -> LossResult:
    """|d|."""
    d = np.asarray(x, np.float64) - target
    return np.abs(d), np.sign(d), d.size


def huber(x: Array, target: Array, *, delta: float) -> LossResult:
    """d^2 / 2 up to delta, delta (|d| - delta / 2) beyond."""
    d = np.asarray(x, np.float64) - target
    loss = np.where(np.abs(d) < delta, d * d / 2, delta * (np.abs(d) - delta / 2))
    return loss, np.clip(d, -delta, delta), d.size


def smooth_l1(x: Array, target: Array, *, beta: float) -> LossResult:
    """huber / beta; l1 where beta is 0."""
    if beta == 0:
        return l1(x, target)
    loss, slope, size = huber(x, target, delta=beta)
    return loss / beta, slope / beta, size


def bce_with_logits(x: Array, target: Array, *, pos_weight: Any) -> LossResult:
    """-w t log s(x) - (1 - t) log s(-x)."""
    x = np.asarray(x, np.float64)
    w = 1.0 if pos_weight is None else np.asarray(pos_weight)
    no, yes = 1 - target, w * target
    loss = yes * np.logaddexp(0, -x) + no * np.logaddexp(0, x)
    return loss, no * logistic(x) - yes * logistic(-x), x.size


LOSSES = {
    "cross_entropy": weighted_cross_entropy,
    "nll": weighted_nll,
    "mse": mse,
    "l1": l1,
    "huber": huber,
    "smooth_l1": smooth_l1,
    "bce_with_logits": bce_with_logits,
}

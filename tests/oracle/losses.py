"""Losses: unreduced, one number a row."""

from __future__ import annotations

import numpy as np

from tests.oracle.common import Array
from tests.oracle.soft_maxima import log_softmax, softmax


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

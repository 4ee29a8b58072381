"""Temperature scaling (Guo et al. 2017): logits are divided by one number, so that confidence fits accuracy.

It is stored in the weights: weight and bias of the last Linear layer are divided by the temperature. The file
format stays the same, predictions too, and inference costs nothing more.
"""

from __future__ import annotations

import numpy as np

from .._checks import check_number
from .._types import Array, Labels
from ..nn import Linear, Module
from .statistics import log_softmax

#: Limits of the temperature, and steps of the search.
_LOW, _HIGH, _STEPS = 0.05, 20.0, 40


def fit_temperature(logits: Array, labels: Labels) -> float:
    """The temperature with the least cross entropy, by golden-section search in its logarithm.

    The cross entropy is convex in 1 / temperature, so it has one minimum. A classifier without errors has
    none: the result is the lower limit, 0.05.

    Args:
        logits: (n, classes).
        labels: (n,) int64.
    """
    z = logits.astype(np.float64)
    rows = np.arange(len(labels))

    def loss(log_t: float) -> float:
        return float(-log_softmax(z / np.exp(log_t))[rows, labels].mean())

    ratio = (np.sqrt(5) - 1) / 2
    low, high = np.log(_LOW), np.log(_HIGH)
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = loss(left), loss(right)
    for _ in range(_STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = loss(right)
    return float(np.exp((low + high) / 2))


def scaled_by_halves(logits: Array, labels: Labels) -> Array:
    """Logits divided by a temperature that was fitted without them: each half by that of the other.

    Rows with even and with odd numbers among those of each class are the halves.
    """
    if len(labels) < 2:
        return logits
    order = np.argsort(labels, kind="stable")
    scaled = logits.astype(np.float64)
    for half, other in ((order[::2], order[1::2]), (order[1::2], order[::2])):
        scaled[half] /= fit_temperature(logits[other], labels[other])
    return scaled


def calibrated(model: Module, temperature: float) -> Module:
    """A copy of a classifier whose logits are divided by a temperature.

    Args:
        model: A network that ends in a Linear layer, or one before a Softmax.
        temperature: `Report.temperature`, above 0.

    Returns:
        The copy. Its predictions are those of `model`, its probabilities fit accuracy better.

    Raises:
        ValueError: The temperature is out of range, or the outputs are not those of a last Linear layer.

    Example:
        >>> from cnnfast import models
        >>> model = models.d4(seed=0)
        >>> x = np.zeros((1, 28, 28), np.uint8)
        >>> bool(np.allclose(calibrated(model, 2.0)(x), model(x) / 2))
        True
    """
    t = check_number("calibrated", "temperature", temperature, _LOW, _HIGH)
    twin = model.copy()
    linear = next((leaf for leaf in reversed(twin.leaves()) if isinstance(leaf, Linear)), None)
    if linear is None or model.input_shape is None or not _scales(model, twin, linear, t):
        raise ValueError(
            "calibrated: the model must end in a Linear layer, whose weights take the temperature"
        )
    return twin


def _scales(model: Module, twin: Module, linear: Linear, t: float) -> bool:
    """Divides the weights; whether that divides the logits, tried on random inputs."""
    for value in linear.parameters().values():
        value /= t
    twin.mark_changed()
    shape = model.input_shape
    x = np.random.default_rng(0).integers(0, 256, (4, *(shape or ())), dtype=np.uint8)
    before, after = (log_softmax(_logits(network, x)) for network in (model, twin))
    return np.allclose(log_softmax(before / t), after, rtol=1e-3, atol=1e-3)


def _logits(model: Module, x: Array) -> Array:
    y = model(x)
    return np.log(np.maximum(y, 1e-30)) if model.output_kind == "probabilities" else y


def logits_of(model: Module, images: Array, batch: int = 1024) -> Array:
    """(n, classes) logits of all images; logarithms of the outputs of a network that ends in Softmax."""
    return np.concatenate([_logits(model, images[k : k + batch]) for k in range(0, len(images), batch)])

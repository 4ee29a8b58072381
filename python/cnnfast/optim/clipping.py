"""Gradient clipping by total norm or by value, with PyTorch's arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from .. import _core
from .._checks import check_number, ieee_arithmetic, refuse_masked, type_of
from .._types import FLOATS, Array

Gradients = Array | Mapping[str, Array] | Sequence[Array]

_INFINITY = float("inf")


@ieee_arithmetic
def clip_grad_norm_(grads: Gradients, max_norm: float) -> float:
    """Scale gradients in place so that their total Euclidean norm is at most `max_norm`.

    grads = grads * min(1, max_norm / (norm + 1e-6)). The direction does not change. The squares are summed
    in float64 in a fixed order, so that the result does not depend on the number of threads.

    Args:
        grads: The flat block of all gradients; or several arrays, in a list or a dict, as from
            `model.gradients()`. float32 or float64, contiguous, writeable.
        max_norm: Above 0.

    Returns:
        The norm before clipping. If it is not finite, the gradients are not either.

    Raises:
        TypeError, ValueError: Arrays that cannot be scaled in place, or another `max_norm`.

    Source: Pascanu, Mikolov and Bengio 2012, arXiv:1211.5063.

    Example:
        >>> grads = {"0.weight": np.array([3.0]), "0.bias": np.array([4.0])}
        >>> clip_grad_norm_(grads, 1.0)
        5.0
        >>> grads["0.weight"].round(4)
        array([0.6])
    """
    arrays = _arrays("clip_grad_norm_", grads)
    max_norm = _positive("clip_grad_norm_", "max_norm", max_norm)
    norm = math.sqrt(sum(_core.squared_norm(array) for array in arrays))
    share = max_norm / (norm + 1e-6)
    if not share >= 1:
        for array in arrays:
            array *= share
    return norm


@ieee_arithmetic
def clip_grad_value_(grads: Gradients, clip_value: float) -> None:
    """Clamp each gradient entry in place to [-clip_value, clip_value]; NaN stays NaN.

    Args:
        grads: As in `clip_grad_norm_`.
        clip_value: Above 0.

    Raises:
        TypeError, ValueError: Arrays that cannot be changed in place, or another `clip_value`.

    Example:
        >>> grads = np.array([0.5, -3.0])
        >>> clip_grad_value_(grads, 1.0)
        >>> grads
        array([ 0.5, -1. ])
    """
    arrays = _arrays("clip_grad_value_", grads)
    clip_value = _positive("clip_grad_value_", "clip_value", clip_value)
    for array in arrays:
        np.clip(array, -clip_value, clip_value, out=array)


def clipping(
    who: str, clip_norm: float | None, clip_value: float | None
) -> Callable[[Gradients], object] | None:
    """The clipping function of a `Trainer`; None without clipping."""
    if clip_norm is not None and clip_value is not None:
        raise ValueError(f"{who}: accepts clip_norm or clip_value, not both")
    if clip_norm is not None:
        return partial(clip_grad_norm_, max_norm=_positive(who, "clip_norm", clip_norm))
    if clip_value is not None:
        return partial(clip_grad_value_, clip_value=_positive(who, "clip_value", clip_value))
    return None


def _positive(who: str, name: str, value: object) -> float:
    """A finite number above 0."""
    number = check_number(who, name, value, 0, _INFINITY)
    if number == 0:
        raise ValueError(f"{who}: {name} must be above 0, got {value!r}")
    return number


def _arrays(who: str, grads: Gradients) -> list[Array]:
    """All gradients, checked before any is changed."""
    named: list[tuple[str, Array]]
    if isinstance(grads, np.ndarray):
        named = [("grads", grads)]
    elif isinstance(grads, Mapping):
        named = [(f"grads[{name!r}]", array) for name, array in grads.items()]
    elif isinstance(grads, list | tuple):
        named = [(f"grads[{i}]", array) for i, array in enumerate(grads)]
    else:
        raise TypeError(f"{who}: grads must be an array, a dict or a list of arrays, got {type_of(grads)}")
    for name, array in named:
        refuse_masked(who, name, array)
        if not isinstance(array, np.ndarray) or array.dtype not in FLOATS:
            raise TypeError(f"{who}: {name} must be a float32 or float64 array, got {type_of(array)}")
        if not array.flags.c_contiguous or not array.flags.writeable:
            raise ValueError(f"{who}: {name} must be contiguous and writable, to be changed in place")
    return [array for _, array in named]

"""Squared distances from centers."""

from __future__ import annotations

from .. import _core
from .._types import Array
from ._run import backward, check_floats, check_rank, forward


def rbf(x: Array, weight: Array, *, scale: float = 1.0, isa: str | None = None) -> Array:
    """scale times the squared distance of each row of x from each row of weight; see `nn.RBF`.

    Args:
        x: (n, in_features).
        weight: (out_features, in_features).
        scale: A factor of the outputs.
    """
    return forward("rbf", _rbf("rbf", x, weight, scale), x, [weight], isa)


def rbf_backward(
    dy: Array, x: Array, weight: Array, *, scale: float = 1.0, isa: str | None = None
) -> tuple[Array, Array]:
    """(dx, dweight) of `rbf`."""
    check_floats("rbf_backward", x=x, dy=dy)
    dx, grads = backward("rbf_backward", _rbf("rbf_backward", x, weight, scale), dy, x, [weight], isa)
    return dx, grads[0]


def _rbf(who: str, x: Array, weight: Array, scale: float) -> _core.Op:
    check_floats(who, x=x, weight=weight)
    check_rank(who, "weight", weight, ("out_features", "in_features"))
    return _core.RBF(weight.shape[1], weight.shape[0], scale)

"""ReLU with learned slopes."""

from __future__ import annotations

from .. import _core
from .._types import Array
from ._run import backward, check_floats, check_rank, forward


def prelu(x: Array, weight: Array, *, isa: str | None = None) -> Array:
    """x above 0, weight * x elsewhere; see `nn.PReLU`.

    Args:
        x: (n, c, ...).
        weight: (c,), or (1,) for all channels.
    """
    return forward("prelu", _prelu("prelu", x, weight), x, [weight], isa)


def prelu_backward(dy: Array, x: Array, weight: Array, *, isa: str | None = None) -> tuple[Array, Array]:
    """(dx, dweight) of `prelu`."""
    check_floats("prelu_backward", x=x, dy=dy)
    op = _prelu("prelu_backward", x, weight)
    dx, grads = backward("prelu_backward", op, dy, x, [weight], isa)
    return dx, grads[0]


def _prelu(who: str, x: Array, weight: Array) -> _core.Op:
    check_floats(who, x=x, weight=weight)
    check_rank(who, "weight", weight, ("c",))
    return _core.PReLU(len(weight))

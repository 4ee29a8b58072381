"""Matrix products."""

from __future__ import annotations

from .. import _core
from .._types import Array
from ._run import backward, check_floats, check_rank, check_shape, forward


def linear(x: Array, weight: Array, bias: Array | None = None, *, isa: str | None = None) -> Array:
    """x @ weight.T + bias; see `nn.Linear`.

    Args:
        x: (n, in_features).
        weight: (out_features, in_features).
        bias: (out_features,), or None.
    """
    check_floats("linear", {"bias": bias}, x=x, weight=weight)
    op = _linear("linear", weight, bias is not None)
    if bias is None:
        return forward("linear", op, x, [weight], isa)
    check_shape("linear", "bias", bias, weight.shape[:1], "one for each output")
    return forward("linear", op, x, [weight, bias], isa)


def linear_backward(
    dy: Array, x: Array, weight: Array, *, bias: bool = True, isa: str | None = None
) -> tuple[Array, Array, Array | None]:
    """(dx, dweight, dbias) of `linear`; dbias is None without `bias`."""
    check_floats("linear_backward", x=x, weight=weight, dy=dy)
    op = _linear("linear_backward", weight, bias)
    dx, grads = backward("linear_backward", op, dy, x, [weight], isa)
    return dx, grads[0], grads[1] if bias else None


def _linear(who: str, weight: Array, bias: bool) -> _core.Op:
    check_rank(who, "weight", weight, ("out_features", "in_features"))
    return _core.Linear(weight.shape[1], weight.shape[0], bias)

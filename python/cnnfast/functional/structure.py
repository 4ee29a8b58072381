"""What rearranges or joins values."""

from __future__ import annotations

from .. import _core
from ..border import Array
from ..one_op import backward, check_floats, check_shape, forward


def flatten(x: Array, *, isa: str | None = None) -> Array:
    """(n, c, h, w) as (n, c * h * w)."""
    check_floats("flatten", x=x)
    return forward("flatten", _core.Flatten(), x, isa=isa)


def flatten_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `flatten`: dy in the shape of x."""
    check_floats("flatten_backward", x=x, dy=dy)
    return backward("flatten_backward", _core.Flatten(), dy, x, isa=isa)[0]


def add(a: Array, b: Array) -> Array:
    """a + b of one shape, the join of `nn.Residual`; nothing is broadcast."""
    check_floats("add", a=a, b=b)
    check_shape("add", "b", b, a.shape, "that of a")
    return a + b


def add_backward(dy: Array) -> tuple[Array, Array]:
    """(da, db) of `add`: dy, twice."""
    check_floats("add_backward", dy=dy)
    return dy.copy(), dy.copy()

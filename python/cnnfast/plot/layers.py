"""The layers of a model by name, for plots of one of them."""

from __future__ import annotations

from typing import Any

from .._checks import type_of
from .._names import did_you_mean
from .._types import Array


def check_model(who: str, model: Any) -> None:
    """Raises TypeError for what is not a module. A module has this method; its class may import this file."""
    if not callable(getattr(model, "operations", None)):
        raise TypeError(f"{who}: model must be a Module, got {type_of(model)}")


def operations(model: Any) -> dict[str, str]:
    """Kind of each operation by its name, as in the summary."""
    return {operation.name: operation.op.name for operation in model.operations()}


def check_name(who: str, name: object, known: dict[str, str], what: str = "layer") -> str:
    """The name, if it is one of a model's layers."""
    if not isinstance(name, str):
        raise TypeError(f"{who}: {what} must be the name of a layer, got {type_of(name)}")
    if name not in known:
        hint = did_you_mean(name, known)
        raise ValueError(f"{who}: the model has no layer {name!r}; there are {_list(known)}{hint}")
    return name


def convolution(who: str, model: Any, name: str | None) -> tuple[str, str]:
    """Name and kind of a convolution, the first one if the name is None."""
    known = operations(model)
    having = {layer: kind for layer, kind in known.items() if kind.startswith("Conv")}
    if name is None:
        if not having:
            raise ValueError(f"{who}: the model has no convolution, so no kernels")
        return next(iter(having.items()))
    check_name(who, name, known)
    if name not in having:
        others = f"; {_list(having)} have" if having else ""
        raise ValueError(f"{who}: the layer {name!r} is a {known[name]} and has no kernels{others}")
    return name, having[name]


def weight_of(model: Any, name: str) -> Array:
    """A copy of a layer's weights."""
    weight: Array = model.state_dict()[f"{name}.weight" if name else "weight"]
    return weight


def _list(names: dict[str, str], most: int = 12) -> str:
    shown = [repr(name) for name in names][:most]
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "")

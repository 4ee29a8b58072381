"""Settings of a `PythonLayer`: the arguments of its constructor, which are its attributes of these names."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from .._checks import check_integer, type_of
from .._names import did_you_mean
from .._types import Shape


def arguments(cls: type, base: type) -> dict[str, inspect.Parameter]:
    """Those of the constructor of a class derived from `base`, without the seed."""
    if cls.__init__ is base.__init__:  # type: ignore[misc]
        return {}
    signature = inspect.signature(cls.__init__)  # type: ignore[misc]
    return {name: p for name, p in signature.parameters.items() if name not in ("self", "seed")}


def settings_of(layer: object, known: Mapping[str, inspect.Parameter]) -> dict[str, Any]:
    """The attributes that are arguments; TypeError if some are missing or no plain data."""
    who, found = type(layer).__name__, {}
    for name, argument in known.items():
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            raise TypeError(f"{who}: __init__ must name its arguments for files and pickles, it has *{name}")
        if name not in vars(layer):
            raise TypeError(
                f"{who}: the argument {name!r} of __init__ is no attribute; write self.{name} = {name} in "
                "__init__, so that files and pickles have it"
            )
        value = vars(layer)[name]
        if not _is_plain(value):
            raise TypeError(
                f"{who}: the setting {name!r} must be plain data (numbers, strings, lists, dicts), got "
                f"{type_of(value)}"
            )
        found[name] = value
    return found


def parameter_shape(cls: type, name: object, shape: object) -> Shape:
    """The shape of a parameter, whose name must be free."""
    if not isinstance(name, str) or not name.isidentifier() or name.startswith("_") or hasattr(cls, name):
        why = (
            "; the class has an attribute of that name"
            if isinstance(name, str) and hasattr(cls, name)
            else ""
        )
        raise ValueError(f"{cls.__name__}: {name!r} cannot be the name of a parameter{why}")
    if not isinstance(shape, tuple | list):
        raise TypeError(f"{cls.__name__}: the shape of {name} must be a tuple such as (8, 3), got {shape!r}")
    return tuple(check_integer(cls.__name__, f"the shape of {name}", extent, 1) for extent in shape)


def check_settings(who: str, settings: Mapping[str, Any], known: Mapping[str, inspect.Parameter]) -> None:
    """Raises ValueError for a setting that is unknown or missing."""
    for name in settings:
        if name not in known:
            raise ValueError(
                f"{who}: has no setting {name!r}; it takes {', '.join(known) or 'none'}"
                f"{did_you_mean(name, known)}"
            )
    for name, argument in known.items():
        if argument.default is argument.empty and name not in settings:
            raise ValueError(f"{who}: the setting {name!r} is missing")


def _is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str)

"""`Setting`: descriptor for an optimizer's attribute, validated whenever it is set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._checks import check_number
from .._names import did_you_mean

if TYPE_CHECKING:
    from .optimizer import Optimizer

INFINITY = float("inf")


class Setting:
    """A finite number in [low, high], or [low, high) with `below`."""

    def __init__(self, low: float = 0.0, high: float = INFINITY, *, below: bool = False) -> None:
        self._low, self._high, self._below = low, high, below

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, optimizer: Optimizer | None, owner: type | None = None) -> Any:
        return self if optimizer is None else optimizer.settings[self._name]

    def __set__(self, optimizer: Optimizer, value: Any) -> None:
        optimizer.change({self._name: value})

    def checked(self, who: str, value: object) -> Any:
        return check_number(who, self._name, value, self._low, self._high, below=self._below)


class Flag(Setting):
    """True or False."""

    def checked(self, who: str, value: object) -> bool:
        if not isinstance(value, bool):
            raise TypeError(f"{who}: {self._name} must be True or False, got {value!r}")
        return value


class Pair(Setting):
    """A pair of such numbers."""

    def checked(self, who: str, value: object) -> tuple[float, float]:
        if not isinstance(value, tuple | list) or len(value) != 2:
            raise TypeError(f"{who}: {self._name} must be a pair of numbers, got {value!r}")
        first, second = (super(Pair, self).checked(who, item) for item in value)
        return first, second


def checked_settings(who: str, kind: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of an optimizer class, in the order of its constructor, as the engine takes them."""
    known: dict[str, Setting] = {}
    for base in reversed(kind.__mro__):
        known |= {name: thing for name, thing in vars(base).items() if isinstance(thing, Setting)}
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ValueError(f"{who}: there is no setting {name!r}; there are {', '.join(known)}{hint}")
    for name in known:
        if name not in given:
            raise ValueError(f"{who}: the setting {name!r} is missing")
    return {name: setting.checked(who, given[name]) for name, setting in known.items()}

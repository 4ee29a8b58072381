"""The schedules that `fit` and the command line accept by name."""

from __future__ import annotations

from ..._checks import type_of
from ..._names import did_you_mean, find
from .cosine import CosineAnnealingLR, OneCycleLR
from .plateau import ReduceLROnPlateau
from .schedule import Schedule

_NAMED: dict[str, Schedule | None] = {
    "constant": None,
    "cosine": CosineAnnealingLR(by="step"),
    "one-cycle": OneCycleLR(),
    "plateau": ReduceLROnPlateau(patience=2),
}


def names() -> list[str]:
    """The names.

    Example:
        >>> names()
        ['constant', 'cosine', 'one-cycle', 'plateau']
    """
    return list(_NAMED)


def schedule_of(who: str, value: object) -> Schedule | None:
    """The schedule for a name, or the given schedule; None for a constant rate.

    Raises:
        TypeError, ValueError: Neither, or an unknown name.

    Example:
        >>> schedule_of("fit", "cosine")
        CosineAnnealingLR(T_max=None, eta_min=0.0, by='step')
    """
    if isinstance(value, Schedule):
        return value
    *first, last = (f'"{name}"' for name in _NAMED)
    wanted = f"{who}: schedule must be {', '.join(first)} or {last}, or one of optim.lr_scheduler"
    if isinstance(value, type):
        raise TypeError(f"{wanted}, got the class {value.__name__}; write {value.__name__}(...)")
    if not isinstance(value, str):
        raise TypeError(f"{wanted}, got {type_of(value)}")
    found = find(value, _NAMED)
    if found is None:
        raise ValueError(f"{wanted}, got {value!r}{did_you_mean(value, _NAMED)}")
    return _NAMED[found]

"""`Schedule`: what all schedules are. Frozen settings, and a formula for the rate of each step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from itertools import pairwise
from typing import Any, ClassVar, Literal

from ..._checks import check_integer, check_number, type_of
from ..._names import did_you_mean

Unit = Literal["epoch", "step"]
Metric = Literal["loss", "accuracy"]

_TYPES: dict[str, type[Schedule]] = {}
_INFINITY = float("inf")


class Schedule(ABC):
    """A learning rate for every moment of a training; a frozen dataclass of its settings."""

    #: What is counted, where a schedule counts one thing only.
    by: Any
    #: The validation figure it needs after each epoch, if it does.
    watches: Metric | None = None

    def __init_subclass__(cls, *, registered: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if registered:
            _TYPES[cls.__name__] = cls

    @abstractmethod
    def lr(self, base: float, *, step: int = 0, epoch: int = 0) -> float:
        """The rate of the step before which `step` steps and `epoch` epochs have been made.

        Args:
            base: The rate that the optimizer (or one of its groups) was given.

        Raises:
            ValueError: The length of the training is missing; see `planned`.
        """

    def planned(self, *, steps: int | None = None, epochs: int | None = None) -> Schedule:
        """The schedule for a training of this length: a length that was left open is filled in."""
        return self

    def given(self, metrics: Sequence[float]) -> Schedule:
        """The schedule as it is after epochs that ended with these figures of what it `watches`."""
        return self

    def to_config(self) -> dict[str, Any]:
        """Name and settings as plain data, which `from_config` takes."""
        settings = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]
        return {"type": type(self).__name__, **settings}

    # ---------------------------------------------------------------- checks of settings

    def _real(self, name: str, low: float = 0.0, high: float = _INFINITY, *, below: bool = False) -> None:
        who, value = type(self).__name__, getattr(self, name)
        object.__setattr__(self, name, check_number(who, name, value, low, high, below=below))

    def _whole(self, name: str, minimum: int) -> None:
        value = check_integer(type(self).__name__, name, getattr(self, name), minimum)
        object.__setattr__(self, name, value)

    def _one_of(self, name: str, *known: str) -> None:
        value = getattr(self, name)
        if value not in known:
            wanted = " or ".join(f'"{word}"' for word in known)
            raise ValueError(f"{type(self).__name__}: {name} must be {wanted}, got {value!r}")

    def _rising(self, name: str, strictly: bool) -> None:
        """A list of integers above 0 that rise."""
        who, value = type(self).__name__, getattr(self, name)
        if not isinstance(value, tuple | list):
            raise TypeError(f"{who}: {name} must be a list of integers, got {type_of(value)} {value!r}")
        counts = tuple(check_integer(who, name, count, 1) for count in value)
        for before, after in pairwise(counts):
            if after < before or (strictly and after == before):
                raise ValueError(f"{who}: {name} must rise, got {list(counts)}")
        object.__setattr__(self, name, counts)


@dataclass(frozen=True)
class Curve(Schedule, registered=False):
    """A schedule that counts one thing, and may have its length left open."""

    #: Name of the setting that None leaves open.
    _length: ClassVar[str | None] = None

    @abstractmethod
    def _at(self, base: float, t: int) -> float: ...

    def lr(self, base: float, *, step: int = 0, epoch: int = 0) -> float:
        if self._length is not None and getattr(self, self._length) is None:
            raise ValueError(
                f"{type(self).__name__}: {self._length} is open; give it, or tell the Scheduler the epochs"
                + (" and steps_per_epoch" if self.by == "step" else "")
            )
        return self._at(base, step if self.by == "step" else epoch)

    def planned(self, *, steps: int | None = None, epochs: int | None = None) -> Schedule:
        length = steps if self.by == "step" else epochs
        if self._length is None or length is None or getattr(self, self._length) is not None:
            return self
        return replace(self, **{self._length: length})

    def _check_unit(self) -> None:
        self._one_of("by", "epoch", "step")


def from_config(config: Mapping[str, Any]) -> Schedule:
    """The schedule that `Schedule.to_config` described.

    Raises:
        TypeError, ValueError: An unknown type, an unknown setting, or one that is out of range.

    Example:
        >>> from cnnfast.optim import lr_scheduler
        >>> lr_scheduler.from_config({"type": "StepLR", "step_size": 30})
        StepLR(step_size=30, gamma=0.1, by='epoch')
    """
    if not isinstance(config, Mapping):
        raise TypeError(f"from_config: a schedule must be described by a dict, got {type_of(config)}")
    kind = config.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        kinds = ", ".join(sorted(_TYPES))
        hint = did_you_mean(kind, _TYPES)
        raise ValueError(f"from_config: unknown schedule {kind!r}; known are {kinds}{hint}")
    known = [field.name for field in fields(_TYPES[kind])]  # type: ignore[arg-type]
    for name in config:
        if name != "type" and name not in known:
            hint = did_you_mean(name, known)
            raise ValueError(f"{kind}: has no setting {name!r}; it takes {', '.join(known)}{hint}")
    for field in fields(_TYPES[kind]):  # type: ignore[arg-type]
        if field.default is MISSING and field.name not in config:
            raise ValueError(f"{kind}: the setting {field.name!r} is missing")
    settings = {name: _read(value) for name, value in config.items() if name != "type"}
    return _TYPES[kind](**settings)


def _plain(value: Any) -> Any:
    if isinstance(value, Schedule):
        return value.to_config()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _read(value: Any) -> Any:
    if isinstance(value, Mapping):
        return from_config(value)
    return tuple(_read(item) for item in value) if isinstance(value, list) else value

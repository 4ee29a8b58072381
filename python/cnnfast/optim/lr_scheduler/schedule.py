"""`Schedule`: base class of all schedules, with settings and a formula for the learning rate of each step."""

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
    """The learning rate as a function of completed steps and epochs; a frozen dataclass of its settings."""

    #: "step" or "epoch", if the schedule counts only one of them.
    by: Any
    #: The validation metric it needs after each epoch, if any.
    watches: Metric | None = None

    def __init_subclass__(cls, *, registered: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if registered:
            _TYPES[cls.__name__] = cls

    @abstractmethod
    def lr(self, base: float, *, step: int = 0, epoch: int = 0) -> float:
        """The learning rate of the next step after `step` steps and `epoch` epochs.

        Args:
            base: The learning rate of the optimizer (or of one of its groups).

        Raises:
            ValueError: The length of the training is unknown; see `planned`.
        """

    def planned(self, *, steps: int | None = None, epochs: int | None = None) -> Schedule:
        """The schedule for a training of this length, which replaces a length of None."""
        return self

    def given(self, metrics: Sequence[float]) -> Schedule:
        """The schedule after epochs with these values of the metric it `watches`."""
        return self

    def to_config(self) -> dict[str, Any]:
        """Name and settings as a dict for JSON, which `from_config` accepts."""
        settings = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]
        return {"type": type(self).__name__, **settings}

    # ---------------------------------------------------------------- checks of settings

    def _check_number(
        self, name: str, low: float = 0.0, high: float = _INFINITY, *, below: bool = False
    ) -> None:
        who, value = type(self).__name__, getattr(self, name)
        object.__setattr__(self, name, check_number(who, name, value, low, high, below=below))

    def _check_integer(self, name: str, minimum: int) -> None:
        value = check_integer(type(self).__name__, name, getattr(self, name), minimum)
        object.__setattr__(self, name, value)

    def _check_choice(self, name: str, *known: str) -> None:
        value = getattr(self, name)
        if value not in known:
            wanted = " or ".join(f'"{word}"' for word in known)
            raise ValueError(f"{type(self).__name__}: {name} must be {wanted}, got {value!r}")

    def _check_increasing(self, name: str, strictly: bool) -> None:
        """Checks for an increasing list of integers above 0."""
        who, value = type(self).__name__, getattr(self, name)
        if not isinstance(value, tuple | list):
            raise TypeError(f"{who}: {name} must be a list of integers, got {type_of(value)} {value!r}")
        counts = tuple(check_integer(who, name, count, 1) for count in value)
        for before, after in pairwise(counts):
            if after < before or (strictly and after == before):
                raise ValueError(f"{who}: {name} must increase, got {list(counts)}")
        object.__setattr__(self, name, counts)


@dataclass(frozen=True)
class Curve(Schedule, registered=False):
    """A schedule that counts steps or epochs, and whose length may be None."""

    #: Name of the setting for the length.
    _length: ClassVar[str | None] = None

    @abstractmethod
    def _at(self, base: float, t: int) -> float: ...

    def lr(self, base: float, *, step: int = 0, epoch: int = 0) -> float:
        if self._length is not None and getattr(self, self._length) is None:
            raise ValueError(
                f"{type(self).__name__}: {self._length} is unknown; set it, or give the Scheduler the epochs"
                + (" and steps_per_epoch" if self.by == "step" else "")
            )
        return self._at(base, step if self.by == "step" else epoch)

    def planned(self, *, steps: int | None = None, epochs: int | None = None) -> Schedule:
        length = steps if self.by == "step" else epochs
        if self._length is None or length is None or getattr(self, self._length) is not None:
            return self
        return replace(self, **{self._length: length})

    def _check_unit(self) -> None:
        self._check_choice("by", "epoch", "step")


def from_config(config: Mapping[str, Any]) -> Schedule:
    """The schedule from the result of `Schedule.to_config`.

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

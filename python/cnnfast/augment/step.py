"""`Step`: one random change of an image, and the checks of its settings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from .._checks import check_number, type_of
from .._types import Shape

#: A step's name in the engine and its numbers.
EngineStep = tuple[str, list[float]]

Range = tuple[float, float]


class Step(ABC):
    """A random change of uint8 images in training. Steps are plain settings: frozen dataclasses that can be
    compared, copied and printed. All of them have `p`, the probability that the step is applied to an image.
    """

    p: float

    def __post_init__(self) -> None:
        """Check `p`, `fill` and the settings of the step."""
        check_probability(self)
        if hasattr(self, "fill"):
            set_field(self, "fill", check_number(type(self).__name__, "fill", self.fill, 0, 255))
        self.check_settings(type(self).__name__)

    def check_settings(self, who: str) -> None:  # noqa: B027 (a step may have only p)
        """Check the settings that other steps do not have.

        Raises:
            TypeError, ValueError: One is no number or out of range.
        """

    @abstractmethod
    def engine(self) -> EngineStep:
        """The step as the engine takes it."""

    def check_image(self, who: str, shape: Shape) -> None:  # noqa: B027 (most steps fit every image)
        """Check that the step can be applied to images (c, h, w).

        Raises:
            ValueError: It cannot.
        """


def set_field(step: object, name: str, value: Any) -> None:
    """Set a field of a frozen dataclass in `__post_init__`."""
    object.__setattr__(step, name, value)


def check_probability(step: Any) -> None:
    set_field(step, "p", check_number(type(step).__name__, "p", step.p, 0, 1))


def check_range(who: str, name: str, value: object, low: float, high: float) -> Range:
    """(lower, upper), both in [low, high]."""
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise TypeError(f"{who}: {name} must be a pair (lower, upper), got {_shown(value)}")
    first, last = (check_number(who, name, v, low, high) for v in value)
    if first > last:
        raise ValueError(f"{who}: {name} must be a pair (lower, upper), the lower first, got {value!r}")
    return first, last


def symmetric_range(who: str, name: str, value: object, limit: float) -> Range:
    """A number v as (-v, v), or a pair (lower, upper), within [-limit, limit]."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return check_range(who, name, value, -limit, limit)
    number = check_number(who, name, value, 0, limit)
    return -number, number


def factor_range(who: str, name: str, value: object) -> Range:
    """A number v as (max(0, 1 - v), 1 + v), or a pair (lower, upper), as in torchvision's ColorJitter."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return check_range(who, name, value, 0, 1000)
    number = check_number(who, name, value, 0, 1000)
    return max(0.0, 1 - number), 1 + number


def _shown(value: object) -> str:
    return f"{type_of(value)} {value!r}"

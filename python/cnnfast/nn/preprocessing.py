"""`Preprocessing`: normalization of uint8 pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .._checks import check_number
from .._types import Shape

PerChannel = float | tuple[float, ...]


@dataclass(frozen=True)
class Preprocessing:
    """uint8 input x becomes (x / 255 - mean) / std, inside the engine; float input is not changed.

    Args:
        mean: One number, or one for each input channel, on the scale 0 to 1.
        std: Standard deviation, likewise; larger than 0.

    Raises:
        TypeError: Not a number.
        ValueError: A number that is not finite, or a standard deviation that is not positive.

    Example:
        >>> Preprocessing(mean=0.1307, std=0.3081)
        Preprocessing(mean=0.1307, std=0.3081)
    """

    mean: PerChannel = 0.0
    std: PerChannel = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", _per_channel("mean", self.mean))
        object.__setattr__(self, "std", _per_channel("std", self.std))
        for value in self.std if isinstance(self.std, tuple) else (self.std,):
            if value <= 0:
                raise ValueError(f"Preprocessing: std must be larger than 0, got {self.std}")

    def affine(self, input_shape: Shape) -> tuple[list[float], list[float]]:
        """scale and shift of each channel, so that x * scale + shift is the normalized pixel.

        For inputs that are not (c, h, w) both lists are empty.
        """
        if len(input_shape) != 3:
            return [], []
        mean, std = (self._spread(name, input_shape[0]) for name in ("mean", "std"))
        return [1 / (255 * s) for s in std], [-m / s for m, s in zip(mean, std, strict=True)]

    def _spread(self, name: str, channels: int) -> tuple[float, ...]:
        value: PerChannel = getattr(self, name)
        if not isinstance(value, tuple):
            return (value,) * channels
        if len(value) != channels:
            raise ValueError(
                f"Preprocessing: {name} has {len(value)} values but the input has {channels} channels"
            )
        return value

    def to_config(self) -> dict[str, Any]:
        """The settings as plain data."""
        return {
            name: list(v) if isinstance(v := getattr(self, name), tuple) else v for name in ("mean", "std")
        }


def _per_channel(name: str, value: object) -> PerChannel:
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 0:
        return tuple(_real(name, v) for v in value)
    return _real(name, value)


def _real(name: str, value: object) -> float:
    return check_number("Preprocessing", name, value, float("-inf"), float("inf"))

"""Steps that change the values of pixels."""

from __future__ import annotations

from dataclasses import dataclass

from .._checks import check_integer, check_number
from .step import (
    EngineStep,
    Range,
    Step,
    check_range,
    factor_range,
    set_field,
    symmetric_range,
)


@dataclass(frozen=True)
class Erasing(Step):
    """Sets a rectangle at a random place to one value (Zhong et al. 2017, arXiv:1708.04896; torchvision's
    RandomErasing). A side longer than the image's is shortened, instead of drawn again.

    Args:
        p: Probability that the step is applied.
        scale: Area as a fraction of the image's, a pair (lower, upper).
        ratio: Height divided by width, a pair; drawn logarithmically.
        value: 0 to 255.
    """

    p: float = 0.5
    scale: Range = (0.02, 0.33)
    ratio: Range = (0.3, 3.3)
    value: float = 0.0

    def check_settings(self, who: str) -> None:
        set_field(self, "scale", check_range(who, "scale", self.scale, 0, 1))
        set_field(self, "ratio", check_range(who, "ratio", self.ratio, 0.001, 1000))
        set_field(self, "value", check_number(who, "value", self.value, 0, 255))

    def engine(self) -> EngineStep:
        return "erase", [self.p, *self.scale, *self.ratio, self.value]


@dataclass(frozen=True)
class GaussianNoise(Step):
    """Adds normal noise to every value, and clips to the range of bytes (torchvision's GaussianNoise).

    A normal number is made of twelve uniform ones, so none is beyond six standard deviations.

    Args:
        sigma: Standard deviation as a fraction of the range of values (0 to 255).
        p: Probability that the step is applied.
    """

    sigma: float = 0.1
    p: float = 1.0

    def check_settings(self, who: str) -> None:
        set_field(self, "sigma", check_number(who, "sigma", self.sigma, 0, 10))

    def engine(self) -> EngineStep:
        return "noise", [self.p, 255 * self.sigma]


@dataclass(frozen=True)
class PixelFlip(Step):
    """Inverts single pixels, in all channels: v becomes 255 - v.

    Args:
        count: Number of pixels, drawn with replacement.
        p: Probability that the step is applied.
    """

    count: int = 5
    p: float = 1.0

    def check_settings(self, who: str) -> None:
        set_field(self, "count", check_integer(who, "count", self.count, 0))
        check_number(who, "count", self.count, 0, 1_000_000)

    def engine(self) -> EngineStep:
        return "pixel_flip", [self.p, float(self.count)]


@dataclass(frozen=True)
class ColorJitter(Step):
    """Multiplies all values by a random factor, then their distances from the image's mean by another
    (torchvision's ColorJitter with brightness and contrast, in this order). Clips to the range of bytes.

    Args:
        brightness: b for a factor from max(0, 1 - b) to 1 + b; or a pair (lower, upper).
        contrast: Likewise.
        p: Probability that the step is applied.
    """

    brightness: float | Range = 0.0
    contrast: float | Range = 0.0
    p: float = 1.0

    def check_settings(self, who: str) -> None:
        self.engine()

    def engine(self) -> EngineStep:
        who = type(self).__name__
        brightness = factor_range(who, "brightness", self.brightness)
        contrast = factor_range(who, "contrast", self.contrast)
        return "jitter", [self.p, *brightness, *contrast]


@dataclass(frozen=True)
class StrokeThickness(Step):
    """Makes light strokes on a dark background thicker or thinner: grayscale dilation or erosion with a cross
    of five pixels.

    Args:
        pixels: Change on each side of a stroke: t for (-t, t), or a pair (lower, upper); negative is thinner.
            A fraction blends two images. At most 16.
        p: Probability that the step is applied.
    """

    pixels: float | Range = 0.5
    p: float = 1.0

    def check_settings(self, who: str) -> None:
        self.engine()

    def engine(self) -> EngineStep:
        pixels = symmetric_range(type(self).__name__, "pixels", self.pixels, 16)
        return "thickness", [self.p, *pixels]

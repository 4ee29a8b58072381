"""Geometric steps: they move pixels. Consecutive ones are composed, and the image is resampled once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .._checks import check_integer, check_number
from .._types import Shape
from .step import (
    EngineStep,
    Range,
    Step,
    check_range,
    set_field,
    symmetric_range,
)


@dataclass(frozen=True)
class Affine(Step):
    """Rotation, scale and shear about the center, then a shift (torchvision's RandomAffine, bilinear).

    Args:
        degrees: Angle of the rotation: d for (-d, d), or a pair; positive is clockwise.
        translate: Largest shift as a fraction of the size, in both directions; or a pair (x, y). Unlike
            torchvision's it is not rounded to pixels.
        scale: A pair (lower, upper).
        shear: Angle of the shear along x: s for (-s, s); a pair (lower, upper); or four numbers, of which the
            last two are for y.
        fill: Value outside the image, 0 to 255.
        p: Probability that the step is applied.

    Raises:
        TypeError, ValueError: A setting is no number or out of range.

    Example:
        >>> Affine(degrees=10, translate=0.1)
        Affine(degrees=10, translate=0.1, scale=(1.0, 1.0), shear=0.0, fill=0.0, p=1.0)
    """

    degrees: float | Range = 0.0
    translate: float | Range = 0.0
    scale: Range = (1.0, 1.0)
    shear: float | tuple[float, ...] = 0.0
    fill: float = 0.0
    p: float = 1.0

    def check_settings(self, who: str) -> None:
        self.engine()

    def engine(self) -> EngineStep:
        who = type(self).__name__
        degrees = symmetric_range(who, "degrees", self.degrees, 360)
        scale = check_range(who, "scale", self.scale, 0.01, 100)
        shear, shear_y = self.shear, (0.0, 0.0)
        if isinstance(shear, Sequence) and len(shear) == 4:
            shear, shear_y = shear[:2], check_range(who, "shear", shear[2:], -80, 80)
        shear_x = symmetric_range(who, "shear", shear, 80)
        shift = self.translate
        pair = shift if isinstance(shift, Sequence) and len(shift) == 2 else (shift, shift)
        x, y = (check_number(who, "translate", v, 0, 1) for v in pair)
        return "affine", [self.p, *degrees, *scale, *shear_x, *shear_y, x, y, self.fill]


@dataclass(frozen=True)
class Perspective(Step):
    """Perspective: each corner moves inward (torchvision's RandomPerspective, bilinear).

    Args:
        distortion_scale: Largest distance as a fraction of half the size, 0 to 1.
        fill: Value outside the image, 0 to 255.
        p: Probability that the step is applied.
    """

    distortion_scale: float = 0.5
    fill: float = 0.0
    p: float = 0.5

    def check_settings(self, who: str) -> None:
        set_field(
            self, "distortion_scale", check_number(who, "distortion_scale", self.distortion_scale, 0, 1)
        )

    def engine(self) -> EngineStep:
        return "perspective", [self.p, self.distortion_scale, self.fill]


@dataclass(frozen=True)
class ElasticTransform(Step):
    """Smooth random displacements, as of handwriting (Simard, Steinkraus & Platt 2003, "Best Practices for
    Convolutional Neural Networks Applied to Visual Document Analysis").

    Displacements are a cubic B-spline with random coefficients, whose kernel has the standard deviation
    `sigma`. torchvision's ElasticTransform filters noise by a Gaussian of this sigma; both are equally smooth
    and large.

    Args:
        alpha: Strength; the standard deviation of the displacements is 0.16 alpha / sigma pixels.
        sigma: Smoothness in pixels, at least 1.
        fill: Value outside the image, 0 to 255.
        p: Probability that the step is applied.
    """

    alpha: float = 50.0
    sigma: float = 5.0
    fill: float = 0.0
    p: float = 1.0

    def check_settings(self, who: str) -> None:
        set_field(self, "alpha", check_number(who, "alpha", self.alpha, 0, 1e6))
        set_field(self, "sigma", check_number(who, "sigma", self.sigma, 1, 1e6))

    def engine(self) -> EngineStep:
        return "elastic", [self.p, self.alpha, self.sigma, self.fill]


@dataclass(frozen=True)
class HorizontalFlip(Step):
    """Mirrors the image left to right (torchvision's RandomHorizontalFlip).

    Args:
        p: Probability that an image is mirrored.
        alternating: Mirror each image in every other epoch, beginning at random, instead of at random in each
            epoch: in two epochs a network sees both forms of every image (Jordan 2024, arXiv:2404.00498,
            section 3.6). `p` is not used then.
    """

    p: float = 0.5
    alternating: bool = False

    def check_settings(self, who: str) -> None:
        if not isinstance(self.alternating, bool):
            raise TypeError(f"{who}: alternating must be True or False, got {self.alternating!r}")

    def engine(self) -> EngineStep:
        return "flip", [self.p, 0.0, float(self.alternating)]


@dataclass(frozen=True)
class VerticalFlip(Step):
    """Mirrors the image top to bottom (torchvision's RandomVerticalFlip).

    Args:
        p: Probability that an image is mirrored.
    """

    p: float = 0.5

    def engine(self) -> EngineStep:
        return "flip", [self.p, 1.0, 0.0]


@dataclass(frozen=True)
class Crop(Step):
    """A crop of the image's own size, at a random place of the image with padding around it (torchvision's
    RandomCrop with padding): a shift by whole pixels.

    Args:
        padding: Pixels on each side.
        padding_mode: "constant" pads with `fill`, "reflect" mirrors the image at its edge.
        fill: Value of the padding, 0 to 255.
        p: Probability that the step is applied.
    """

    padding: int = 4
    padding_mode: Literal["constant", "reflect"] = "constant"
    fill: float = 0.0
    p: float = 1.0

    def check_settings(self, who: str) -> None:
        set_field(self, "padding", check_integer(who, "padding", self.padding, 0))
        if self.padding_mode not in ("constant", "reflect"):
            raise ValueError(
                f"{who}: padding_mode must be 'constant' or 'reflect', got {self.padding_mode!r}"
            )

    def check_image(self, who: str, shape: Shape) -> None:
        if self.padding >= min(shape[1:]):
            raise ValueError(
                f"{who}: {type(self).__name__}: padding must be smaller than the image, got {self.padding} "
                f"for images {shape}"
            )

    def engine(self) -> EngineStep:
        return "crop", [self.p, float(self.padding), float(self.padding_mode == "reflect"), self.fill]

"""Mixing of two images and of their classes."""

from __future__ import annotations

from dataclasses import dataclass

from .._checks import check_number
from .step import EngineStep, check_probability, set_field


@dataclass(frozen=True)
class Mixing:
    """Each image with the next one of its batch, after all other steps; the loss is the mean of the losses
    for both classes, with the same weights. Needs classes as targets.

    Args:
        alpha: The weight is drawn from Beta(alpha, alpha) for each image: 1 is uniform, less is nearer to
            unmixed images. At most 4.
        p: Probability that an image is mixed.
    """

    alpha: float = 1.0
    p: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self)
        set_field(self, "alpha", check_number(type(self).__name__, "alpha", self.alpha, 0.01, 4))

    def engine(self) -> EngineStep:
        """The mixing as the engine takes it."""
        return type(self).__name__.lower(), [self.p, self.alpha]


class MixUp(Mixing):
    """The weighted mean of two images (Zhang et al. 2017, arXiv:1710.09412; torchvision's MixUp, with a
    weight for each image). Arguments as in `Mixing`.
    """


class CutMix(Mixing):
    """A rectangle of another image, whose area is the weight (Yun et al. 2019, arXiv:1905.04899;
    torchvision's CutMix, with a rectangle for each image). Arguments as in `Mixing`.
    """

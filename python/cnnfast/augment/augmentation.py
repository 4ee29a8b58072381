"""`Augmentation`: a list of steps, ready to run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import check_array, check_integer, type_of
from .._core import Augmentation as EngineAugmentation
from .._types import Array, Labels, Shape
from .mixing import Mixing
from .step import Step


class Augmentation:
    """Random changes of uint8 images, in the order given; mixing comes last.

    Every random number is a hash of (seed, epoch, row of the image in the data set, step), so results do not
    depend on batches, threads or on where a training was resumed. Consecutive geometric steps of equal `fill`
    are composed, and the image is resampled once.

    Args:
        steps: Steps, and at most one of `MixUp` and `CutMix`.

    Raises:
        TypeError: A value that is no step.
        ValueError: Two kinds of mixing.

    Example:
        >>> from cnnfast import augment
        >>> steps = augment.Augmentation([augment.Affine(degrees=10), augment.PixelFlip(count=5)])
        >>> x = np.zeros((2, 28, 28), dtype=np.uint8)
        >>> steps(x, seed=0, epoch=1).shape
        (2, 28, 28)
    """

    def __init__(self, steps: Iterable[Step | Mixing] = ()) -> None:
        who = type(self).__name__
        given = (steps,) if isinstance(steps, (Step, Mixing)) else tuple(steps)
        for step in given:
            if not isinstance(step, (Step, Mixing)):
                raise TypeError(f"{who}: steps must be steps of cnnfast.augment, got {type_of(step)}")
        mixing = [step for step in given if isinstance(step, Mixing)]
        if len(mixing) > 1:
            raise ValueError(f"{who}: at most one of MixUp and CutMix is possible, got {len(mixing)}")
        self.steps = tuple(step for step in given if isinstance(step, Step))
        self.mixing = mixing[0] if mixing else None
        self.engine = _engine(self.steps, self.mixing)

    def __call__(
        self, images: Array, seed: int = 0, epoch: int = 1, rows: Sequence[int] | Labels | None = None
    ) -> NDArray[np.float32]:
        """The images as a network gets them in that epoch, before normalization.

        Args:
            images: uint8, (n, c, h, w) or (n, h, w).
            seed: As in `fit`.
            epoch: As in `fit`, from 1.
            rows: Rows of the images in their data set; None is 0, 1, ...

        Returns:
            float32 of the same shape, 0 to 255.

        Raises:
            TypeError, ValueError: Invalid arguments.
        """
        who = type(self).__name__
        seed, epoch = check_integer(who, "seed", seed, 0), check_integer(who, "epoch", epoch, 0)
        x = check_array(who, "images", images, np.uint8)
        if x.ndim not in (3, 4):
            raise ValueError(f"{who}: images must be (n, c, h, w) or (n, h, w), got shape {x.shape}")
        planes = x if x.ndim == 4 else x[:, np.newaxis]
        self.check_image(who, planes.shape[1:])
        numbers = None if rows is None else np.asarray(rows, dtype=np.int64)
        return self.engine.apply(planes, numbers, seed % 2**64, epoch).reshape(x.shape)

    def check_image(self, who: str, shape: Shape) -> None:
        """Check that all steps can be applied to images of this shape.

        Raises:
            ValueError: They cannot.
        """
        if len(shape) != 3:
            raise ValueError(f"{who}: augmentation needs images (c, h, w), got inputs of shape {shape}")
        for step in self.steps:
            step.check_image(who, shape)

    def __repr__(self) -> str:
        return f"Augmentation({[*self.steps, *([self.mixing] if self.mixing else [])]!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Augmentation):
            return NotImplemented
        return (self.steps, self.mixing) == (other.steps, other.mixing)

    def __hash__(self) -> int:
        return hash((self.steps, self.mixing))

    def __getstate__(self) -> dict[str, Any]:
        return {"steps": self.steps, "mixing": self.mixing}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.engine = _engine(self.steps, self.mixing)


def _engine(steps: Sequence[Step], mixing: Mixing | None) -> EngineAugmentation:
    return EngineAugmentation([step.engine() for step in steps], None if mixing is None else mixing.engine())

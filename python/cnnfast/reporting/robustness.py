"""Accuracy on images that are shifted, or have inverted pixels; the engine changes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._types import Array, Labels
from ..augment import Augmentation, Crop, PixelFlip
from ..nn import Module

#: Largest shifts in pixels, and numbers of inverted pixels.
SHIFTS = (0, 1, 2, 3, 4)
FLIPS = (0, 5, 10, 15, 20)


@dataclass(frozen=True)
class Robustness:
    """Accuracy by change of the images.

    Args:
        shifts: Largest shift of each point, in pixels, in both directions.
        shift_accuracy: Accuracy at each.
        flips: Number of inverted pixels of each point.
        flip_accuracy: Accuracy at each.
    """

    shifts: tuple[int, ...]
    shift_accuracy: tuple[float, ...]
    flips: tuple[int, ...]
    flip_accuracy: tuple[float, ...]


def robustness(model: Module, images: Array, labels: Labels, seed: int, batch: int = 2048) -> Robustness:
    """Accuracy on shifted images, and on images with inverted pixels.

    Shifts are drawn from -s to s pixels in both directions, inverted pixels with replacement; other models
    get the same changes for the same seed. Shifts of small images end below their size.
    """
    shifts = tuple(s for s in SHIFTS if s < min(images.shape[-2:]))
    return Robustness(
        shifts,
        tuple(_accuracy(model, images, labels, Augmentation([Crop(padding=s)]), seed, batch) for s in shifts),
        FLIPS,
        tuple(
            _accuracy(model, images, labels, Augmentation([PixelFlip(count=k)]), seed, batch) for k in FLIPS
        ),
    )


def _accuracy(
    model: Module, images: Array, labels: Labels, change: Augmentation, seed: int, batch: int
) -> float:
    correct = 0
    for first in range(0, len(images), batch):
        part = images[first : first + batch]
        changed = change(part, seed=seed, rows=range(first, first + len(part)))
        predicted = model(np.rint(changed).astype(np.uint8)).argmax(axis=1)
        correct += int((predicted == labels[first : first + batch]).sum())
    return correct / len(images)

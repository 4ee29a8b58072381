"""Checks whether samples can be augmented, and weighted, as a training was told to."""

from __future__ import annotations

import numpy as np

from .._types import Array
from ..augment import Augmentation
from ..nn import Module


def check_weighable(who: str, augmentation: Augmentation | None) -> None:
    """Raises ValueError if samples cannot have weights, as images are mixed."""
    if augmentation is not None and augmentation.mixing is not None:
        raise ValueError(
            f"{who}: sample_weight cannot be used with {augmentation.mixing!r}, which mixes images"
        )


def check_augmentable(who: str, augmentation: Augmentation | None, model: Module, x: Array, y: Array) -> None:
    """Check that samples can be augmented.

    Raises:
        TypeError: The input is not of uint8, or images are mixed and targets are no classes.
        ValueError: The augmentation does not fit the image's shape.
    """
    if augmentation is None:
        return
    if x.dtype != np.uint8:
        raise TypeError(f"{who}: augment needs uint8 images, got x of dtype {x.dtype}")
    augmentation.check_image(who, model.plan_for(x.shape[1:]).input_shape)
    if augmentation.mixing is not None and y.dtype != np.int64:
        raise TypeError(f"{who}: {augmentation.mixing!r} needs classes as targets, got y of dtype {y.dtype}")

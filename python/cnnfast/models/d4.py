"""`d4`, a small network for MNIST."""

from __future__ import annotations

from .._types import Seed
from ..nn import Conv2d, Flatten, Linear, MaxPool2d, Preprocessing, ReLU, Sequential
from .build import IMAGE_28, network
from .registry import register


@register("d4", source="a walk through a digit network, value by value")
def d4(seed: Seed = 0, *, num_classes: int = 10) -> Sequential:
    """A small network for MNIST: two convolutions, two fully connected layers, ReLU between them.

    Args:
        seed: Seed of the parameter initialization; None uses OS entropy.
        num_classes: Number of outputs.

    Shapes:
        (n, 1, 28, 28) to (n, num_classes); 52,138 parameters with 10 classes.

    Example:
        >>> from cnnfast import models
        >>> models.d4(seed=0).num_parameters()
        52138
    """
    return network(
        seed,
        IMAGE_28,
        Preprocessing(mean=0.1307, std=0.3081),
        [
            *(Conv2d(1, 8, 3, padding=1), ReLU(), MaxPool2d(2)),
            *(Conv2d(8, 16, 3, padding=1), ReLU(), MaxPool2d(2)),
            *(Flatten(), Linear(784, 64), ReLU()),
            Linear(64, num_classes),
        ],
    )

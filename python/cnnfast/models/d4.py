"""`d4`, a small network for MNIST."""

from __future__ import annotations

from .._types import Seed
from ..nn import Conv2d, Flatten, LazyLinear, Linear, MaxPool2d, Preprocessing, ReLU, Sequential
from .build import IMAGE_28, network
from .registry import register


@register("d4", source="a walk through a digit network, value by value")
def d4(seed: Seed = 0, *, num_classes: int = 10) -> Sequential:
    """A small network for MNIST: two convolutions, two fully connected layers, ReLU between them.

    Args:
        seed: Seed of the parameter initialization; None uses OS entropy.
        num_classes: Number of outputs.

    Shapes:
        (n, 1, 28, 28) to (n, num_classes); 52,138 parameters with 10 classes: conv1, conv2, hidden and output
        have a weight and a bias each.

    Example:
        >>> from cnnfast import models
        >>> model = models.d4(seed=0)
        >>> model.num_parameters()
        52138
        >>> model["conv1"]
        Conv2d(1, 8, 3, padding=1)
    """
    return network(
        seed,
        IMAGE_28,
        Preprocessing(mean=0.1307, std=0.3081),
        {
            "conv1": Conv2d(1, 8, 3, padding=1),
            "relu1": ReLU(),
            "pool1": MaxPool2d(2),
            "conv2": Conv2d(8, 16, 3, padding=1),
            "relu2": ReLU(),
            "pool2": MaxPool2d(2),
            "flatten": Flatten(),
            "hidden": LazyLinear(64),
            "relu3": ReLU(),
            "output": Linear(64, num_classes),
        },
    )

"""A network for MNIST from an implementation in NumPy."""

from __future__ import annotations

from .._types import Seed
from ..nn import (
    Conv2d,
    Flatten,
    LazyLinear,
    Linear,
    MaxPool2d,
    Module,
    PositionBias,
    Preprocessing,
    ReLU,
    Sequential,
)
from .build import IMAGE_28, network
from .registry import register


@register("numpy-mnist", source="an implementation in NumPy")
def numpy_mnist(seed: Seed = 0, *, num_classes: int = 10) -> Sequential:
    """A network for MNIST from an implementation in NumPy: its convolutions have one bias per position.

    The max-pooling is 3x3 with stride 2; one row and one column of padding are added after the image, so that
    28 becomes 14 and 14 becomes 7. Pixels are divided by 255.

    Args:
        seed: Seed of the parameter initialization; None uses OS entropy.
        num_classes: Number of outputs.

    Shapes:
        (n, 1, 28, 28) to (n, num_classes); 359,846 parameters with 10 classes.

    Example:
        >>> from cnnfast import models
        >>> models.numpy_mnist(seed=0).output_shape
        (10,)
    """
    layers: list[Module] = []
    for c_in, c_out, size in ((1, 16, 28), (16, 32, 14), (32, 64, 7)):
        layers += [Conv2d(c_in, c_out, 3, padding=1, bias=False), PositionBias(c_out, size, size), ReLU()]
        layers += [MaxPool2d(3, 2, padding=((0, 1), (0, 1)))] if size > 7 else []
    layers += [Flatten(), LazyLinear(100), ReLU(), Linear(100, num_classes)]
    return network(seed, IMAGE_28, Preprocessing(), layers)

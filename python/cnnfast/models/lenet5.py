"""`lenet5`, in its modern form."""

from __future__ import annotations

from .._types import Seed
from ..nn import Conv2d, Flatten, LazyLinear, Linear, MaxPool2d, Preprocessing, ReLU, Sequential
from .build import IMAGE_28, network
from .registry import register


@register("lenet5", source="LeCun et al., Gradient-based learning applied to document recognition", year=1998)
def lenet5(seed: Seed = 0, *, num_classes: int = 10) -> Sequential:
    """LeNet-5 in its modern form: two 5x5 convolutions, three fully connected layers.

    Unlike the paper: max-pooling instead of trainable subsampling, a second convolution that reads all
    channels instead of the paper's table, ReLU instead of the scaled tanh, and a linear layer instead of the
    RBF outputs. A padding of 2 in the first convolution stands for the paper's images of 32x32 pixels.

    Args:
        seed: Seed of the parameter initialization; None uses OS entropy.
        num_classes: Number of outputs.

    Shapes:
        (n, 1, 28, 28) to (n, num_classes); 61,706 parameters with 10 classes.

    Source: LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998

    Example:
        >>> from cnnfast import models
        >>> models.lenet5(seed=0).num_parameters()
        61706
    """
    return network(
        seed,
        IMAGE_28,
        Preprocessing(mean=0.1307, std=0.3081),
        [
            *(Conv2d(1, 6, 5, padding=2), ReLU(), MaxPool2d(2)),
            *(Conv2d(6, 16, 5), ReLU(), MaxPool2d(2)),
            *(Flatten(), LazyLinear(120), ReLU(), Linear(120, 84), ReLU()),
            Linear(84, num_classes),
        ],
    )

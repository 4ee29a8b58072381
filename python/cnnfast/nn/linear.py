"""`Linear`: the fully connected layer."""

from __future__ import annotations

import numpy as np

from .. import _core
from .._types import Seed
from .layer import Layer, Parameter, fill_uniform
from .registry import register


@register
class Linear(Layer):
    """Each output is a weighted sum of all inputs: y = x @ weight.T + bias.

    Args:
        in_features, out_features: Sizes of the input and of the output.
        bias: Whether to add a learned bias to each output.
        seed: Seed for parameter initialization; None uses OS entropy.

    Shapes:
        x (n, in_features) to (n, out_features); weight (out_features, in_features), bias (out_features,).

    Raises:
        ValueError: A setting that is out of range; when called, an input that is not (n, in_features).

    Cost: in_features * out_features multiply-accumulates per row.

    Source: the initialization is PyTorch's default (uniform, bound 1/sqrt(in_features)).

    Example:
        >>> from cnnfast import nn
        >>> linear = nn.Linear(3, 2, seed=0)
        >>> linear.weight = np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]])
        >>> linear.bias[:] = 0
        >>> linear(np.array([[1.0, 1.0, 1.0]], dtype=np.float32))
        array([[6., 1.]], dtype=float32)
    """

    _operation = _core.Linear
    weight = Parameter()
    bias = Parameter()

    def __init__(self, in_features: int, out_features: int, bias: bool = True, *, seed: Seed = None) -> None:
        super().__init__(_core.Linear(in_features, out_features, bias), seed)

    def _draw(self, rng: np.random.Generator) -> None:
        fill_uniform(self.weight, self.bias, rng)

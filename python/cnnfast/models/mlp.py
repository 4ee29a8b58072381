"""`mlp`, fully connected layers of any widths."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .._types import Seed, Shape
from ..nn import Dropout, Flatten, Linear, Module, Preprocessing, ReLU, Sequential
from .build import IMAGE_28, network
from .registry import register


def mlp(
    input_shape: Shape = IMAGE_28,
    widths: Sequence[int] = (256, 128),
    num_classes: int = 10,
    seed: Seed = 0,
    *,
    dropout: float = 0.0,
) -> Sequential:
    """A multilayer perceptron: fully connected layers with ReLU between them.

    Args:
        input_shape: (c, h, w) of an image, or (features,).
        widths: Outputs of each hidden layer.
        num_classes: Number of outputs.
        seed: Seed of the parameter initialization; None uses OS entropy.
        dropout: Probability of dropping an output of a hidden layer; 0 adds no such layers.

    Shapes:
        (n, *input_shape) to (n, num_classes); 235,146 parameters by default.

    Source: Rumelhart, Hinton and Williams, Learning representations by back-propagating errors, 1986

    Example:
        >>> from cnnfast import models
        >>> models.mlp(seed=0).num_parameters()
        235146
    """
    features = math.prod(input_shape)
    layers: list[Module] = [Flatten()]
    for width in widths:
        layers += [Linear(features, width), ReLU()]
        layers += [Dropout(dropout)] if dropout else []
        features = width
    layers.append(Linear(features, num_classes))
    return network(seed, input_shape, Preprocessing(mean=0.5, std=0.25), layers)


@register("mlp", source="Rumelhart et al., Learning representations by back-propagating errors", year=1986)
def _default(seed: Seed = 0, *, num_classes: int = 10, dropout: float = 0.0) -> Sequential:
    return mlp(num_classes=num_classes, dropout=dropout, seed=seed)

"""Shared by the files of this package."""

from __future__ import annotations

from collections.abc import Iterable

from .._core import Graph
from .._types import Seed, Shape
from ..nn import Module, Preprocessing, Sequential

#: Shape of an input image of EMNIST and MNIST.
IMAGE_28: Shape = (1, 28, 28)


def network(
    seed: Seed, input_shape: Shape, preprocessing: Preprocessing, layers: Iterable[Module]
) -> Sequential:
    """An initialized `Sequential` of the layers, which normalizes uint8 images by `preprocessing`."""
    model = Sequential(*layers, input_shape=input_shape, seed=seed)
    model.preprocessing = preprocessing
    return model


def features_after(layers: Iterable[Module], input_shape: Shape) -> int:
    """Number of outputs of a chain of layers that ends with a `Flatten`, for a `Linear` after it."""
    graph, value = Graph(input_shape), 0
    for position, layer in enumerate(layers):
        value = layer.add_to(graph, value, str(position))
    (features,) = graph.shape(value)
    return features

"""The training images whose values in the last hidden layer are nearest to those of an image."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._checks import ieee_arithmetic
from .._core import Graph, Plan, Reshape
from .._types import Array
from ..datasets import ImageDataset
from .network import Network

_BATCH = 512


class Neighbor(NamedTuple):
    """A training image.

    Attributes:
        row: Its row in the data set.
        label: The name of its class.
        distance: Euclidean distance in the last hidden layer.
        image: uint8 (c, h, w).
    """

    row: int
    label: str
    distance: float
    image: Array


def last_hidden(network: Network) -> int:
    """The value that the last step with parameters reads."""
    with_parameters = [step for step in network.steps if step.parameters]
    return with_parameters[-1].inputs[0] if with_parameters else 0


@ieee_arithmetic
def neighbors(who: str, network: Network, train: ImageDataset, count: int) -> list[Neighbor]:
    """The nearest images, nearest first.

    Raises:
        TypeError: Not a data set of images.
        ValueError: Its images do not fit the network.
    """
    if not isinstance(train, ImageDataset):
        raise TypeError(f"{who}: train must be an ImageDataset, got {type(train).__name__}")
    shape = network.values[0].shape
    if train.input_shape != shape:
        raise ValueError(f"{who}: train has images of {train.input_shape}, but the network reads {shape}")
    value = last_hidden(network)
    wanted = network.values[value].ravel().astype(np.float32)
    plan, flat = _plan_to(network, value)
    images = train.images.reshape(len(train), *shape)
    distances = np.empty(len(train))
    for k in range(0, len(train), _BATCH):
        batch = images[k : k + _BATCH]
        found = plan.forward(batch, flat)
        distances[k : k + _BATCH] = np.linalg.norm(found.reshape(len(batch), -1) - wanted, axis=1)
    nearest = np.argsort(distances, kind="stable")[:count]
    return [
        Neighbor(int(i), train.classes[train.labels[i]], float(distances[i]), images[i])
        for i in nearest.tolist()
    ]


def _plan_to(network: Network, value: int) -> tuple[Plan, Array]:
    """A float32 plan that ends with a value, and its parameters."""
    needed = {value}
    for k in range(value, 0, -1):
        if k in needed:
            needed.update(network.steps[k - 1].inputs)
    graph, number, arrays = Graph(network.values[0].shape), {0: 0}, [np.zeros(0)]
    for k, step in enumerate(network.steps[:value], 1):
        if k in needed:
            number[k] = graph.add(step.op, [number[i] for i in step.inputs])
            arrays += [values.ravel() for values in step.parameters.values()]
    if value == 0:
        graph.add(Reshape(network.values[0].shape), [0])
    scale, shift = network.model.preprocessing.affine(network.values[0].shape)
    return Plan(graph, "float32", scale, shift), np.concatenate(arrays).astype(np.float32)

"""`scanning_mlp`, an MLP that is applied to every window of a sequence."""

from __future__ import annotations

from functools import partial
from typing import Literal

from .._types import Seed
from ..nn import Conv1d, Flatten, LazyLinear, Module, Preprocessing, ReLU, Sequential
from .build import network
from .registry import register

#: Output channels, kernel and stride of each layer. Both read windows of 8 steps, 4 steps apart.
_VARIANTS = {
    "simple": ((8, 8, 4), (16, 1, 1), (4, 1, 1)),
    "distributed": ((2, 2, 2), (8, 2, 2), (4, 2, 1)),
}


def scanning_mlp(
    seed: Seed = 0,
    *,
    variant: Literal["simple", "distributed"] = "simple",
    num_classes: int | None = None,
    in_channels: int = 24,
    input_width: int = 128,
) -> Sequential:
    """An MLP with ReLU between its layers that scans a sequence, as a stack of convolutions.

    In the simple variant the first of three layers (8, 16 and 4 neurons) reads a window of 8 steps, so that
    it is a convolution with kernel 8, and the others with kernel 1. In the distributed variant (2, 8 and 4
    neurons) each layer reads two positions of the layer below, so that equal parts of the window are computed
    once. `nn.convert.scanning_mlp_to_cnn` converts the matrices of an MLP to such a stack.

    Args:
        seed: Seed of the parameter initialization; None uses OS entropy.
        variant: "simple" or "distributed".
        num_classes: Number of outputs of a `Linear` that reads the outputs of all windows; None, as in the
            source, returns the outputs of all windows.
        in_channels: Values at each step of the sequence.
        input_width: Length of the sequence, at least 8.

    Shapes:
        (n, in_channels, input_width) to (n, 4 * windows), windows = floor((input_width - 8) / 4) + 1, or to
        (n, num_classes). By default 124 outputs; 1,756 parameters, distributed 206.

    Raises:
        ValueError: Another variant; a sequence shorter than the window.

    Source: CMU 11-785, Introduction to Deep Learning, homework 2 part 1: CNN as a simple and as a distributed
    scanning MLP.

    Example:
        >>> from cnnfast import models
        >>> models.scanning_mlp(variant="distributed")
        Sequential(
          (0): Conv1d(24, 2, 2, stride=2)
          (1): ReLU()
          (2): Conv1d(2, 8, 2, stride=2)
          (3): ReLU()
          (4): Conv1d(8, 4, 2)
          (5): Flatten()
        )
    """
    if variant not in _VARIANTS:
        raise ValueError(
            f"scanning_mlp: variant must be {' or '.join(map(repr, _VARIANTS))}, got {variant!r}"
        )
    layers: list[Module] = []
    channels = in_channels
    for neurons, kernel, stride in _VARIANTS[variant]:
        layers += [ReLU()] if layers else []
        layers.append(Conv1d(channels, neurons, kernel, stride))
        channels = neurons
    layers.append(Flatten())
    if num_classes is not None:
        layers.append(LazyLinear(num_classes))
    return network(seed, (in_channels, input_width), Preprocessing(), layers)


_SOURCE = "CMU 11-785, Introduction to Deep Learning, homework 2 part 1"
register("scanning-mlp", source=_SOURCE)(scanning_mlp)
register("scanning-mlp-distributed", source=_SOURCE)(partial(scanning_mlp, variant="distributed"))

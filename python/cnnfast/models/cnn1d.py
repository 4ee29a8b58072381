"""`cnn1d`, convolutions over a sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .._types import Seed
from ..nn import Conv1d, Flatten, LazyLinear, Module, Preprocessing, ReLU, Sequential, Sigmoid, Tanh
from .build import network
from .registry import register


def cnn1d(
    input_width: int = 128,
    channels: Sequence[int] = (56, 28, 14),
    kernel_sizes: Sequence[int] = (5, 6, 2),
    strides: Sequence[int] = (1, 2, 2),
    activations: Sequence[Callable[[], Module]] = (Tanh, ReLU, Sigmoid),
    num_classes: int = 10,
    seed: Seed = 0,
    *,
    in_channels: int = 24,
) -> Sequential:
    """Convolutions over a sequence, each with an activation, and one linear layer.

    The defaults are those of the course's exercise: 128 steps of 24 values.

    Args:
        input_width: Length of the sequence.
        channels, kernel_sizes, strides: Output channels, kernel and stride of each convolution.
        activations: The layer after each convolution: a class such as ``nn.ReLU``, or another callable that
            returns a layer.
        num_classes: Number of outputs.
        seed: Seed of the parameter initialization; None uses OS entropy.
        in_channels: Values at each step of the sequence.

    Shapes:
        (n, in_channels, input_width) to (n, num_classes); 21,220 parameters by default.

    Raises:
        ValueError: Settings of different lengths; a kernel that is longer than what it reads.

    Source: CMU 11-785, Introduction to Deep Learning, homework 2 part 1: the class CNN.

    Example:
        >>> from cnnfast import models, nn
        >>> models.cnn1d(100, [8, 16], [5, 3], [2, 2], [nn.ReLU, nn.ReLU], num_classes=4)
        Sequential(
          (0): Conv1d(24, 8, 5, stride=2)
          (1): ReLU()
          (2): Conv1d(8, 16, 3, stride=2)
          (3): ReLU()
          (4): Flatten()
          (5): Linear(368, 4)
        )
    """
    settings = {
        "channels": channels,
        "kernel_sizes": kernel_sizes,
        "strides": strides,
        "activations": activations,
    }
    if len({len(values) for values in settings.values()}) > 1:
        lengths = ", ".join(f"{len(values)} {name}" for name, values in settings.items())
        raise ValueError(f"cnn1d: needs one value of each setting per convolution, got {lengths}")
    layers: list[Module] = []
    c_in = in_channels
    for c_out, kernel, stride, activation in zip(*settings.values(), strict=True):
        layers += [Conv1d(c_in, c_out, kernel, stride), activation()]
        c_in = c_out
    layers += [Flatten(), LazyLinear(num_classes)]
    return network(seed, (in_channels, input_width), Preprocessing(), layers)


@register("cnn1d", source="CMU 11-785, Introduction to Deep Learning, homework 2 part 1")
def _default(seed: Seed = 0, *, num_classes: int = 10) -> Sequential:
    return cnn1d(num_classes=num_classes, seed=seed)

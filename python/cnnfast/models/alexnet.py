"""`alexnet` and `zfnet`, the networks that won ImageNet's competitions of 2012 and 2013."""

from __future__ import annotations

import functools

from .._types import Seed, Shape
from ..nn import (
    AdaptiveAvgPool2d,
    Conv2d,
    Dropout,
    Flatten,
    LazyLinear,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
    blank_parameters,
)
from .build import image_network, paper_response_norm
from .registry import register

_ALEXNET = "Krizhevsky et al., ImageNet classification with deep convolutional neural networks"
_ZFNET = "Zeiler and Fergus, Visualizing and understanding convolutional networks"
_VARIANTS = ("torchvision", "paper")


@register("alexnet", source=_ALEXNET, year=2012)
def alexnet(
    seed: Seed = 0,
    *,
    variant: str = "torchvision",
    num_classes: int = 1000,
    in_channels: int = 3,
    size: int | None = None,
    hidden: int = 4096,
    dropout: float = 0.5,
) -> Sequential:
    """AlexNet: five convolutions, three overlapping max-pools, three fully connected layers.

    "paper" has the layers of the paper, with two groups in the second, fourth and fifth convolution (the
    paper's two GPUs) and local response normalization after the first two. Its inputs are of 227x227, with
    which the paper's other sizes agree. "torchvision" has torchvision's layers and names of parameters: 64,
    192, 384, 256 and 256 channels (of Krizhevsky 2014, arXiv:1404.5997), no groups and no normalization, and
    an adaptive average pool, so that any larger image fits. Parameters are initialized from PyTorch's default
    distributions, unlike in the paper (normal with standard deviation 0.01).

    Args:
        seed: Seed of the parameter initialization; None uses OS entropy.
        variant: "torchvision" or "paper".
        num_classes: Number of outputs.
        in_channels: Channels of the input.
        size: Height and width of the input; None is 224 for "torchvision", 227 for "paper".
        hidden: Outputs of the first two fully connected layers.
        dropout: Probability of dropping an input of the first two fully connected layers.

    Shapes:
        (n, in_channels, size, size) to (n, num_classes); by default 61,100,840 parameters, 60,965,224 for
        "paper".

    Raises:
        ValueError: Another variant; a size that is too small; a setting out of range.

    Source: Krizhevsky, Sutskever and Hinton, ImageNet classification with deep convolutional neural networks,
    2012.

    Example:
        >>> from cnnfast import models
        >>> models.alexnet(num_classes=10, size=63, hidden=64).output_shape
        (10,)
    """
    if variant not in _VARIANTS:
        raise ValueError(f'alexnet: variant must be "torchvision" or "paper", got {variant!r}')
    if variant == "torchvision":
        size = 224 if size is None else size
        widths, groups, padding, norm = (64, 192, 384, 256, 256), 1, 2, False
    else:
        size = 227 if size is None else size
        widths, groups, padding, norm = (96, 256, 384, 384, 256), 2, 0, True
    first, second, third, fourth, fifth = widths
    features = Sequential(
        *(Conv2d(in_channels, first, 11, 4, padding), ReLU(), *_normalization(norm), MaxPool2d(3, 2)),
        Conv2d(first, second, 5, padding=2, groups=groups),
        *(ReLU(), *_normalization(norm), MaxPool2d(3, 2)),
        *(Conv2d(second, third, 3, padding=1), ReLU()),
        *(Conv2d(third, fourth, 3, padding=1, groups=groups), ReLU()),
        *(Conv2d(fourth, fifth, 3, padding=1, groups=groups), ReLU(), MaxPool2d(3, 2)),
    )
    body: dict[str, Module] = {"features": features}
    if variant == "torchvision":
        body["avgpool"] = AdaptiveAvgPool2d(6)
    return _with_classifier(body, (in_channels, size, size), (hidden, num_classes), dropout, seed)


register("alexnet-paper", source=_ALEXNET, year=2012)(functools.partial(alexnet, variant="paper"))


@register("zfnet", source=_ZFNET, year=2013)
def zfnet(
    seed: Seed = 0,
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    size: int = 224,
    hidden: int = 4096,
    dropout: float = 0.5,
) -> Sequential:
    """ZFNet: AlexNet without groups, whose first convolution is 7x7 with stride 2, the second of stride 2.

    Pools round up, and the first convolution has a padding of 1, so that the sizes are those of the paper's
    figure: 224, 110, 55, 26, 13 and 6. Local response normalization, with AlexNet's constants, stands for the
    paper's contrast normalization. The initialization is PyTorch's default.

    Args:
        seed: Seed of the parameter initialization; None uses OS entropy.
        num_classes: Number of outputs.
        in_channels: Channels of the input.
        size: Height and width of the input.
        hidden: Outputs of the first two fully connected layers.
        dropout: Probability of dropping an input of the first two fully connected layers.

    Shapes:
        (n, in_channels, size, size) to (n, num_classes); 62,357,608 parameters by default.

    Raises:
        ValueError: A size that is too small; a setting out of range.

    Source: Zeiler and Fergus, Visualizing and understanding convolutional networks, 2013, arXiv:1311.2901.

    Example:
        >>> from cnnfast import models
        >>> models.zfnet(num_classes=10, size=63, hidden=64).output_shape
        (10,)
    """
    features = Sequential(
        Conv2d(in_channels, 96, 7, 2, padding=1),
        *(ReLU(), MaxPool2d(3, 2, ceil_mode=True), *_normalization(True)),
        *(Conv2d(96, 256, 5, 2), ReLU(), MaxPool2d(3, 2, ceil_mode=True), *_normalization(True)),
        *(Conv2d(256, 384, 3, padding=1), ReLU()),
        *(Conv2d(384, 384, 3, padding=1), ReLU()),
        *(Conv2d(384, 256, 3, padding=1), ReLU(), MaxPool2d(3, 2)),
    )
    shape = (in_channels, size, size)
    return _with_classifier({"features": features}, shape, (hidden, num_classes), dropout, seed)


def _normalization(wanted: bool) -> list[Module]:
    return [paper_response_norm()] if wanted else []


def _with_classifier(
    body: dict[str, Module], shape: Shape, outputs: tuple[int, int], dropout: float, seed: Seed
) -> Sequential:
    """The network with three fully connected layers after `body`, of `outputs` (hidden, classes)."""
    hidden, num_classes = outputs
    body["flatten"] = Flatten()
    with blank_parameters():
        body["classifier"] = Sequential(
            *(Dropout(dropout), LazyLinear(hidden), ReLU()),
            *(Dropout(dropout), Linear(hidden, hidden), ReLU()),
            Linear(hidden, num_classes),
        )
    return image_network(body, shape, seed)

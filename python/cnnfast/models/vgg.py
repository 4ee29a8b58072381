"""`vgg`: VGG-11, 13, 16 and 19, with and without batch normalization."""

from __future__ import annotations

import functools

from .._types import Seed
from ..nn import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
    blank_parameters,
)
from .build import VGG_STAGES, image_network, kaiming
from .registry import register


def vgg(
    depth: int = 16,
    seed: Seed = 0,
    *,
    batch_norm: bool = False,
    head: str = "fc",
    num_classes: int = 1000,
    in_channels: int = 3,
    size: int = 224,
    width: int = 64,
    hidden: int = 4096,
    dropout: float = 0.5,
) -> Sequential:
    """VGG for images: five stages of 3x3 convolutions, each followed by a max-pool, with torchvision's names.

    As in torchvision, an adaptive average pool to 7x7 comes before the fully connected layers, which changes
    nothing for images of 224x224; and convolutions are initialized from Kaiming's normal distribution (the
    paper first trained a shallower network). Linear layers have PyTorch's default initialization.

    Args:
        depth: 11, 13, 16 or 19, the number of convolutions and fully connected layers.
        seed: Seed of the parameter initialization; None uses OS entropy.
        batch_norm: Whether batch normalization follows each convolution; the paper has none.
        head: "fc", the three fully connected layers of the paper; or "avgpool", the average over all
            positions and one linear layer.
        num_classes: Number of outputs.
        in_channels: Channels of the input.
        size: Height and width of the input, at least 32.
        width: Channels of the first stage, 64 in the paper; the others have 2, 4, 8 and 8 times as many.
        hidden: Outputs of the first two fully connected layers.
        dropout: Probability of dropping an output of the first two fully connected layers.

    Shapes:
        (n, in_channels, size, size) to (n, num_classes); by default 132,863,336, 133,047,848, 138,357,544 and
        143,667,240 parameters.

    Raises:
        ValueError: Another depth or head; a size that is too small; a setting out of range.

    Source: Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, 2014,
    arXiv:1409.1556, configurations A, B, D and E; batch normalization: Ioffe and Szegedy 2015,
    arXiv:1502.03167.

    Example:
        >>> from cnnfast import models
        >>> models.vgg(16, head="avgpool", num_classes=10, size=64, width=8).num_parameters()
        231218
    """
    if depth not in VGG_STAGES:
        raise ValueError(f"vgg: depth must be {', '.join(map(str, VGG_STAGES))}, got {depth!r}")
    if head not in ("fc", "avgpool"):
        raise ValueError(f'vgg: head must be "fc" or "avgpool", got {head!r}')
    with blank_parameters():
        features: list[Module] = []
        channels = in_channels
        for stage, count in enumerate(VGG_STAGES[depth]):
            for _ in range(count):
                c_out = width * min(2**stage, 8)
                norm = [BatchNorm2d(c_out)] if batch_norm else []
                features += [Conv2d(channels, c_out, 3, padding=1), *norm, ReLU()]
                channels = c_out
            features.append(MaxPool2d(2))
        side = 7 if head == "fc" else 1
        body: dict[str, Module] = {
            "features": Sequential(*features),
            "avgpool": AdaptiveAvgPool2d(side),
            "flatten": Flatten(),
        }
        if head == "avgpool":
            body["fc"] = Linear(channels, num_classes)
        else:
            body["classifier"] = Sequential(
                *(Linear(channels * side * side, hidden), ReLU(), Dropout(dropout)),
                *(Linear(hidden, hidden), ReLU(), Dropout(dropout)),
                Linear(hidden, num_classes),
            )
    return kaiming(image_network(body, (in_channels, size, size), seed), seed)


for _depth in VGG_STAGES:
    _source = "Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition"
    register(f"vgg{_depth}", source=_source, year=2014)(functools.partial(vgg, _depth))
    register(f"vgg{_depth}-bn", source=f"{_source}, with batch normalization", year=2015)(
        functools.partial(vgg, _depth, batch_norm=True)
    )

"""`character_resnet`, a small residual network for images of one character."""

from __future__ import annotations

from .._types import Seed
from ..nn import (
    AdaptiveAvgPool2d,
    Dropout,
    Flatten,
    LazyLinear,
    MaxPool2d,
    Module,
    Preprocessing,
    ReLU,
    Residual,
    Sequential,
)
from .build import IMAGE_28, conv_norm, kaiming, network
from .registry import register


@register("character-resnet", source="cnnfast, for handwritten characters of 28x28")
def character_resnet(
    seed: Seed = 0, *, num_classes: int = 26, widths: tuple[int, ...] = (32, 64, 128), dropout: float = 0.0
) -> Sequential:
    """A residual network for images of one character, designed for training on a CPU in minutes.

    One 3x3 convolution at the full size; then, for each further width, max-pooling by 2, a 3x3 convolution
    and one residual block of two; the mean over positions; a linear layer. Batch normalization and ReLU
    follow every convolution.

    Why: a stroke is a few pixels wide, so that one layer of edges is enough before the first pooling, which
    saves three quarters of the work behind it. The other convolutions have at least 32 channels and 3x3
    kernels, which Winograd's algorithm computes with less than half of the multiplications. After two stages
    the receptive field is larger than the image. The mean over positions has no weights that could learn
    where a character lies, which augmentation changes anyway. Residual blocks with batch normalization allow
    large learning rates from the first epoch on.

    Args:
        seed: Seed of the parameter initialization; None uses OS entropy.
        num_classes: Number of outputs.
        widths: Output channels of the first convolution and of the stages.
        dropout: Probability of dropping a channel's mean before the linear layer.

    Shapes:
        (n, 1, 28, 28) to (n, num_classes); 465,658 parameters with 26 classes.

    Source: residual blocks of He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2015

    Example:
        >>> from cnnfast import models
        >>> models.character_resnet(seed=0).output_shape
        (26,)
    """
    channels = widths[0]
    layers: list[Module] = [*conv_norm(1, channels, 3, padding=1), ReLU()]
    for width in widths[1:]:
        block = [*conv_norm(width, width, 3, padding=1), ReLU(), *conv_norm(width, width, 3, padding=1)]
        layers += [MaxPool2d(2), *conv_norm(channels, width, 3, padding=1), ReLU()]
        layers += [Residual(Sequential(*block)), ReLU()]
        channels = width
    layers += [
        AdaptiveAvgPool2d(1),
        Flatten(),
        *([Dropout(dropout)] if dropout else []),
        LazyLinear(num_classes),
    ]
    return kaiming(network(seed, IMAGE_28, Preprocessing(mean=0.1736, std=0.3317), layers), seed)

"""The residual networks for ImageNet: `resnet18` to `resnet152`."""

from __future__ import annotations

from .._types import Seed
from ..nn import (
    AdaptiveAvgPool2d,
    Add,
    BatchNorm2d,
    Conv2d,
    Flatten,
    Graph,
    Linear,
    MaxPool2d,
    Module,
    Preprocessing,
    ReLU,
    Sequential,
)

#: Depth to (blocks of each stage, whether they are bottlenecks).
_DEPTHS = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}


def resnet(
    depth: int,
    seed: Seed = 0,
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    size: int = 224,
    width: int = 64,
) -> Sequential:
    """A residual network for images, with torchvision's names and shapes of parameters.

    As in torchvision, the 3x3 convolution of a bottleneck has the stride (in the paper the first 1x1). The
    parameters are initialized from PyTorch's default distributions, not from the paper's.

    Args:
        depth: 18, 34, 50, 101 or 152.
        seed: Seed of the parameter initialization; None uses OS entropy.
        num_classes: Number of outputs.
        in_channels: Channels of the input.
        size: Height and width of the input.
        width: Channels of the first stage, 64 in the paper.

    Shapes:
        (n, in_channels, size, size) to (n, num_classes); by default 11,689,512, 21,797,672, 25,557,032,
        44,549,160 and 60,192,808 parameters.

    Raises:
        ValueError: Another depth; a setting out of range.

    Source: He et al. 2015, Deep residual learning for image recognition, arXiv:1512.03385.

    Example:
        >>> from cnnfast import models
        >>> models.resnet(18, num_classes=10, size=64, width=8).output_shape
        (10,)
    """
    if depth not in _DEPTHS:
        raise ValueError(f"resnet: depth must be {', '.join(map(str, _DEPTHS))}, got {depth!r}")
    counts, bottleneck = _DEPTHS[depth]
    stages: dict[str, Module] = {}
    channels = width
    for stage, count in enumerate(counts):
        blocks = []
        for position in range(count):
            stride = 2 if stage > 0 and position == 0 else 1
            block, channels = _block(channels, width * 2**stage, stride, bottleneck)
            blocks.append(block)
        stages[f"layer{stage + 1}"] = Sequential(*blocks)
    model = Sequential(
        {
            "conv1": Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False),
            "bn1": BatchNorm2d(width),
            "relu": ReLU(),
            "maxpool": MaxPool2d(3, 2, padding=1),
            **stages,
            "avgpool": AdaptiveAvgPool2d(1),
            "flatten": Flatten(),
            "fc": Linear(channels, num_classes),
        },
        input_shape=(in_channels, size, size),
        seed=seed,
    )
    if in_channels == 3:
        model.preprocessing = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    return model


def _block(c_in: int, width: int, stride: int, bottleneck: bool) -> tuple[Graph, int]:
    """A residual block, and its number of output channels."""
    c_out = 4 * width if bottleneck else width
    if bottleneck:
        convs = [
            Conv2d(c_in, width, 1, bias=False),
            Conv2d(width, width, 3, stride=stride, padding=1, bias=False),
            Conv2d(width, c_out, 1, bias=False),
        ]
    else:
        convs = [
            Conv2d(c_in, width, 3, stride=stride, padding=1, bias=False),
            Conv2d(width, c_out, 3, padding=1, bias=False),
        ]
    g = Graph.builder()
    value = g.input
    for number, conv in enumerate(convs, 1):
        features = c_out if number == len(convs) else width
        value = g.add(conv, value, name=f"conv{number}")
        value = g.add(BatchNorm2d(features), value, name=f"bn{number}")
        if number < len(convs):
            value = g.add(ReLU(), value, name=f"relu{number}")
    shortcut = g.input
    if stride != 1 or c_in != c_out:
        projection = Sequential(Conv2d(c_in, c_out, 1, stride=stride, bias=False), BatchNorm2d(c_out))
        shortcut = g.add(projection, g.input, name="downsample")
    total = g.add(Add(), value, shortcut, name="add")
    return g.build(g.add(ReLU(), total, name="relu")), c_out

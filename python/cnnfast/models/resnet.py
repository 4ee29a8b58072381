"""The residual networks for ImageNet, `resnet18` to `resnet152`, and twins without shortcuts, `plain`."""

from __future__ import annotations

import functools
from collections.abc import Callable

from .._types import Seed
from ..nn import (
    AdaptiveAvgPool2d,
    Add,
    Flatten,
    Graph,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
    blank_parameters,
    init,
)
from ..nn.blank_parameters import is_blank
from .build import conv_norm, image_network, kaiming
from .registry import register

_SOURCE = "He et al., Deep residual learning for image recognition"

#: Depth to (blocks of each stage, whether they are bottlenecks).
_DEPTHS = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}
#: Depths of the twins without shortcuts.
_PLAIN = (18, 34)

#: The block with these input channels, width and stride, whose number of outputs follows from the width.
_Block = Callable[[int, int, int], Module]


def resnet(
    depth: int,
    seed: Seed = 0,
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    size: int = 224,
    width: int = 64,
    zero_init_residual: bool = False,
) -> Sequential:
    """A residual network for images, with torchvision's names and shapes of parameters.

    As in torchvision, the 3x3 convolution of a bottleneck has the stride (in the paper the first 1x1).
    Convolutions are initialized from Kaiming's normal distribution, the linear layer from PyTorch's default.

    Args:
        depth: 18, 34, 50, 101 or 152.
        seed: Seed of the parameter initialization; None uses OS entropy.
        num_classes: Number of outputs.
        in_channels: Channels of the input.
        size: Height and width of the input.
        width: Channels of the first stage, 64 in the paper.
        zero_init_residual: Whether the weights of the last batch normalization of each block are 0 instead of
            1, so that each block begins as an identity (Goyal et al. 2017, arXiv:1706.02677).

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
    block = functools.partial(_residual_block, bottleneck=bottleneck)
    model = _network(counts, block, 4 if bottleneck else 1, seed, num_classes, (in_channels, size), width)
    if zero_init_residual and not is_blank():
        norm = "bn3" if bottleneck else "bn2"
        init.apply(model, {f"layer?.*.{norm}.weight": init.zeros()})
    return model


def plain(
    depth: int,
    seed: Seed = 0,
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    size: int = 224,
    width: int = 64,
) -> Sequential:
    """The twin of `resnet` without shortcuts: the same convolutions, each followed by batch normalization and
    ReLU, with the same names.

    Args:
        depth: 18 or 34.
        seed, num_classes, in_channels, size, width: As of `resnet`.

    Shapes:
        (n, in_channels, size, size) to (n, num_classes); by default 11,515,688 and 21,623,848 parameters.

    Raises:
        ValueError: Another depth; a setting out of range.

    Source: He et al. 2015, Deep residual learning for image recognition, arXiv:1512.03385, section 3.3.

    Example:
        >>> from cnnfast import models
        >>> models.plain(18, num_classes=10, size=64, width=8).output_shape
        (10,)
    """
    if depth not in _PLAIN:
        raise ValueError(f"plain: depth must be {' or '.join(map(str, _PLAIN))}, got {depth!r}")
    counts, _ = _DEPTHS[depth]
    return _network(counts, _plain_block, 1, seed, num_classes, (in_channels, size), width)


for _depth in _DEPTHS:
    register(f"resnet{_depth}", source=_SOURCE, year=2015)(functools.partial(resnet, _depth))
for _depth in _PLAIN:
    register(f"plain{_depth}", source=_SOURCE, year=2015)(functools.partial(plain, _depth))


def _network(
    counts: tuple[int, ...],
    block: _Block,
    expansion: int,
    seed: Seed,
    num_classes: int,
    image: tuple[int, int],
    width: int,
) -> Sequential:
    """The network of these blocks; `image` has its channels and size, `expansion` is outputs by width."""
    in_channels, size = image
    children = _children(counts, block, expansion, num_classes, in_channels, width)
    return kaiming(image_network(children, (in_channels, size, size), seed), seed)


@blank_parameters()
def _children(
    counts: tuple[int, ...], block: _Block, expansion: int, num_classes: int, in_channels: int, width: int
) -> dict[str, Module]:
    convolution, norm = conv_norm(in_channels, width, 7, stride=2, padding=3)
    stages: dict[str, Module] = {}
    channels = width
    for stage, count in enumerate(counts):
        of_stage = width * 2**stage
        outputs = of_stage * expansion
        first = block(channels, of_stage, 1 if stage == 0 else 2)
        others = [block(outputs, of_stage, 1) for _ in range(count - 1)]
        stages[f"layer{stage + 1}"] = Sequential(first, *others)
        channels = outputs
    return {
        "conv1": convolution,
        "bn1": norm,
        "relu": ReLU(),
        "maxpool": MaxPool2d(3, 2, padding=1),
        **stages,
        "avgpool": AdaptiveAvgPool2d(1),
        "flatten": Flatten(),
        "fc": Linear(channels, num_classes),
    }


def _plain_block(c_in: int, width: int, stride: int) -> Sequential:
    children: dict[str, Module] = {}
    for number, (channels, step) in enumerate(((c_in, stride), (width, 1)), 1):
        children[f"conv{number}"], children[f"bn{number}"] = conv_norm(channels, width, 3, step, padding=1)
        children[f"relu{number}"] = ReLU()
    return Sequential(children)


def _residual_block(c_in: int, width: int, stride: int, bottleneck: bool) -> Graph:
    c_out = 4 * width if bottleneck else width
    if bottleneck:
        convs = [
            conv_norm(c_in, width, 1),
            conv_norm(width, width, 3, stride, padding=1),
            conv_norm(width, c_out, 1),
        ]
    else:
        convs = [conv_norm(c_in, width, 3, stride, padding=1), conv_norm(width, c_out, 3, padding=1)]
    g = Graph.builder()
    value = g.input
    for number, (convolution, norm) in enumerate(convs, 1):
        value = g.add(convolution, value, name=f"conv{number}")
        value = g.add(norm, value, name=f"bn{number}")
        if number < len(convs):
            value = g.add(ReLU(), value, name=f"relu{number}")
    shortcut = g.input
    if stride != 1 or c_in != c_out:
        shortcut = g.add(Sequential(*conv_norm(c_in, c_out, 1, stride)), g.input, name="downsample")
    total = g.add(Add(), value, shortcut, name="add")
    return g.build(g.add(ReLU(), total, name="relu"))

"""`googlenet`, with auxiliary classifiers for training."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from .._types import Seed
from ..nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    Branches,
    Conv2d,
    Dropout,
    Flatten,
    Graph,
    LazyLinear,
    Linear,
    MaxPool2d,
    Module,
    Preprocessing,
    ReLU,
    Sequential,
)
from .build import conv_norm, paper_response_norm, with_image_preprocessing
from .registry import register

_SOURCE = "Szegedy et al., Going deeper with convolutions"
_VARIANTS = ("torchvision", "paper")
#: Channels of each inception module: 1x1; 3x3 after a 1x1; 5x5 after a 1x1; 1x1 after the pool.
_INCEPTION = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
#: The auxiliary classifier after a module, and the weight of its loss.
_AUXILIARY = {"inception4a": "aux1", "inception4d": "aux2"}
_WEIGHT = 0.3


@register("googlenet", source=_SOURCE, year=2014)
def googlenet(
    seed: Seed = 0,
    *,
    variant: str = "torchvision",
    auxiliary: bool = False,
    num_classes: int = 1000,
    in_channels: int = 3,
    size: int = 224,
    width: int = 64,
    dropout: float | None = None,
) -> Graph:
    """GoogLeNet: nine inception modules, 22 layers with parameters, and an average pool before the last.

    "paper" has the layers of the paper: biases, 5x5 convolutions, local response normalization.
    "torchvision" has torchvision's layers and names of parameters: batch normalization after every
    convolution, which then needs no bias; no local response normalization; as in all its published weights,
    3x3 convolutions in place of 5x5; a last max-pool of 2x2 instead of 3x3; and adaptive pools in the
    auxiliary classifiers, whose windows in the paper are of 5x5 with stride 3. uint8 images are normalized
    by a mean and a standard deviation of 0.5, for which its published weights were trained (torchvision
    converts its usual normalization to this one, `transform_input`). In both, parameters are initialized from
    PyTorch's default distributions.

    Args:
        seed: Seed of the parameter initialization; None uses OS entropy.
        variant: "torchvision" or "paper".
        auxiliary: Whether two auxiliary classifiers take part in training, each with a weight of 0.3 in the
            loss. They are not computed in inference, but belong to the parameters.
        num_classes: Number of outputs.
        in_channels: Channels of the input.
        size: Height and width of the input; the auxiliary classifiers of "paper" need at least 79.
        width: Channels of the first convolution, 64 in the paper; all others are scaled likewise.
        dropout: Probability of dropping an input of the last layer; None is 0.2 for "torchvision", 0.4 for
            "paper". The auxiliary classifiers drop 0.7 of theirs (0 if this is 0).

    Shapes:
        (n, in_channels, size, size) to (n, num_classes); by default 6,624,904 parameters, 13,004,888 with
        auxiliary classifiers; 6,998,552 and 13,378,280 for "paper".

    Raises:
        ValueError: Another variant; a size that is too small; a setting out of range.

    Source: Szegedy et al. 2014, Going deeper with convolutions, arXiv:1409.4842, table 1.

    Example:
        >>> from cnnfast import models
        >>> models.googlenet(num_classes=10, size=64, width=8).output_shape
        (10,)
    """
    if variant not in _VARIANTS:
        raise ValueError(f'googlenet: variant must be "torchvision" or "paper", got {variant!r}')
    if dropout is None:
        dropout = 0.2 if variant == "torchvision" else 0.4
    if auxiliary and variant == "paper" and size < 79:  # for a window of 5x5 after a reduction by 16
        raise ValueError(f"googlenet: auxiliary classifiers need images of at least 79x79, got {size}x{size}")
    layers = _Paper(width) if variant == "paper" else _Torchvision(width)
    body = layers.stem(in_channels)
    channels, outputs = layers.scaled(192), {}
    for name, widths in _INCEPTION.items():
        if name in layers.pools:
            pool, kernel = layers.pools[name]
            body[pool] = MaxPool2d(kernel, 2, ceil_mode=True)
        body[f"inception{name}"], channels = layers.inception(channels, widths)
        outputs[f"inception{name}"] = channels
    end = {"avgpool": AdaptiveAvgPool2d(1), "flatten": Flatten(), "dropout": Dropout(dropout)}
    body = {**body, **end, "fc": Linear(channels, num_classes)}

    g = Graph.builder()
    value, heads = g.input, {}
    for name, layer in body.items():
        value = g.add(layer, value, name=name)
        if auxiliary and name in _AUXILIARY:
            head = layers.auxiliary(outputs[name], num_classes, 0.7 if dropout > 0 else 0.0)
            heads[g.add(head, value, name=_AUXILIARY[name])] = _WEIGHT
    model = g.build(value, auxiliary=heads, input_shape=(in_channels, size, size), seed=seed)
    if variant == "torchvision" and in_channels == 3:
        model.preprocessing = Preprocessing(mean=0.5, std=0.5)
        return model
    return with_image_preprocessing(model)


register("googlenet-paper", source=_SOURCE, year=2014)(partial(googlenet, variant="paper"))


class _Torchvision:
    """The modules of torchvision's form, with all channels scaled."""

    #: Pool before a module, and its kernel size.
    pools: ClassVar = {"4a": ("maxpool3", 3), "5a": ("maxpool4", 2)}
    #: Kernel size of the third branch.
    large = 3

    def __init__(self, width: int) -> None:
        self._width = width

    def scaled(self, channels: int) -> int:
        return max(1, channels * self._width // 64)

    def convolution(
        self, c_in: int, c_out: int, kernel: int, stride: int = 1, padding: int = 0
    ) -> Sequential:
        conv, norm = conv_norm(c_in, c_out, kernel, stride, padding, eps=1e-3)
        return Sequential({"conv": conv, "bn": norm, "relu": ReLU()})

    def stem(self, in_channels: int) -> dict[str, Module]:
        first, second = self.scaled(64), self.scaled(192)
        return {
            "conv1": self.convolution(in_channels, first, 7, 2, 3),
            "maxpool1": MaxPool2d(3, 2, ceil_mode=True),
            "conv2": self.convolution(first, first, 1),
            "conv3": self.convolution(first, second, 3, padding=1),
            "maxpool2": MaxPool2d(3, 2, ceil_mode=True),
        }

    def inception(self, c_in: int, widths: tuple[int, ...]) -> tuple[Branches, int]:
        """The module and its number of output channels."""
        pixel, to_3, of_3, to_5, of_5, of_pool = map(self.scaled, widths)
        module = Branches(
            {
                "branch1": self.convolution(c_in, pixel, 1),
                "branch2": Sequential(
                    self.convolution(c_in, to_3, 1), self.convolution(to_3, of_3, 3, padding=1)
                ),
                "branch3": Sequential(
                    self.convolution(c_in, to_5, 1),
                    self.convolution(to_5, of_5, self.large, padding=self.large // 2),
                ),
                "branch4": Sequential(MaxPool2d(3, 1, padding=1), self.convolution(c_in, of_pool, 1)),
            }
        )
        return module, pixel + of_3 + of_5 + of_pool

    def auxiliary(self, c_in: int, num_classes: int, dropout: float) -> Sequential:
        """A classifier of averages of its input."""
        channels, hidden = self.scaled(128), self.scaled(1024)
        return Sequential(
            {
                "avgpool": self.auxiliary_pool(),
                "conv": self.convolution(c_in, channels, 1),
                "flatten": Flatten(),
                "fc1": LazyLinear(hidden),
                "relu": ReLU(),
                "dropout": Dropout(dropout),
                "fc2": Linear(hidden, num_classes),
            }
        )

    def auxiliary_pool(self) -> Module:
        return AdaptiveAvgPool2d(4)


class _Paper(_Torchvision):
    """The modules of the paper, with the same names."""

    pools: ClassVar = {"4a": ("maxpool3", 3), "5a": ("maxpool4", 3)}
    large = 5

    def convolution(
        self, c_in: int, c_out: int, kernel: int, stride: int = 1, padding: int = 0
    ) -> Sequential:
        return Sequential({"conv": Conv2d(c_in, c_out, kernel, stride, padding), "relu": ReLU()})

    def stem(self, in_channels: int) -> dict[str, Module]:
        conv1, maxpool1, conv2, conv3, maxpool2 = super().stem(in_channels).items()
        norms = ("norm1", paper_response_norm()), ("norm2", paper_response_norm())
        return dict([conv1, maxpool1, norms[0], conv2, conv3, norms[1], maxpool2])

    def auxiliary_pool(self) -> Module:
        return AvgPool2d(5, 3)

"""Networks that only the benchmarks need: common shapes that the catalog of models does not cover."""

from __future__ import annotations

from cnnfast.benchmark.networks import SHIPPED, Network
from cnnfast.nn import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Residual,
    Sequential,
)

LETTERS = "hello-dl-letters"


def vgg() -> Sequential:
    """A small VGG for images of 3x32x32: six 3x3 convolutions, three pools, one Linear."""
    layers: list[Module] = []
    c_in = 3
    for width in (64, 128, 256):
        for _ in range(2):
            layers += [Conv2d(c_in, width, 3, padding=1), ReLU()]
            c_in = width
        layers.append(MaxPool2d(2))
    layers += [Flatten(), Linear(256 * 4 * 4, 10)]
    return Sequential(*layers, input_shape=(3, 32, 32), seed=0)


def lenet() -> Sequential:
    """Like LeNet-5, with ReLU and max-pooling: two 5x5 convolutions, three Linears, for 1x28x28."""
    return Sequential(
        *(Conv2d(1, 6, 5, padding=2), ReLU(), MaxPool2d(2)),
        *(Conv2d(6, 16, 5), ReLU(), MaxPool2d(2)),
        *(Flatten(), Linear(400, 120), ReLU(), Linear(120, 84), ReLU(), Linear(84, 10)),
        input_shape=(1, 28, 28),
        seed=0,
    )


def resnet() -> Sequential:
    """A small residual network with batch normalization, for images of 3x32x32: He et al. 2016's blocks."""

    def normalized(c_in: int, c_out: int, stride: int = 1) -> list[Module]:
        return [Conv2d(c_in, c_out, 3, stride=stride, padding=1, bias=False), BatchNorm2d(c_out)]

    layers: list[Module] = [*normalized(3, 16), ReLU()]
    c_in = 16
    for width in (16, 32, 64):
        if width != c_in:
            layers += [*normalized(c_in, width, 2), ReLU()]
        body = Sequential(*normalized(width, width), ReLU(), *normalized(width, width))
        layers += [Residual(body), ReLU()]
        c_in = width
    layers += [AdaptiveAvgPool2d(1), Flatten(), Linear(64, 10)]
    return Sequential(*layers, input_shape=(3, 32, 32), seed=0)


RESNET = Network("resnet", resnet, training=(64,), inference=(1, 64))
VGG = Network("vgg", vgg, training=(64,), inference=(1, 64))
LENET = Network("lenet", lenet, training=(32, 64, 128, 256), inference=(1, 256))
NETWORKS = (*SHIPPED, LENET, VGG, RESNET)

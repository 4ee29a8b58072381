"""`lenet5`, in its modern form and in that of the paper."""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

from .._types import Seed
from ..nn import (
    RBF,
    AvgPool2d,
    Branches,
    Conv2d,
    Flatten,
    LazyLinear,
    Linear,
    MaxPool2d,
    Module,
    Pad2d,
    Preprocessing,
    ReLU,
    ScaledTanh,
    SelectChannels,
    Sequential,
    init,
)
from ..nn.blank_parameters import is_blank
from .build import network
from .digit_codes import digit_codes
from .registry import register

_SOURCE = "LeCun et al., Gradient-based learning applied to document recognition"
#: The maps of S2 that each map of C3 but the last reads (table I), in its order; the last reads all six.
_CONNECTIONS: dict[str, tuple[tuple[int, ...], ...]] = {
    "three": ((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    "four": (
        *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
        *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    ),
}


@register("lenet5", source=_SOURCE, year=1998)
def lenet5(
    seed: Seed = 0,
    *,
    variant: Literal["modern", "paper"] = "modern",
    num_classes: int = 10,
    size: Literal[28, 32] | None = None,
) -> Sequential:
    """LeNet-5: two 5x5 convolutions, each followed by subsampling, then three layers without positions.

    The modern form differs from the paper: max-pooling instead of trainable subsampling, a second convolution
    that reads all channels instead of the paper's table, ReLU instead of the scaled tanh, and a linear layer
    instead of the RBF outputs.

    The form of the paper: C1; S2, the sum of each 2x2 window times a coefficient of its map, plus a bias of
    its map; C3, whose maps read three, four or six maps of S2 by table I; S4, as S2; C5; F6; and RBF outputs,
    with a scaled tanh after each but the last. An output is the squared distance of F6 from the fixed code of
    its class, here with a minus, so that "cross_entropy" of the outputs is the paper's criterion (equation 9)
    without its constant. The codes are a buffer, so that copies and model files have them, and no training
    changes them. With 10 classes they are images of the digits in 7x12 pixels, drawn for this library after
    the paper's figure 3; with another number they are drawn at random, which the paper mentions as an
    alternative. Weights are initialized as in the paper, uniform with bound 2.4 / fan-in;
    `Module.initialize` draws them from PyTorch's distributions, and random codes.

    Args:
        seed: Seed of the parameter initialization; None uses OS entropy.
        variant: "modern" or "paper".
        num_classes: Number of outputs.
        size: Height and width of an image, 28 or 32. Images of 28 pixels are padded to 32, with background in
            the form of the paper, with zeros in the modern form. None is 28 for the modern form and 32 for
            that of the paper.

    Shapes:
        (n, 1, size, size) to (n, num_classes); 61,706 parameters with 10 classes, in the form of the paper
        60,000, and codes of 84 values for each class.

    Raises:
        ValueError: Another variant or size.

    Source: LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998

    Example:
        >>> from cnnfast import models
        >>> models.lenet5(seed=0).num_parameters()
        61706
        >>> models.lenet5(seed=0, variant="paper").num_parameters()
        60000
    """
    if variant not in ("modern", "paper"):
        raise ValueError(f"lenet5: variant must be 'modern' or 'paper', got {variant!r}")
    if size not in (None, 28, 32):
        raise ValueError(f"lenet5: size must be 28 or 32, got {size!r}")
    if variant == "paper":
        return _paper(seed, num_classes, size or 32)
    return _modern(seed, num_classes, size or 28)


register("lenet5-paper", source=_SOURCE, year=1998)(partial(lenet5, variant="paper"))


def _modern(seed: Seed, num_classes: int, size: int) -> Sequential:
    layers: list[Module] = [
        *(Conv2d(1, 6, 5, padding=(32 - size) // 2), ReLU(), MaxPool2d(2)),
        *(Conv2d(6, 16, 5), ReLU(), MaxPool2d(2)),
        *(Flatten(), LazyLinear(120), ReLU(), Linear(120, 84), ReLU()),
        Linear(84, num_classes),
    ]
    return network(seed, (1, size, size), Preprocessing(mean=0.1307, std=0.3081), layers)


def _paper(seed: Seed, num_classes: int, size: int) -> Sequential:
    codes = digit_codes()
    layers: dict[str, Module] = {
        **({"pad": Pad2d(2, value=-0.1)} if size == 28 else {}),
        "c1": Conv2d(1, 6, 5),
        "tanh1": ScaledTanh(),
        "sum2": AvgPool2d(2, divisor_override=1),
        "s2": Conv2d(6, 6, 1, groups=6),
        "tanh2": ScaledTanh(),
        "c3": Branches({**{name: _connected(m) for name, m in _CONNECTIONS.items()}, "six": Conv2d(6, 1, 5)}),
        "tanh3": ScaledTanh(),
        "sum4": AvgPool2d(2, divisor_override=1),
        "s4": Conv2d(16, 16, 1, groups=16),
        "tanh4": ScaledTanh(),
        "c5": Conv2d(16, 120, 5),
        "tanh5": ScaledTanh(),
        "flatten": Flatten(),
        "f6": Linear(120, codes.shape[1]),
        "tanh6": ScaledTanh(),
        "output": RBF(codes.shape[1], num_classes, scale=-1, fixed=True),
    }
    model = Sequential(layers, input_shape=(1, size, size), seed=seed)
    # background is -0.1 and ink 1.175, so that the mean is about 0 and the variance about 1
    model.preprocessing = Preprocessing(mean=0.1 / 1.275, std=1 / 1.275)
    if not is_blank():
        _initialize(model, seed)
        if num_classes == len(codes):
            model["output"].load_state_dict({"weight": codes})
    return model


def _connected(maps: tuple[tuple[int, ...], ...]) -> Sequential:
    """A convolution of as many groups as there are maps, each of its own selection of the inputs."""
    selected = [index for map_ in maps for index in map_]
    convolution = Conv2d(len(selected), len(maps), 5, groups=len(maps))
    return Sequential({"select": SelectChannels(selected), "conv": convolution})


def _initialize(model: Sequential, seed: Seed) -> None:
    """Uniform with bound 2.4 / fan-in; in S2 and S4 the four inputs of a window share a coefficient."""
    rules = {}
    for layer in ("c1", "s2", "c3.three", "c3.four", "c3.six", "s4", "c5", "f6"):
        (weights,) = (
            shape for name, shape in model.named_shapes() if name.startswith(layer) and len(shape) > 1
        )
        bound = 2.4 / (4 if layer in ("s2", "s4") else math.prod(weights[1:]))
        rules[f"{layer}.*"] = init.uniform(-bound, bound)
    init.apply(model, rules, seed)

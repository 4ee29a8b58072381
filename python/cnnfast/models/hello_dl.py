"""The letters network of hello-dl."""

from __future__ import annotations

from .._types import Seed
from ..nn import GELU, Conv2d, Flatten, LazyLinear, Linear, MaxPool2d, Module, Preprocessing, Sequential
from .build import IMAGE_28, network
from .registry import register


@register("hello-dl-letters", source="Hubert, hello-dl", year=2023)
def hello_dl_letters(
    seed: Seed = 0, *, num_classes: int = 26, activation_after_pool: bool = True
) -> Sequential:
    """The letters network of hello-dl: three convolutions without padding, each followed by pooling, then
    three fully connected layers, GELU.

    The second pooling rounds up (11 to 6). Pixels are normalized with the source's mean 0.172575 and standard
    deviation 0.25. Unlike the source, the bias is added once per output channel, and labels start at 0.

    Args:
        seed: Seed of the parameter initialization; None uses OS entropy.
        num_classes: Number of outputs.
        activation_after_pool: False omits the GELU after each pooling, as the source's listing does.

    Shapes:
        (n, 1, 28, 28) to (n, num_classes); 137,178 parameters with 26 classes.

    Source: Bert Hubert, hello-dl, https://github.com/berthubert/hello-dl

    Example:
        >>> from cnnfast import models
        >>> models.hello_dl_letters(seed=0).output_shape
        (26,)
    """
    layers: list[Module] = []
    for c_in, c_out, ceil_mode in ((1, 32, False), (32, 64, True), (64, 128, False)):
        layers += [Conv2d(c_in, c_out, 3), MaxPool2d(2, ceil_mode=ceil_mode)]
        layers += [GELU()] if activation_after_pool else []
    layers += [Flatten(), LazyLinear(64), GELU(), Linear(64, 128), GELU(), Linear(128, num_classes)]
    return network(seed, IMAGE_28, Preprocessing(mean=0.172575, std=0.25), layers)

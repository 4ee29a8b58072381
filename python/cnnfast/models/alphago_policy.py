"""`alphago_policy`, the policy network of AlphaGo."""

from __future__ import annotations

from .._types import Seed
from ..nn import Conv2d, Flatten, Module, PositionBias, Preprocessing, ReLU, Sequential
from .build import network
from .registry import register


@register(
    "alphago-policy",
    source="Silver et al., Mastering the game of Go with deep neural networks and tree search",
    year=2016,
)
def alphago_policy(
    seed: Seed = 0,
    *,
    num_classes: int | None = None,
    in_channels: int = 48,
    size: int = 19,
    width: int = 192,
) -> Sequential:
    """AlphaGo's policy network: 12 convolutions with ReLU, then a 1x1 convolution with a bias per position.

    The input is 48 planes of features of a Go board, as floats, most of them 0 and 1. The output is one logit
    for each position, row by row; the source's softmax is part of "cross_entropy".

    The network does not know the rules. Illegal moves get probability 0 where their logits are -infinity:
    ``np.where(legal, logits, -np.inf)``. A row needs at least one legal move.

    Args:
        seed: Seed of the parameter initialization, which the source does not give; None uses OS entropy.
        num_classes: size * size, or None for it: the number of outputs cannot be chosen.
        in_channels: Number of input planes.
        size: Height and width of the board.
        width: Channels of the convolutions, 192 in the paper (128, 256 and 384 are compared there).

    Shapes:
        (n, in_channels, size, size) to (n, size * size); 3,882,793 parameters by default.

    Raises:
        ValueError: Another `num_classes`.

    Source: Silver et al., Mastering the game of Go with deep neural networks and tree search, Nature 529,
    2016, Methods.

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional, models
        >>> model = models.alphago_policy(size=3, width=8)
        >>> board = np.zeros((1, 48, 3, 3), dtype=np.float32)
        >>> legal = np.array([[True, False, True, True, True, True, True, True, True]])
        >>> moves = functional.softmax(np.where(legal, model(board), np.float32(-np.inf)))
        >>> float(moves[0, 1])
        0.0
    """
    if num_classes not in (None, size * size):
        raise ValueError(
            f"alphago_policy: has one output for each of {size}x{size} positions, {size * size}; "
            f"got num_classes {num_classes}"
        )
    layers: list[Module] = [Conv2d(in_channels, width, 5, padding=2), ReLU()]
    for _ in range(11):
        layers += [Conv2d(width, width, 3, padding=1), ReLU()]
    layers += [Conv2d(width, 1, 1, bias=False), PositionBias(1, size, size), Flatten()]
    return network(seed, (in_channels, size, size), Preprocessing(), layers)

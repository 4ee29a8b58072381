"""Normalization within single images: `GroupNorm`, `LayerNorm`, `LocalResponseNorm`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import _core
from .layer import Layer, Parameter
from .registry import register


class _Affine(Layer):
    weight = Parameter()
    bias = Parameter()

    def _draw(self, rng: np.random.Generator) -> None:
        if self.weight is not None:
            self.weight[...] = 1
            self.bias[...] = 0


@register
class GroupNorm(_Affine):
    """Normalizes each group of channels of each image to mean 0 and variance 1, then applies a learned weight
    and bias for each channel.

    y[n,c,i,j] = (x[n,c,i,j] - mean) / sqrt(var + eps) * weight[c] + bias[c], mean and var (biased) over all
    values of c's group in image n. Images are independent, so training and inference are the same.

    Args:
        num_groups: Groups of num_channels / num_groups neighboring channels each.
        num_channels: Channels of the input.
        eps: Added to the variance; above 0.
        affine: Whether to use a learned weight and bias.

    Shapes:
        x (n, num_channels), (n, num_channels, l) or (n, num_channels, h, w), kept.
        weight, bias (num_channels,).

    Raises:
        ValueError: A setting out of range, groups that do not divide; when called, other channels.

    Source: Wu & He 2018, arXiv:1803.08494.

    Example:
        >>> from cnnfast import nn
        >>> x = np.array([[1.0, 3.0, 10.0, 30.0]], dtype=np.float32)
        >>> nn.GroupNorm(2, 4)(x).round(3)
        array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    _operation = _core.GroupNorm

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__(_core.GroupNorm(num_groups, num_channels, eps, affine))


@register
class LayerNorm(_Affine):
    """Normalizes all values of an image to mean 0 and variance 1, then applies a learned weight and bias for
    each value.

    y = (x - mean) / sqrt(var + eps) * weight + bias, mean and var (biased) over image n.

    Args:
        normalized_shape: Shape of one image, (features,), (c, l) or (c, h, w); one number means (features,).
            Unlike in PyTorch, it must be the whole image, not only its last axes.
        eps: Added to the variance; above 0.
        elementwise_affine: Whether to use a learned weight and bias.

    Shapes:
        x (n, *normalized_shape), kept. weight, bias normalized_shape.

    Raises:
        ValueError: A setting out of range; when called, another shape.

    Source: Ba, Kiros & Hinton 2016, arXiv:1607.06450.

    Example:
        >>> from cnnfast import nn
        >>> nn.LayerNorm(4)(np.array([[1.0, 1.0, 3.0, 3.0]], dtype=np.float32)).round(3)
        array([[-1., -1.,  1.,  1.]], dtype=float32)
    """

    _operation = _core.LayerNorm

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float = 1e-5, elementwise_affine: bool = True
    ) -> None:
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        super().__init__(_core.LayerNorm(shape, eps, elementwise_affine))


@register
class LocalResponseNorm(Layer):
    """Divides each value by a function of the neighboring channels at the same position.

    y[n,c,i,j] = x[n,c,i,j] / (k + alpha / size * sum over c' of x[n,c',i,j]^2)^beta, c' from c - size // 2 to
    c + (size - 1) // 2; channels outside of the input are 0.

    Args:
        size: Channels in a window.
        alpha, beta, k: As above; alpha at least 0, k above 0.

    Shapes:
        x (n, c), (n, c, l) or (n, c, h, w), kept.

    Raises:
        ValueError: A setting out of range.

    Source: Krizhevsky, Sutskever & Hinton 2012, ImageNet classification with deep convolutional neural
    networks, 3.3 (there size is 5, k is 2, beta 0.75, and alpha stands for alpha / size here).

    Example:
        >>> from cnnfast import nn
        >>> nn.LocalResponseNorm(3, alpha=3.0, beta=1.0)(np.ones((1, 3), dtype=np.float32)).round(3)
        array([[0.333, 0.25 , 0.333]], dtype=float32)
    """

    _operation = _core.LocalResponseNorm

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__(_core.LocalResponseNorm(size, alpha, beta, k))

"""`ConvTranspose1d` and `ConvTranspose2d`: transposed convolutions."""

from __future__ import annotations

import numpy as np

from .. import _core
from .._types import Ends, Padding, Pair, Seed
from .layer import Layer, Parameter, fill_uniform
from .registry import register


@register
class ConvTranspose2d(Layer):
    """2-D transposed convolution: adds each input pixel times a filter to the output.

    y[n,o,p,q] = bias[o] + sum of x[n,c,i,j] * weight[c,o,u,v]
        over all c,i,j,u,v with i*stride + u*dilation - top = p and j*stride + v*dilation - left = q

    It is the gradient of a Conv2d with the same settings by its input: with stride s the output is about s
    times as large as the input.

    Args:
        in_channels, out_channels: Channels of the input and of the output.
        kernel_size: Size of a filter, one number or (height, width).
        stride: Step on the output between neighboring input pixels, one number or (vertical, horizontal).
        padding: Rows and columns cropped from the output: one number, (vertical, horizontal), or
            ((top, bottom), (left, right)).
        output_padding: Rows and columns added at the bottom and right of the output, one number or (vertical,
            horizontal), smaller than stride or dilation. It selects the output size, since a strided
            convolution maps several input sizes to one.
        groups: Number of separate groups of input and output channels.
        bias: Whether to add a learned bias to each output channel.
        dilation: Step between the pixels of a filter, one number or (vertical, horizontal).
        seed: Seed for parameter initialization; None uses OS entropy.

    Shapes:
        x (n, in_channels, h, w) to (n, out_channels, h', w'),
        h' = (h - 1) * stride - top - bottom + dilation * (kernel height - 1) + output_padding + 1,
        w' likewise.
        weight (in_channels, out_channels / groups, kernel height, kernel width), bias (out_channels,).

    Raises:
        ValueError: A setting that is out of range, groups that do not divide the channels; when called, an
            image of other channels, or so small that the output is empty.

    Cost: h * w * in_channels * out_channels / groups * kernel height * kernel width multiply-accumulates per
    image.

    Source: Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, arXiv:1603.07285;
    the initialization is PyTorch's default (uniform, bound 1/sqrt(out_channels / groups * kernel height *
    kernel width)).

    Example:
        >>> from cnnfast import nn
        >>> layer = nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1, seed=0)
        >>> layer(np.zeros((2, 8, 7, 7), dtype=np.float32)).shape
        (2, 4, 14, 14)
    """

    _operation = _core.ConvTranspose2d
    weight = Parameter()
    bias = Parameter()

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Padding = 0,
        output_padding: Pair = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Pair = 1,
        *,
        seed: Seed = None,
    ) -> None:
        window = (kernel_size, stride, padding, output_padding)
        super().__init__(
            _core.ConvTranspose2d(in_channels, out_channels, *window, groups, bias, dilation), seed
        )

    def _draw(self, rng: np.random.Generator) -> None:
        fill_uniform(self.weight, self.bias, rng)


@register
class ConvTranspose1d(Layer):
    """1-D transposed convolution: adds each input value times a filter to the output.

    y[n,o,p] = bias[o] + sum of x[n,c,i] * weight[c,o,u]
        over all c,i,u with i*stride + u*dilation - before = p

    Args:
        in_channels, out_channels: Channels of the input and of the output.
        kernel_size: Length of a filter.
        stride: Step on the output between neighboring input values.
        padding: Values cropped from the output: one number, or (before, after).
        output_padding: Values added to the end of the output; smaller than stride or dilation.
        groups: Number of separate groups of input and output channels.
        bias: Whether to add a learned bias to each output channel.
        dilation: Step between the values of a filter.
        seed: Seed for parameter initialization; None uses OS entropy.

    Shapes:
        x (n, in_channels, l) to (n, out_channels, l'),
        l' = (l - 1) * stride - before - after + dilation * (kernel_size - 1) + output_padding + 1.
        weight (in_channels, out_channels / groups, kernel_size), bias (out_channels,).

    Raises:
        ValueError: A setting that is out of range, groups that do not divide the channels; when called, a
            sequence of other channels, or so short that the output is empty.

    Cost: l * in_channels * out_channels / groups * kernel_size multiply-accumulates per sequence.

    Source: as `ConvTranspose2d`.

    Example:
        >>> from cnnfast import nn
        >>> layer = nn.ConvTranspose1d(1, 1, 3, stride=2, bias=False)
        >>> layer.weight = np.array([[[1.0, 2.0, 1.0]]])
        >>> layer(np.array([[[1.0, 10.0]]], dtype=np.float32))
        array([[[ 1.,  2., 11., 20., 10.]]], dtype=float32)
    """

    _operation = _core.ConvTranspose1d
    weight = Parameter()
    bias = Parameter()

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: Ends = 0,
        output_padding: int = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int = 1,
        *,
        seed: Seed = None,
    ) -> None:
        window = (kernel_size, stride, padding, output_padding)
        super().__init__(
            _core.ConvTranspose1d(in_channels, out_channels, *window, groups, bias, dilation), seed
        )

    def _draw(self, rng: np.random.Generator) -> None:
        fill_uniform(self.weight, self.bias, rng)

"""`Conv1d` and `Conv2d`: the convolution layers."""

from __future__ import annotations

import numpy as np

from .. import _core
from .._types import Ends, Padding, PaddingName, Pair, Seed
from .layer import Layer, Parameter, fill_uniform
from .registry import register


@register
class Conv2d(Layer):
    """2-D convolution (cross-correlation) of images with `out_channels` filters.

    y[n,o,i,j] = bias[o]
        + sum over c,u,v of x[n, c, i*stride+u*dilation-top, j*stride+v*dilation-left] * weight[o,c,u,v]

    Pixels outside of the image are 0. A last row or column that no window covers is ignored.

    Args:
        in_channels, out_channels: Channels of the input and of the output.
        kernel_size: Size of a filter, one number or (height, width).
        stride: Step between positions, one number or (vertical, horizontal).
        padding: Zero rows and columns around the image: one number, (vertical, horizontal), or
            ((top, bottom), (left, right)). "same" keeps height and width (only with stride 1; of an odd
            number of rows, the additional one is at the bottom); "valid" is no padding.
        dilation: Step between the pixels of a filter, one number or (vertical, horizontal).
        groups: Number of groups of input and output channels; each output channel reads the inputs of its own
            group only. groups=in_channels is a depthwise convolution.
        bias: Whether to add a learned bias to each output channel.
        seed: Seed for parameter initialization; None uses OS entropy.

    Shapes:
        x (n, in_channels, h, w) to (n, out_channels, h', w'),
        h' = floor((h + top + bottom - dilation * (kernel height - 1) - 1) / stride) + 1, w' likewise.
        weight (out_channels, in_channels / groups, kernel height, kernel width), bias (out_channels,).

    Raises:
        ValueError: A setting that is out of range, groups that do not divide the channels, "same" with a
            stride; when called, an image that is smaller than the kernel or has other channels.

    Cost: h' * w' * out_channels * in_channels / groups * kernel height * kernel width multiply-accumulates
        per image.

    Source: LeCun et al. 1998, Gradient-based learning applied to document recognition; dilation: Yu and
    Koltun 2015, arXiv:1511.07122; depthwise: Howard et al. 2017, MobileNets, arXiv:1704.04861. The
    initialization is PyTorch's default (uniform, bound 1/sqrt(in_channels / groups * kernel height * kernel
    width)).

    Example:
        >>> from cnnfast import nn
        >>> conv = nn.Conv2d(1, 8, 3, padding=1, seed=0)
        >>> conv
        Conv2d(1, 8, 3, padding=1)
        >>> conv(np.zeros((2, 1, 28, 28), dtype=np.float32)).shape
        (2, 8, 28, 28)
        >>> nn.Conv2d(16, 16, 3, padding="same", groups=16).weight.shape
        (16, 1, 3, 3)
    """

    _operation = _core.Conv2d
    weight = Parameter()
    bias = Parameter()

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Padding | PaddingName = 0,
        dilation: Pair = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        seed: Seed = None,
    ) -> None:
        channels = (in_channels, out_channels)
        super().__init__(_core.Conv2d(*channels, kernel_size, stride, padding, dilation, groups, bias), seed)

    def _draw(self, rng: np.random.Generator) -> None:
        fill_uniform(self.weight, self.bias, rng)


@register
class Conv1d(Layer):
    """1-D convolution (cross-correlation) of sequences with `out_channels` filters.

    y[n,o,i] = bias[o] + sum over c,u of x[n, c, i*stride + u*dilation - before] * weight[o,c,u]

    Values outside of the sequence are 0.

    Args:
        in_channels, out_channels: Channels of the input and of the output.
        kernel_size: Length of a filter.
        stride: Step between positions.
        padding: Zeros at both ends: one number, or (before, after). "same" keeps the length (only with stride
            1; of an odd number, the additional one is at the end); "valid" is no padding.
        dilation: Step between the values of a filter.
        groups: Number of groups of input and output channels; each output channel reads the inputs of its own
            group only.
        bias: Whether to add a learned bias to each output channel.
        seed: Seed for parameter initialization; None uses OS entropy.

    Shapes:
        x (n, in_channels, l) to (n, out_channels, l'),
        l' = floor((l + before + after - dilation * (kernel_size - 1) - 1) / stride) + 1.
        weight (out_channels, in_channels / groups, kernel_size), bias (out_channels,).

    Raises:
        ValueError: A setting that is out of range, groups that do not divide the channels, "same" with a
            stride; when called, a sequence that is shorter than the kernel or has other channels.

    Cost: l' * out_channels * in_channels / groups * kernel_size multiply-accumulates per sequence.

    Source: Waibel et al. 1989, Phoneme recognition using time-delay neural networks; the initialization is
    PyTorch's default (uniform, bound 1/sqrt(in_channels / groups * kernel_size)).

    Example:
        >>> from cnnfast import nn
        >>> conv = nn.Conv1d(3, 4, 5, stride=2, seed=0)
        >>> conv(np.zeros((2, 3, 15), dtype=np.float32)).shape
        (2, 4, 6)
    """

    _operation = _core.Conv1d
    weight = Parameter()
    bias = Parameter()

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: Ends | PaddingName = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        seed: Seed = None,
    ) -> None:
        channels = (in_channels, out_channels)
        super().__init__(_core.Conv1d(*channels, kernel_size, stride, padding, dilation, groups, bias), seed)

    def _draw(self, rng: np.random.Generator) -> None:
        fill_uniform(self.weight, self.bias, rng)

"""Layers written in Python, for tests: a convolution, and a layer that misbehaves as it is told."""

from __future__ import annotations

import numpy as np
from cnnfast import nn
from numpy.lib.stride_tricks import sliding_window_view


def library_layers() -> dict[str, type[nn.Module]]:
    """`nn.layer_types()` without those of tests and of examples in docstrings."""
    return {name: kind for name, kind in nn.layer_types().items() if not issubclass(kind, nn.PythonLayer)}


@nn.register_layer
class TensordotConv(nn.PythonLayer):
    """Stride 1; equal to `nn.Conv2d` of the same seed."""

    def __init__(self, in_channels, out_channels, kernel, padding=0, seed=None):
        self.in_channels, self.out_channels, self.kernel, self.padding = (
            in_channels,
            out_channels,
            kernel,
            padding,
        )
        super().__init__(
            {"weight": (out_channels, in_channels, kernel, kernel), "bias": (out_channels,)}, seed=seed
        )

    def windows_of(self, image):
        return sliding_window_view(image, (self.kernel, self.kernel), axis=(2, 3))

    def forward(self, x):
        p = self.padding
        self.padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        y = np.tensordot(self.windows_of(self.padded), self.weight, ((1, 4, 5), (1, 2, 3)))
        return y.transpose(0, 3, 1, 2) + self.bias[:, None, None]

    def backward(self, dy):
        dw = np.tensordot(dy, self.windows_of(self.padded), ((0, 2, 3), (0, 2, 3)))
        k, p = self.kernel - 1, self.padding
        around = np.pad(dy, ((0, 0), (0, 0), (k, k), (k, k)))
        turned = self.weight[:, :, ::-1, ::-1]
        dx = np.tensordot(self.windows_of(around), turned, ((1, 4, 5), (0, 2, 3))).transpose(0, 3, 1, 2)
        h, w = dx.shape[2:]
        return dx[:, :, p : h - p, p : w - p], {"weight": dw, "bias": dy.sum((0, 2, 3))}


@nn.register_layer
class Scaled(nn.PythonLayer):
    """x * weight, a weight for each feature; `spoil` changes the result of "forward" or "backward"."""

    def __init__(self, features, spoil=None, seed=None):
        self.features = features
        super().__init__({"weight": (features,)}, seed=seed)
        self.spoil = spoil or {}

    def compute_output_shape(self, input_shape):
        return input_shape

    def forward(self, x):
        self.x = x.copy()
        return self.spoil.get("forward", lambda y: y)(x * self.weight)

    def backward(self, dy):
        result = dy * self.weight, {"weight": (dy * self.x).sum(0)}
        return self.spoil.get("backward", lambda both: both)(result)


@nn.register_layer
class Double(nn.PythonLayer):
    """2 x, in place."""

    def forward(self, x):
        x *= 2
        return x

    def backward(self, dy):
        dy *= 2
        return dy

"""Layers and networks: what a user composes. Each is a `Module`."""

from __future__ import annotations

from .activation import GELU, LogSoftmax, ReLU, Softmax
from .adaptive_pooling import AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveMaxPool1d, AdaptiveMaxPool2d
from .average_pooling import AvgPool1d, AvgPool2d
from .batch_norm import BatchNorm1d, BatchNorm2d
from .bias import ChannelBias, PositionBias
from .convolution import Conv2d
from .dropout import Dropout, Dropout2d
from .linear import Linear
from .module import Module
from .normalization import GroupNorm, LayerNorm, LocalResponseNorm
from .pooling import MaxPool1d, MaxPool2d
from .preprocessing import Preprocessing
from .registry import from_config, layer_types
from .residual import Residual
from .sequential import Sequential
from .structure import Flatten

__all__ = [
    "GELU",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "ChannelBias",
    "Conv2d",
    "Dropout",
    "Dropout2d",
    "Flatten",
    "GroupNorm",
    "LayerNorm",
    "Linear",
    "LocalResponseNorm",
    "LogSoftmax",
    "MaxPool1d",
    "MaxPool2d",
    "Module",
    "PositionBias",
    "Preprocessing",
    "ReLU",
    "Residual",
    "Sequential",
    "Softmax",
    "from_config",
    "layer_types",
]

"""Layers and networks: what a user composes. Each is a `Module`."""

from .activation import GELU, LogSoftmax, ReLU, Softmax
from .batch_norm import BatchNorm1d, BatchNorm2d
from .bias import ChannelBias, PositionBias
from .convolution import Conv2d
from .dropout import Dropout, Dropout2d
from .linear import Linear
from .module import Module
from .normalization import GroupNorm, LayerNorm, LocalResponseNorm
from .pooling import MaxPool2d
from .preprocessing import Preprocessing
from .registry import from_config, layer_types
from .residual import Residual
from .sequential import Sequential
from .structure import Flatten

__all__ = [
    "GELU",
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

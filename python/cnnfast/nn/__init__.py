"""Layers and networks: what a user composes. Each is a `Module`."""

from __future__ import annotations

from . import convert, init
from .activation import (
    ELU,
    GELU,
    SELU,
    Hardsigmoid,
    Hardswish,
    LeakyReLU,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from .adaptive_pooling import AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveMaxPool1d, AdaptiveMaxPool2d
from .average_pooling import AvgPool1d, AvgPool2d
from .batch_norm import BatchNorm1d, BatchNorm2d
from .bias import ChannelBias, PositionBias
from .branches import Branches
from .conv_transpose import ConvTranspose1d, ConvTranspose2d
from .convolution import Conv1d, Conv2d
from .dropout import Dropout, Dropout2d
from .graph import Graph
from .linear import Linear
from .module import Module
from .normalization import GroupNorm, LayerNorm, LocalResponseNorm
from .pooling import MaxPool1d, MaxPool2d
from .preprocessing import Preprocessing
from .registry import from_config, layer_types
from .resample import Downsample1d, Downsample2d, Upsample1d, Upsample2d
from .residual import Residual
from .sequential import Sequential
from .softmax import LogSoftmax, Softmax
from .structure import Add, Concat, Flatten, Identity, Reshape

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "Add",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Branches",
    "ChannelBias",
    "Concat",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "Downsample1d",
    "Downsample2d",
    "Dropout",
    "Dropout2d",
    "Flatten",
    "Graph",
    "GroupNorm",
    "Hardsigmoid",
    "Hardswish",
    "Identity",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "LogSoftmax",
    "MaxPool1d",
    "MaxPool2d",
    "Mish",
    "Module",
    "PositionBias",
    "Preprocessing",
    "ReLU",
    "Reshape",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "Upsample1d",
    "Upsample2d",
    "convert",
    "from_config",
    "init",
    "layer_types",
]

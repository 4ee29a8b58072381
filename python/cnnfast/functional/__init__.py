"""Stateless operations on NumPy arrays, forward and backward: for teaching, tests and odd uses.

Each call runs one operation of the engine; to run several in a row fast, compose layers of `cnnfast.nn`. All
arrays of a call have one dtype, float32 or float64; images are (n, c, h, w). `isa` picks an instruction set,
None the best. What an operation computes, and its edge rules, stand with the layer of the same name. Wrong
dtypes raise TypeError, shapes that do not fit ValueError.
"""

from __future__ import annotations

from ..losses import cross_entropy, cross_entropy_backward, nll_loss, nll_loss_backward
from .activation import (
    gelu,
    gelu_backward,
    log_softmax,
    log_softmax_backward,
    relu,
    relu_backward,
    softmax,
    softmax_backward,
)
from .adaptive_pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool1d_backward,
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_max_pool1d,
    adaptive_max_pool1d_backward,
    adaptive_max_pool2d,
    adaptive_max_pool2d_backward,
)
from .batch_norm import batch_norm, batch_norm_backward, dropout, dropout_backward
from .biases import channel_bias, channel_bias_backward, position_bias, position_bias_backward
from .convolution import conv2d, conv2d_backward
from .normalization import (
    group_norm,
    group_norm_backward,
    layer_norm,
    layer_norm_backward,
    local_response_norm,
    local_response_norm_backward,
)
from .pooling import (
    avg_pool1d,
    avg_pool1d_backward,
    avg_pool2d,
    avg_pool2d_backward,
    max_pool1d,
    max_pool1d_backward,
    max_pool2d,
    max_pool2d_backward,
)
from .products import linear, linear_backward
from .structure import add, add_backward, flatten, flatten_backward

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool1d_backward",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_backward",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "add",
    "add_backward",
    "avg_pool1d",
    "avg_pool1d_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "batch_norm",
    "batch_norm_backward",
    "channel_bias",
    "channel_bias_backward",
    "conv2d",
    "conv2d_backward",
    "cross_entropy",
    "cross_entropy_backward",
    "dropout",
    "dropout_backward",
    "flatten",
    "flatten_backward",
    "gelu",
    "gelu_backward",
    "group_norm",
    "group_norm_backward",
    "layer_norm",
    "layer_norm_backward",
    "linear",
    "linear_backward",
    "local_response_norm",
    "local_response_norm_backward",
    "log_softmax",
    "log_softmax_backward",
    "max_pool1d",
    "max_pool1d_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "nll_loss",
    "nll_loss_backward",
    "position_bias",
    "position_bias_backward",
    "relu",
    "relu_backward",
    "softmax",
    "softmax_backward",
]

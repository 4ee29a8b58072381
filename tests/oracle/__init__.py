"""Slow float64 definitions of every operation, forward before backward: the reference for tests of kernels.

Signatures are `f(*arrays, **settings) -> y` and `f_backward(dy, *arrays, **settings) -> tuple`, one
gradient for each array, in the same order. Letters as in the kernels: x input, w weight, b bias, dy = dL/dy.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.oracle import (
    activations,
    bias,
    conv_transpose,
    convolution,
    normalization,
    padding,
    pooling,
    resampling,
    resizing,
    structure,
)
from tests.oracle import linear as linear_ops
from tests.oracle import prelu as prelu_ops
from tests.oracle import softmax as softmax_ops
from tests.oracle.activations import *  # noqa: F403
from tests.oracle.bias import *  # noqa: F403
from tests.oracle.common import *  # noqa: F403
from tests.oracle.common import Array, Gradients
from tests.oracle.conv_transpose import *  # noqa: F403
from tests.oracle.convolution import *  # noqa: F403
from tests.oracle.linear import *  # noqa: F403
from tests.oracle.losses import *  # noqa: F403
from tests.oracle.normalization import *  # noqa: F403
from tests.oracle.padding import *  # noqa: F403
from tests.oracle.pooling import *  # noqa: F403
from tests.oracle.prelu import *  # noqa: F403
from tests.oracle.resampling import *  # noqa: F403
from tests.oracle.resizing import *  # noqa: F403
from tests.oracle.softmax import *  # noqa: F403
from tests.oracle.structure import *  # noqa: F403

#: name of the Op class in _core -> (forward, backward)
PAIRS: dict[str, tuple[Callable[..., Array], Callable[..., Gradients]]] = {
    **convolution.PAIRS,
    **conv_transpose.PAIRS,
    **pooling.PAIRS,
    **linear_ops.PAIRS,
    **bias.PAIRS,
    **resampling.PAIRS,
    **resizing.PAIRS,
    **padding.PAIRS,
    **structure.PAIRS,
    **activations.PAIRS,
    **prelu_ops.PAIRS,
    **normalization.PAIRS,
    **softmax_ops.PAIRS,
}

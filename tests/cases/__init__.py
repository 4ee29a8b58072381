"""The geometries every operation is tried at: one list feeds the oracle tests, the Jacobians, the registry
test and the kernel rows of `python -m bench`. A case knows its settings and shapes and draws its own
arrays.

Sizes are odd or one past a register tile on purpose (SIMD lanes hold 2 to 16 numbers, tiles a few of them);
every kind of stride, padding and kernel the operations accept occurs at least once.
"""

from __future__ import annotations

from tests.cases.bias import BIASES, position_bias
from tests.cases.case import Case, Shape
from tests.cases.conv_transpose import CONV_TRANSPOSE, transpose
from tests.cases.convolution import CONV1D, CONV2D, conv, conv1d
from tests.cases.elementwise import ELEMENTWISE, elementwise
from tests.cases.linear import LINEAR, MATMUL, RBF, linear
from tests.cases.normalization import NORMALIZATION
from tests.cases.padding import PADDING, RESIZING, pad, resize
from tests.cases.pooling import POOLS, average, pool
from tests.cases.resampling import RESAMPLING, down, up
from tests.cases.structure import ADD, CONCAT, FLATTEN, MUL, RESHAPE, SELECT, concat, flatten, reshape

CASES = [
    *CONV2D,
    *CONV1D,
    *CONV_TRANSPOSE,
    *RESAMPLING,
    *RESIZING,
    *PADDING,
    *POOLS,
    *LINEAR,
    *MATMUL,
    *RBF,
    *BIASES,
    *ELEMENTWISE,
    *ADD,
    *MUL,
    *SELECT,
    *CONCAT,
    *FLATTEN,
    *RESHAPE,
    *NORMALIZATION,
]

#: (rows, classes) for the losses, which are not Ops
LOSSES = [(1, 1), (2, 3), (5, 26), (33, 10), (17, 65), (0, 7)]

__all__ = [
    "CASES",
    "LOSSES",
    "Case",
    "Shape",
    "average",
    "concat",
    "conv",
    "conv1d",
    "down",
    "elementwise",
    "flatten",
    "linear",
    "pad",
    "pool",
    "position_bias",
    "reshape",
    "resize",
    "transpose",
    "up",
]

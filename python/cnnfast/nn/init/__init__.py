"""Parameter initialization, with the names and distributions of `torch.nn.init`.

Each function returns an `Initializer`, which fills one array: `init.kaiming_normal()(conv.weight, seed=0)`.
`apply` fills the parameters of a model by their names.
"""

from .apply import apply
from .fan import (
    calculate_gain,
    default,
    kaiming_normal,
    kaiming_uniform,
    lecun_normal,
    lecun_uniform,
    xavier_normal,
    xavier_uniform,
)
from .initializer import Initializer
from .orthogonal import orthogonal
from .simple import constant, normal, ones, uniform, zeros
from .trunc_normal import trunc_normal

__all__ = [
    "Initializer",
    "apply",
    "calculate_gain",
    "constant",
    "default",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "trunc_normal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

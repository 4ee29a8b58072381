"""`RBF`: squared distances from centers."""

from __future__ import annotations

import numpy as np

from .. import _core
from .._types import Seed
from .layer import Layer, Parameter
from .registry import register


@register
class RBF(Layer):
    """Radial basis function units: each output is the squared distance of the input from a center.

    y[n,o] = scale * sum over i of (x[n,i] - weight[o,i])^2

    With `scale` -1 the outputs are logits: the nearest center has the largest, and the loss "cross_entropy"
    makes the distance from the center of the right class small and those from the others large.

    Args:
        in_features, out_features: Sizes of the input and of the output.
        scale: A factor of the outputs.
        fixed: Whether the centers are codes that are not trained: a buffer, part of `state_dict()` and of
            files, but not of `parameters()`.
        seed: Seed for parameter initialization; None uses OS entropy.

    Shapes:
        x (n, in_features) to (n, out_features); weight (out_features, in_features).

    Raises:
        ValueError: A setting that is out of range; when called, an input that is not (n, in_features).

    Cost: in_features * out_features multiply-accumulates per row.

    Source: LeCun et al. 1998, Gradient-based learning applied to document recognition, section II.B. The
    initialization is one that it describes: each value is -1 or 1 with equal probabilities.

    Example:
        >>> from cnnfast import nn
        >>> rbf = nn.RBF(2, 3, fixed=True)
        >>> rbf.weight = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
        >>> rbf(np.array([[1.0, 0.5]], dtype=np.float32))
        array([[0.25, 2.25, 6.25]], dtype=float32)
    """

    _operation = _core.RBF
    weight = Parameter()

    def __init__(
        self,
        in_features: int,
        out_features: int,
        scale: float = 1.0,
        fixed: bool = False,
        *,
        seed: Seed = None,
    ) -> None:
        super().__init__(_core.RBF(in_features, out_features, scale, fixed), seed)

    def _draw(self, rng: np.random.Generator) -> None:
        self.weight[...] = 2 * rng.integers(0, 2, self.weight.shape) - 1

"""Batch normalization: `BatchNorm1d` and `BatchNorm2d`."""

from __future__ import annotations

import numpy as np

from .. import _core
from .layer import Layer, Parameter
from .planned import GraphBuilder
from .registry import register


class _BatchNorm(Layer):
    weight = Parameter()
    bias = Parameter()
    running_mean = Parameter()
    running_var = Parameter()
    num_batches_tracked = Parameter()

    def add_to(self, graph: GraphBuilder, value: int, prefix: str) -> int:
        use_running_stats = not self.own_frozen.isdisjoint(self._op.buffers())
        op = self._operation(**self._op.settings(), use_running_stats=True) if use_running_stats else self._op
        return graph.add(op, [value], prefix)

    def _draw(self, rng: np.random.Generator) -> None:
        for name, value in self.views().items():
            value[...] = 1 if name in ("weight", "running_var") else 0


@register
class BatchNorm2d(_BatchNorm):
    """Normalizes each channel to mean 0 and variance 1 over the batch, then applies a learned weight and
    bias.

    y[n,c,i,j] = (x[n,c,i,j] - mean[c]) / sqrt(var[c] + eps) * weight[c] + bias[c]

    In training passes (`forward`, `loss_and_grad`, `Trainer`, `fit`) mean and variance are those of the whole
    batch, the variance divided by the number m of values per channel, and the running averages are updated:
    running = (1 - momentum) * running + momentum * batch, with the variance divided by m - 1. A batch with
    NaN or infinity does not update them. Inference uses the running averages; they are folded into the
    weights of a preceding convolution or Linear, so that the layer has no cost. Training uses them too,
    without updating them, while they are frozen (`Module.freeze`).

    Args:
        num_features: Channels.
        eps: Added to the variance; above 0.
        momentum: Weight of the new batch in the running averages, 0 to 1; None computes cumulative averages
            over all batches, with weight 1 / `num_batches_tracked`, a buffer that counts them.
        affine: Whether to use a learned weight and bias.

    Shapes:
        x (n, num_features, h, w), kept. weight, bias, running_mean, running_var (num_features,); the last two
        are buffers: they have no gradient, but are part of `state_dict()`. So is num_batches_tracked (),
        which exists only without momentum.

    Raises:
        ValueError: A setting out of range; when called, other channels; in training, one value per channel.

    Cost: in training one pass for the sums and one to apply them, forward and backward, with a barrier of all
    tiles of the batch in between.

    Source: Ioffe & Szegedy 2015, arXiv:1502.03167; averages as in PyTorch.

    Example:
        >>> from cnnfast import nn
        >>> norm = nn.BatchNorm2d(3)
        >>> y = norm.forward(np.random.default_rng(0).normal(5, 2, (8, 3, 9, 9)).astype(np.float32))
        >>> float(abs(y.mean()).round(3)), float(y.std().round(3))
        (0.0, 1.0)
        >>> norm.running_mean.round(1)
        array([0.5, 0.5, 0.5], dtype=float32)
    """

    _operation = _core.BatchNorm2d

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True
    ) -> None:
        super().__init__(_core.BatchNorm2d(num_features, eps, momentum, affine))


@register
class BatchNorm1d(_BatchNorm):
    """`BatchNorm2d` for vectors and sequences.

    Args:
        num_features, eps, momentum, affine: As in `BatchNorm2d`.

    Shapes:
        x (n, num_features) or (n, num_features, l), kept; parameters and buffers as in `BatchNorm2d`.

    Raises:
        ValueError: As BatchNorm2d.

    Source: Ioffe & Szegedy 2015, arXiv:1502.03167.

    Example:
        >>> from cnnfast import nn
        >>> nn.BatchNorm1d(2)(np.array([[3.0, 4.0]], dtype=np.float32)).round(3)
        array([[3., 4.]], dtype=float32)
    """

    _operation = _core.BatchNorm1d

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True
    ) -> None:
        super().__init__(_core.BatchNorm1d(num_features, eps, momentum, affine))

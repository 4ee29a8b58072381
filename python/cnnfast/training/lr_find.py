"""`lr_find`: the learning rate range test, which suggests a learning rate."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._checks import check_integer, check_number, ieee_arithmetic, takes_a_pair, type_of
from .._types import Array, Labels
from ..errors import NonFiniteError
from ..losses import Loss, as_loss
from ..nn import Module
from ..optim import Adam, Optimizer
from ..optim.optimizer import check_optimizer
from .batching import batch_slices
from .order import epoch_order
from .samples import Samples, as_samples
from .trainer import Trainer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..datasets import ImageDataset

#: Weight of the past in the smoothed loss.
_SMOOTHING = 0.9
#: The test ends when the smoothed loss is this many times its minimum.
_DIVERGED = 4.0
#: Fraction of the first loss by which the smoothed loss must fall: less than that may be noise.
_FALL = 0.02
#: Number of steps below which nothing is suggested, and at the start whose slope is not considered.
_FEWEST, _SETTLING = 10, 3


@dataclass(frozen=True, eq=False)
class LearningRateTest:
    """Result of `lr_find`.

    Args:
        lrs: (n,) learning rate of each step, rising; the test ends before its last rate if the loss diverges.
        losses: (n,) loss of each step before its update.
        smoothed: (n,) exponential moving average of the losses.
        suggestion: The rate at which the smoothed loss falls fastest; None if it does not fall.
    """

    lrs: Array
    losses: Array
    smoothed: Array
    suggestion: float | None

    def plot(self, *, ax: Axes | None = None) -> Figure:
        """Draw losses and suggestion; see `cnnfast.plot.lr_find`."""
        from ..plot.lr_find import lr_find

        return lr_find(self, ax=ax)

    def __str__(self) -> str:
        found = "none: the loss does not fall" if self.suggestion is None else f"{self.suggestion:.2g}"
        return f"suggested learning rate {found} ({len(self.lrs)} steps, up to {self.lrs[-1]:.2g})"


@takes_a_pair
def lr_find(
    model: Module,
    data: ImageDataset | tuple[Array, Array],
    optimizer: Optimizer | None = None,
    batch_size: int = 64,
    seed: int = 0,
    loss: Loss | str = "cross_entropy",
    *,
    start: float = 1e-6,
    end: float = 10.0,
    steps: int = 100,
) -> LearningRateTest:
    """Learning rate range test: some steps with a rate that rises exponentially from `start` to `end`.

    It trains copies: model, optimizer and NumPy's random state do not change by a bit.

    Args:
        model: As for `fit`.
        data: An ImageDataset or a pair (x, y); its batches are those of `fit`, repeated if there are too few.
        optimizer: Its settings and state are used; rates of groups rise in proportion. None uses Adam.
        batch_size, seed, loss: As in `fit`.
        start, end: First and last learning rate, start above 0 and below end.
        steps: Number of steps, at least 2.

    Returns:
        A LearningRateTest with losses and a suggestion; `plot()` draws them.

    Raises:
        TypeError, ValueError: Invalid arguments.

    Source: Smith 2017, Cyclical learning rates for training neural networks, arXiv:1506.01186, section 3.3;
    the rate of the steepest descent is that of fastai.

    Example:
        >>> import cnnfast as cf
        >>> model = cf.models.hello_dl_letters(seed=0)
        >>> found = cf.lr_find(model, cf.datasets.glyphs(512, seed=0), cf.optim.Adam(), steps=80)
        >>> 1e-4 < found.suggestion < 0.1
        True
    """
    rates = _rates(start, end, check_integer("lr_find", "steps", steps, 2))
    batch_size = check_integer("lr_find", "batch_size", batch_size, 1)
    seed = check_integer("lr_find", "seed", seed, 0)
    if not isinstance(model, Module):
        raise TypeError(f"lr_find: model must be a Module, got {type_of(model)}")
    chosen = Adam() if optimizer is None else optimizer
    check_optimizer("lr_find", chosen)
    loss = as_loss("lr_find", loss)
    twin = copy.deepcopy(model)
    part = as_samples("lr_find", data, twin, loss)
    trainer = Trainer(twin, copy.deepcopy(chosen), loss, seed)
    smallest = twin.prepare(part.x)[0].smallest_batch
    batches = batch_slices("lr_find", "batch_size", len(part), batch_size, smallest)
    losses = _losses(trainer, part, _rows(part, batches, seed), rates)
    smoothed = _smoothed(losses)
    lrs = np.array(rates[: len(losses)])
    return LearningRateTest(lrs, np.array(losses), smoothed, _suggestion(lrs, smoothed))


def _rates(start: object, end: object, steps: int) -> list[float]:
    low = check_number("lr_find", "start", start, 0, math.inf)
    high = check_number("lr_find", "end", end, 0, math.inf)
    if not 0 < low < high:
        raise ValueError(f"lr_find: start must be above 0 and below end, got {low:g} and {high:g}")
    return [float(low * (high / low) ** (step / (steps - 1))) for step in range(steps)]


def _rows(part: Samples, batches: list[slice], seed: int) -> Iterator[Labels]:
    """The batches of `fit`, epoch after epoch."""
    for epoch in itertools.count(1):
        order = epoch_order(part, seed, epoch)
        yield from (order[batch] for batch in batches)


def _losses(trainer: Trainer, part: Samples, rows: Iterator[Labels], rates: list[float]) -> list[float]:
    """The loss of each step, until it diverges."""
    optimizer = trainer.optimizer
    own = optimizer.learning_rates()
    ratios = [lr / own[0] if own[0] > 0 else 1.0 for lr in own]
    plan, x = trainer.model.prepare(part.x)
    losses: list[float] = []
    for rate, batch in zip(rates, rows, strict=False):
        optimizer.set_learning_rates([rate * ratio for ratio in ratios])
        try:
            losses.append(trainer.step_checked(plan, x, part.y, batch).loss)
        except NonFiniteError:
            break
        smoothed = _smoothed(losses)
        if smoothed[-1] > _DIVERGED * smoothed.min():
            break
    if not losses:
        raise ValueError("lr_find: the loss is not finite at the first step; check the input")
    return losses


@ieee_arithmetic
def _smoothed(losses: list[float]) -> Array:
    """Exponential moving average, without the bias towards its start at 0; a skipped step's NaN repeats the
    value before.
    """
    found, mean, weight = [], 0.0, 0.0
    for loss in losses:
        if not math.isnan(loss):
            mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
            weight = _SMOOTHING * weight + (1 - _SMOOTHING)
        found.append(mean / weight if weight > 0 else math.nan)
    return np.array(found)


@ieee_arithmetic
def _suggestion(lrs: Array, smoothed: Array) -> float | None:
    """The rate of the steepest descent before the minimum."""
    if len(lrs) < _FEWEST or np.isnan(smoothed).any():
        return None
    if smoothed.min() > smoothed[0] - _FALL * abs(smoothed[0]):
        return None
    slope = np.gradient(smoothed, np.log(lrs))[_SETTLING : int(smoothed.argmin()) + 1]
    if len(slope) == 0 or slope.min() >= 0:
        return None
    return float(lrs[_SETTLING + int(slope.argmin())])

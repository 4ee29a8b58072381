"""`schedule`: learning rates over a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._checks import check_integer, check_number
from ..optim.lr_scheduler import Schedule, schedule_of
from .figure import COLORS, axes_for, figure_of, open_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def schedule(
    *schedules: Schedule | str,
    epochs: int = 10,
    steps_per_epoch: int = 100,
    lr: float = 1.0,
    ax: Axes | None = None,
) -> Figure:
    """Draw the learning rate of every step of a training.

    Args:
        schedules: Schedules of `cnnfast.optim.lr_scheduler`, or names that `fit` accepts.
        epochs, steps_per_epoch: Length of the training.
        lr: Learning rate of the optimizer; with 1 the axis shows the factor of it.
        ax: Where to draw; None makes a new figure.

    Returns:
        The figure.

    Raises:
        TypeError: Not a schedule.
        ValueError: No schedule, an unknown name, or one that depends on validation results.
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> from cnnfast import plot
        >>> figure = plot.schedule("cosine", epochs=2, steps_per_epoch=50, lr=0.1)
        >>> len(figure.axes[0].lines[0].get_xdata())
        100
    """
    who = "plot.schedule"
    epochs = check_integer(who, "epochs", epochs, 1)
    steps_per_epoch = check_integer(who, "steps_per_epoch", steps_per_epoch, 1)
    lr = check_number(who, "lr", lr, 0, float("inf"))
    if not schedules:
        raise ValueError(f"{who}: needs at least one schedule, such as 'cosine'")
    curves = [(_label(given), _rates(who, given, epochs, steps_per_epoch, lr)) for given in schedules]
    ax = axes_for(who, ax, 6.4, 3.6)
    at = np.arange(epochs * steps_per_epoch) / steps_per_epoch
    for k, (label, rates) in enumerate(curves):
        ax.step(at, rates, where="post", color=COLORS[k % len(COLORS)], label=label)
    ax.set(xlabel="epoch", ylabel="learning rate")
    ax.set_ylim(bottom=0)
    open_frame(ax)
    ax.legend(frameon=False, fontsize=8)
    return figure_of(ax)


def _label(given: Schedule | str) -> str:
    return given if isinstance(given, str) else repr(given)


def _rates(who: str, given: Schedule | str, epochs: int, steps_per_epoch: int, lr: float) -> list[float]:
    """The learning rate of each step."""
    chosen = schedule_of(who, given)
    steps = range(epochs * steps_per_epoch)
    if chosen is None:
        return [lr for _ in steps]
    if chosen.watches is not None:
        raise ValueError(
            f"{who}: {_label(given)} depends on the validation {chosen.watches} of each epoch; "
            "after a training, history.plot() shows its learning rates"
        )
    planned = chosen.planned(steps=len(steps), epochs=epochs)
    return [planned.lr(lr, step=step, epoch=step // steps_per_epoch) for step in steps]

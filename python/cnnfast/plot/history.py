"""`history`: learning curves of a training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .._checks import type_of
from .figure import BLUE, GRAY, RED, figure_for, figure_of, open_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from ..training.history import History

#: Entries of `EpochRecord.logs` that are no curves.
_LEFT_OUT = ("seconds", "val_seconds", "images_per_second", "skipped_steps")


def history(history: History, *, figure: Figure | SubFigure | None = None) -> Figure:
    """Draw the learning curves of a training: loss, accuracy and other metrics by epoch, one panel each.

    Training values are means over the epoch, before each update; validation values are those after it. The
    learning rate has a panel if it changes, and single steps are shown where they were recorded
    (``fit(history_steps=True)``). The epoch whose weights the model has is marked.

    Args:
        history: What `fit` returned.
        figure: Where to draw; None makes a new figure.

    Returns:
        The figure; ``figure.savefig("history.png")`` writes it.

    Raises:
        TypeError: Not a History.
        ValueError: It has no epochs.
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> import cnnfast as cf
        >>> record = cf.EpochRecord(1, 0.5, 0.8, 0.4, 0.9, 2.0, 500.0)
        >>> [ax.get_ylabel() for ax in cf.plot.history(cf.History([record])).axes]
        ['loss', 'accuracy']
    """
    who = "plot.history"
    if not hasattr(history, "epochs"):
        raise TypeError(f"{who}: history must be a History, as fit returns, got {type_of(history)}")
    if not history.epochs:
        raise ValueError(f"{who}: history has no epochs, nothing was trained")
    panels = _panels(history)
    figure = figure_for(who, figure, 4.2 * len(panels) + 0.4, 3.6)
    for name, ax in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
        _panel(ax, name, history)
    return figure_of(figure)


def _panels(history: History) -> list[str]:
    """The names of what is drawn, in order."""
    names = dict.fromkeys(
        name.removeprefix("val_")
        for record in history.epochs
        for name in record.logs()
        if name not in _LEFT_OUT
    )
    if len({record.lr for record in history.epochs}) == 1:
        names.pop("lr", None)
    return list(names)


def _panel(ax: Axes, name: str, history: History) -> None:
    epochs = [record.epoch for record in history.epochs]
    logs = [record.logs() for record in history.epochs]
    marker = "o" if len(epochs) <= 30 else ""
    if name == "loss" and history.steps is not None and history.steps.loss:
        steps = history.steps.loss
        # A record is the mean of the epoch that ends at its number.
        at = epochs[0] - 1 + (np.arange(len(steps)) + 0.5) * len(epochs) / len(steps)
        ax.plot(at, steps, color=BLUE, alpha=0.25, linewidth=0.8, label="step")
    training = None if name == "lr" else "training"
    for key, color, label in ((name, BLUE, training), (f"val_{name}", RED, "validation")):
        values = [log.get(key, math.nan) for log in logs]
        if not all(map(math.isnan, values)):
            ax.plot(epochs, values, color=color, marker=marker, markersize=3.5, label=label)
    if history.best_epoch is not None:
        ax.axvline(history.best_epoch, color=GRAY, linestyle=":", label=f"best, epoch {history.best_epoch}")
    ax.set(xlabel="epoch", ylabel="learning rate" if name == "lr" else name)
    ax.locator_params(axis="x", integer=True)
    open_frame(ax)
    if ax.get_legend_handles_labels()[1]:
        ax.legend(fontsize=8, frameon=False)

"""`lr_find`: losses and suggestion of a learning rate range test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._checks import type_of
from .figure import BLUE, RED, axes_for, figure_of, open_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..training.lr_find import LearningRateTest


def lr_find(found: LearningRateTest, *, ax: Axes | None = None) -> Figure:
    """Draw the loss of each step against its learning rate, and the suggested rate.

    Args:
        found: What `cnnfast.lr_find` returned.
        ax: Where to draw; None makes a new figure.

    Returns:
        The figure.

    Raises:
        TypeError: Not the result of `lr_find`.
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> import numpy as np
        >>> import cnnfast as cf
        >>> found = cf.LearningRateTest(np.array([0.1, 1.0]), np.ones(2), np.ones(2), None)
        >>> cf.plot.lr_find(found).axes[0].get_xscale()
        'log'
    """
    who = "plot.lr_find"
    if not hasattr(found, "suggestion"):
        raise TypeError(f"{who}: found must be what cnnfast.lr_find returned, got {type_of(found)}")
    ax = axes_for(who, ax, 6.4, 3.8)
    ax.plot(found.lrs, found.losses, color=BLUE, alpha=0.3, label="loss")
    ax.plot(found.lrs, found.smoothed, color=BLUE, label="smoothed")
    if found.suggestion is not None:
        ax.axvline(found.suggestion, color=RED, linestyle="--", label=f"suggestion {found.suggestion:.2g}")
    ax.set(xscale="log", xlabel="learning rate", ylabel="loss")
    steady = found.smoothed[np.isfinite(found.smoothed)]
    if len(steady) and np.nanmin(found.losses) >= 0:  # steps that diverge would hide the others
        ax.set_ylim(0, 1.15 * float(steady.max()))
    open_frame(ax)
    ax.legend(frameon=False, fontsize=8)
    return figure_of(ax)

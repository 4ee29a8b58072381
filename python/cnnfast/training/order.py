"""The order of the images in an epoch, derived from the seed and the number of the epoch alone."""

from __future__ import annotations

import numpy as np

from .._types import Labels
from .samples import Samples


def epoch_order(part: Samples, seed: int | None, epoch: int) -> Labels:
    """The row numbers of `part` in the order of an epoch (from 1); without a seed, in their own order."""
    rows = part.rows
    if seed is None:
        return np.arange(len(part)) if rows is None else rows
    rng = np.random.default_rng(np.random.SeedSequence([seed, epoch - 1]))
    order = rng.permutation(len(part))
    return order if rows is None else rows[order]

"""Checks whether ink looks like one letter. Several letters, a blob or a scene do not, yet a network would
assign a class to them.

The thresholds lie beyond what single letters reach in `bench/single_letter.py`, which measures false
positives and false negatives; docs/cli.md has the numbers.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from . import components, widths
from .normalize import LONG_SIDE, at_working_size

SEVERAL = "several letters: part of a page?"
CROWDED = "no single letter: a page or a scene?"
NO_STROKES = "no strokes: a blob or part of a scene?"

MAX_COMPONENTS, MIN_COMPONENT = 5, 0.02
"""At least this many components of at least this fraction of the ink: a page. The letters i, j and broken
strokes have two to four."""

MIN_LETTER = 0.12
"""Two components of this fraction of the ink, side by side with a gap between them, are a word if ..."""

MIN_ASPECT_AND_GAP = ((0.8, 4 / 120), (1.3, 1 / 120))
"""... the ink is wider than this multiple of its height, the gap than this fraction of the longer side."""

MAX_LETTERS, MIN_ROW_LETTER = 4, 0.08
"""At least this many components of at least this fraction of the ink: rows of letters."""

MAX_OUTLINE, MAX_HOLES = 2.4, 5
"""An outline longer than this multiple of the bounding square's, or more holes than this: a page or scene."""

MAX_WIDTH, MAX_WIDTH_AND_VARIATION = 0.46, 1.02
"""Upper limits for pen strokes: the largest width as a fraction of the longer side, and that plus the
coefficient of variation of the widths. Bold letters reach 0.45 and 1.01."""


def warning(ink: NDArray[np.float32]) -> str:
    """Why the ink does not look like one letter; empty if it does.

    Args:
        ink: (h, w), 0 the background and 1 full ink, cropped to the ink up to a few pixels.
    """
    mask = np.pad(at_working_size(ink) > 0.5, 1)
    height, width = mask.shape
    labels, count = components.label(mask)
    fractions = np.bincount(labels.ravel(), minlength=count + 1)[1:] / mask.sum()
    if (fractions >= MIN_COMPONENT).sum() >= MAX_COMPONENTS or (
        fractions >= MIN_ROW_LETTER
    ).sum() >= MAX_LETTERS:
        return SEVERAL
    gap = _widest_gap(labels, np.flatnonzero(fractions >= MIN_LETTER) + 1) / LONG_SIDE
    if any(width > aspect * height and gap >= least for aspect, least in MIN_ASPECT_AND_GAP):
        return SEVERAL
    edges = mask.astype(np.int8)
    outline = np.abs(np.diff(edges, axis=0)).sum() + np.abs(np.diff(edges, axis=1)).sum()
    holes = components.label(~mask)[1] - 1
    if outline > MAX_OUTLINE * 4 * LONG_SIDE or holes > MAX_HOLES:
        return CROWDED
    half_widths = widths.widths(mask)
    width_fraction = 2 * float(half_widths.max()) / LONG_SIDE
    if (
        width_fraction > MAX_WIDTH
        or width_fraction + float(half_widths.std() / half_widths.mean()) > MAX_WIDTH_AND_VARIATION
    ):
        return NO_STROKES
    return ""


def _widest_gap(labels: NDArray[np.int64], parts: NDArray[np.int64]) -> int:
    """The widest horizontal gap between neighboring components; negative if they overlap."""
    spans = []
    for part in parts:
        columns = np.flatnonzero((labels == part).any(0))
        spans.append((int(columns[0]), int(columns[-1])))
    spans.sort()
    return max((right[0] - left[1] - 1 for left, right in itertools.pairwise(spans)), default=-1)

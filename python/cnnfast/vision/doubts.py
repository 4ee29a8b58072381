"""Does ink look like one letter? Several letters, a blob and a scene do not, and a network would name one all
the same.

The bounds lie beyond what single letters reach, with every pen and paper of `bench/doubts.py`, which measures
how many are doubted on either side; docs/cli.md has the figures.
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

PIECES, PIECE = 5, 0.02
"""As many pieces of this fraction of the ink or more: a page. The letters i, j and broken strokes have two to
four."""

PART = 0.12
"""Two pieces of this fraction of the ink, side by side with a gap between them, are a word if ..."""

WORDS = ((0.8, 4 / 120), (1.3, 1 / 120))
"""... the ink is wider than this multiple of its height, the gap than this fraction of the longer side."""

QUARTERS, QUARTER = 4, 0.08
"""As many pieces of this fraction of the ink: rows of letters."""

OUTLINE, HOLES = 2.4, 5
"""A longer outline than this, as a multiple of that of the bounding square, or more holes: a page or
scene."""

DEPTH, DEPTH_AND_SPREAD = 0.46, 1.02
"""Wider at its widest than this fraction of the longer side, or together with the relative spread of the
widths: no pen has drawn that. Bold letters reach 0.45 and 1.01."""


def doubt(ink: NDArray[np.float32]) -> str:
    """Why the ink does not look like one letter; empty if it does.

    Args:
        ink: (h, w), 0 the page and 1 full ink, cut to the ink up to a few pixels.
    """
    mask = np.pad(at_working_size(ink) > 0.5, 1)
    height, width = mask.shape
    labels, count = components.label(mask)
    fractions = np.bincount(labels.ravel(), minlength=count + 1)[1:] / mask.sum()
    if (fractions >= PIECE).sum() >= PIECES or (fractions >= QUARTER).sum() >= QUARTERS:
        return SEVERAL
    gap = _widest_gap(labels, np.flatnonzero(fractions >= PART) + 1) / LONG_SIDE
    if any(width > aspect * height and gap >= least for aspect, least in WORDS):
        return SEVERAL
    edges = mask.astype(np.int8)
    outline = np.abs(np.diff(edges, axis=0)).sum() + np.abs(np.diff(edges, axis=1)).sum()
    holes = components.label(~mask)[1] - 1
    if outline > OUTLINE * 4 * LONG_SIDE or holes > HOLES:
        return CROWDED
    across = widths.widths(mask)
    depth = 2 * float(across.max()) / LONG_SIDE
    if depth > DEPTH or depth + float(across.std() / across.mean()) > DEPTH_AND_SPREAD:
        return NO_STROKES
    return ""


def _widest_gap(labels: NDArray[np.int64], parts: NDArray[np.int64]) -> int:
    """The widest column of page between pieces that lie side by side; negative if they overlap."""
    spans = []
    for part in parts:
        columns = np.flatnonzero((labels == part).any(0))
        spans.append((int(columns[0]), int(columns[-1])))
    spans.sort()
    return max((right[0] - left[1] - 1 for left, right in itertools.pairwise(spans)), default=-1)

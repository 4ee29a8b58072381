"""Cutting of touching letters."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")
from cnnfast.pages import averaging, split
from cnnfast.pages.seams import seams
from cnnfast.pages.split import Part, Piece


def slanted_pair():
    """Two bars of a slope that no column separates, joined by a thin bridge in row 20."""
    ink = np.zeros((40, 60), np.float32)
    for row in range(40):
        start = 4 + (39 - row) // 2
        ink[row, start : start + 8] = ink[row, start + 24 : start + 32] = 1
    ink[19:21, 20:40] = 1
    return ink


def test_a_seam_follows_the_gap():
    ink = slanted_pair()
    assert ink.sum(0)[10:50].min() > 2  # each column crosses ink
    best = min(seams(ink, 8.0, 30.0), key=lambda seam: seam.crossed)
    assert best.crossed == pytest.approx(2 / 8)
    assert best.columns[0] - best.columns[-1] >= 3


def test_parts_are_cut_along_the_gap_and_keep_all_ink():
    ink = slanted_pair()
    whole = Piece(0, 0, ink > 0.5)
    found = split.parts(whole, ink, 30.0)
    assert found[0].piece is whole
    halves = [part for part in found if part.crossed < 0.3 or part.stop == found[0].stop]
    areas = [int(part.piece.mask.sum()) for part in halves]
    assert any(abs(area - 320) <= 40 for area in areas)
    assert all(part.piece.mask[0].any() and part.piece.mask[-1].any() for part in found)  # tight


def test_usual_letters_are_not_cut():
    whole = Piece(0, 0, np.ones((40, 34), bool))
    assert len(split.parts(whole, np.ones((40, 34), np.float32), 30.0)) == 1


def test_fragments_of_a_cut_stroke_are_dropped_but_dots_are_kept():
    mask = np.zeros((40, 40), bool)
    mask[10:40, 10:16] = mask[2:6, 10:16] = True  # a stem with a dot
    mask[30:32, 22:30] = True  # the end of a stroke of the neighbor, cut at column 25
    whole = Piece(0, 0, mask)
    left = split._between(whole, np.zeros(40, np.int64), np.full(40, 25))
    assert (left.left, left.right) == (10, 16)
    assert left.mask[:4].any()


def chosen(widths, confidence, crossed=0.3):
    """Of a whole and its two halves."""
    pieces = [Piece(0, 0, np.ones((40, width), bool)) for width in widths]
    some = [Part(0, 2, pieces[0], 0.0), Part(0, 1, pieces[1], crossed), Part(1, 2, pieces[2], 0.0)]
    return split.best(some, np.array(confidence, np.float32), 40.0)


def test_the_likelier_division_is_chosen():
    assert chosen((80, 40, 40), (0.3, 0.9, 0.9)) == [1, 2]
    assert chosen((80, 40, 40), (0.9, 0.9, 0.9)) == [1, 2]  # too wide for one letter
    assert chosen((48, 24, 24), (0.9, 0.9, 0.9)) == [0]  # a wide letter, whose halves look like letters
    assert chosen((56, 28, 28), (0.2, 0.95, 0.95), crossed=0.2) == [1, 2]
    assert chosen((56, 28, 28), (0.8, 0.95, 0.95), crossed=3.0) == [0]


def test_temperature_lowers_confidence_and_keeps_the_order():
    row = averaging.less_sure(np.array([[0.9, 0.1]], np.float32), 2.0)
    np.testing.assert_allclose(row, [[0.75, 0.25]], rtol=1e-5)

"""Printed lines are found in a map of ink; letters stay."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast.vision import rules


def page(strength: float, slope: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A row of bars that covers most of the middle line, and all lines: as maps of ink."""
    lines = np.zeros((200, 700), np.float32)
    x = np.arange(700)
    for top in (40, 100, 160):
        for k in range(3):
            lines[np.rint(top + k + slope * x).astype(int), x] = strength
    letters = np.zeros_like(lines)
    for left in range(160, 540, 24):
        letters[70:130, left : left + 9] = 1
    return letters, lines


@pytest.mark.parametrize("strength", [0.65, 1.0])
@pytest.mark.parametrize("slope", [0.0, 0.01])
def test_lines_are_found_between_letters_too(strength: float, slope: float) -> None:
    letters, lines = page(strength, slope)
    found = rules.rules(np.maximum(letters, lines))
    assert found[(lines > 0) & (letters == 0)].mean() > 0.97
    assert not found[letters > 0].any()


def test_columns_of_squared_paper() -> None:
    letters, lines = page(0.65)
    found = rules.rules(np.maximum(letters, lines).T)
    assert found.T[(lines > 0) & (letters == 0)].mean() > 0.97


def test_horizontal_strokes_of_darker_ink_on_a_line_stay() -> None:
    _, lines = page(0.65)
    lines[100:103, 300:330] = 1
    found = rules.rules(lines)
    assert not found[100:103, 300:330].any()
    assert found[100:103, :300].all()


def test_a_page_without_lines() -> None:
    letters, _ = page(0.0)
    assert not rules.rules(letters).any()
    assert not rules.rules(np.zeros((40, 30), np.float32)).any()

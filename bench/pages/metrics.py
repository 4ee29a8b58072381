"""Metrics of a page: boxes, letters, text, order, spaces and confidence, as counts that can be added."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.pages.truth import Box, Letter, Page

Array = np.ndarray[Any, Any]
MIN_IOU = 0.5


@dataclass
class Score:
    """Counts of one or several pages. Those about boxes are 0 if the reader gives no boxes."""

    pages: int = 0
    true_boxes: int = 0
    found_boxes: int = 0
    matched: int = 0
    matched_right: int = 0
    neighbors: int = 0  # pairs of consecutive letters of the truth, both found
    order_errors: int = 0
    space_errors: int = 0
    characters: int = 0
    edits: int = 0
    answers: list[tuple[float, bool]] = field(default_factory=list)  # (confidence, right) of matched letters

    def __add__(self, other: Score) -> Score:
        return Score(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def f1(self) -> float | None:
        """Of the boxes: 2 matched / (true + found)."""
        return ratio(2 * self.matched, self.true_boxes + self.found_boxes)

    def to_dict(self) -> dict[str, Any]:
        full, covered = coverage_errors(self.answers)
        return {
            "pages": self.pages,
            "letters": self.characters,
            "segmentation_f1": self.f1,
            "letter_accuracy": ratio(self.matched_right, self.matched),
            "character_error_rate": ratio(self.edits, self.characters),
            "order_error": ratio(self.order_errors, self.neighbors),
            "space_error": ratio(self.space_errors, self.neighbors),
            "error_at_full_coverage": full,
            "error_at_90_coverage": covered,
        }


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def score(truth: Page, found: Page) -> Score:
    """Compares a page as read with the truth."""
    text, expected = (" ".join(page.text.split()) for page in (found, truth))
    result = Score(1, characters=len(expected), edits=edit_distance(text, expected))
    if not (truth.has_boxes and found.has_boxes):
        return result
    true, read = list(truth.letters()), list(found.letters())
    pairs = match([letter.box for letter, _, _ in true], [letter.box for letter, _, _ in read])  # type: ignore[misc]
    result.true_boxes, result.found_boxes, result.matched = len(true), len(read), len(pairs)
    for i, j in pairs.items():
        right = read[j][0].text.lower() == true[i][0].text.lower()
        result.matched_right += right
        result.answers.append((read[j][0].confidence, right))
    for i in range(len(true) - 1):
        if i in pairs and i + 1 in pairs:
            here, after = pairs[i], pairs[i + 1]
            result.neighbors += 1
            result.order_errors += after < here
            result.space_errors += separator(true[i], true[i + 1]) != separator(read[here], read[after])
    return result


def separator(a: tuple[Letter, int, int], b: tuple[Letter, int, int]) -> str:
    """What is between two letters: nothing, a space or the end of a line."""
    return "" if a[2] == b[2] else " " if a[1] == b[1] else "\n"


def match(true: Sequence[Box], found: Sequence[Box], least: float = MIN_IOU) -> dict[int, int]:
    """Pairs of boxes, those of the largest intersection over union first; each box is in one pair at most."""
    if not true or not found:
        return {}
    table = iou(np.array(true, float), np.array(found, float))
    pairs: dict[int, int] = {}
    used: set[int] = set()
    i, j = np.nonzero(table >= least)
    for k in np.argsort(-table[i, j], kind="stable"):
        a, b = int(i[k]), int(j[k])
        if a not in pairs and b not in used:
            pairs[a] = b
            used.add(b)
    return pairs


def iou(a: Array, b: Array) -> Array:
    """Intersection over union of boxes (n, 4) and (m, 4): (n, m)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(2)
    area_a, area_b = ((box[:, 2:] - box[:, :2]).prod(1) for box in (a, b))
    union = area_a[:, None] + area_b[None] - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


def edit_distance(a: str, b: str) -> int:
    """Levenshtein's distance: insertions, deletions and substitutions."""
    row = list(range(len(b) + 1))
    for i, c in enumerate(a, 1):
        corner, row[0] = row[0], i
        for j, d in enumerate(b, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (c != d))
    return row[-1]


def coverage_errors(
    answers: Iterable[tuple[float, bool]], part: float = 0.9
) -> tuple[float | None, float | None]:
    """Error of all letters, and of the `part` with the highest confidence; equal ones in their order."""
    right = [ok for _, ok in sorted(answers, key=lambda answer: -answer[0])]
    kept = right[: round(part * len(right))]
    return tuple(1 - sum(some) / len(some) if some else None for some in (right, kept))  # type: ignore[return-value]

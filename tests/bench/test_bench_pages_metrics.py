"""Metrics of pages against slow definitions."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from bench.pages import metrics
from bench.pages.truth import Box, Letter, Page


def row(words: list[str], top: float = 0.0) -> list[list[Letter]]:
    """Letters 8 wide and 10 high, 10 apart, words 20 apart."""
    x, line = 0.0, []
    for word in words:
        letters = []
        for character in word:
            letters.append(Letter(character, (x, top, x + 8, top + 10)))
            x += 10
        line.append(letters)
        x += 10
    return line


def slow_distance(a: str, b: str) -> int:
    @functools.cache
    def distance(i: int, j: int) -> int:
        if i == 0 or j == 0:
            return i + j
        change = distance(i - 1, j - 1) + (a[i - 1] != b[j - 1])
        return min(distance(i - 1, j) + 1, distance(i, j - 1) + 1, change)

    return distance(len(a), len(b))


def slow_iou(a: Box, b: Box) -> float:
    """Counts unit cells of integer boxes."""

    def cells(box: Box) -> set[tuple[int, int]]:
        left, top, right, bottom = (int(edge) for edge in box)
        return {(x, y) for x in range(left, right) for y in range(top, bottom)}

    union = cells(a) | cells(b)
    return len(cells(a) & cells(b)) / len(union) if union else 0.0


def test_edit_distance_is_the_recursive_definition() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        a, b = ("".join(rng.choice(list("abc "), rng.integers(0, 8))) for _ in range(2))
        assert metrics.edit_distance(a, b) == slow_distance(a, b)
    assert metrics.edit_distance("kitten", "sitting") == 3


def test_iou_counts_cells() -> None:
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 8, (2, 12, 2, 2))
    a, b = (np.concatenate([some.min(1), some.max(1)], 1) for some in corners)
    want = [[slow_iou(tuple(p), tuple(q)) for q in b] for p in a]
    np.testing.assert_allclose(metrics.iou(a.astype(float), b.astype(float)), want)


def test_boxes_are_matched_once_best_first() -> None:
    true: list[Box] = [(0, 0, 10, 10), (20, 0, 30, 10)]
    found: list[Box] = [(1, 0, 11, 10), (0, 0, 10, 10), (24, 0, 34, 10), (50, 0, 60, 10)]
    assert metrics.match(true, found) == {0: 1}  # 6 of 14 columns of the second are too few
    assert metrics.match([(0, 0, 10, 10), (1, 0, 11, 10)], [(0, 0, 10, 10)]) == {0: 0}
    assert metrics.match(true, [(23, 0, 33, 10)]) == {1: 0}  # 7 of 13
    assert metrics.match(true, []) == metrics.match([], found) == {}


def test_a_page_read_right_has_no_errors() -> None:
    page = Page([row(["four", "score"]), row(["and"], 30)])
    result = metrics.score(page, page).to_dict()
    assert result["segmentation_f1"] == result["letter_accuracy"] == 1
    errors = ["character_error_rate", "order_error", "space_error", "error_at_full_coverage"]
    assert [result[name] for name in errors] == [0, 0, 0, 0]
    assert result["letters"] == len("four score and")


def test_case_does_not_count() -> None:
    result = metrics.score(Page([row(["four"])]), Page([row(["FOUR"])]))
    assert (result.edits, result.matched_right) == (0, 4)


def test_a_missed_letter_and_one_too_many() -> None:
    true = Page([row(["four"])])
    line = row(["fou"])
    line[0].append(Letter("x", (90, 0, 98, 10)))
    result = metrics.score(true, Page([line]))
    assert (result.true_boxes, result.found_boxes, result.matched) == (4, 4, 3)
    assert result.f1 == 0.75
    assert result.edits == 1


def test_spaces_and_ends_of_lines() -> None:
    true = Page([row(["ab", "cd"]), row(["ef"], 30)])
    boxes = [letter for letter, _, _ in true.letters()]
    joined = Page([[boxes[:4]], [boxes[4:]]])
    one_line = Page([[boxes[:2], boxes[2:4], boxes[4:]]])
    assert [metrics.score(true, page).space_errors for page in (true, joined, one_line)] == [0, 1, 1]
    assert metrics.score(true, joined).neighbors == 5
    assert metrics.score(true, joined).edits == 1


def test_lines_in_the_wrong_order() -> None:
    first, second = row(["ab"]), row(["cd"], 30)
    result = metrics.score(Page([first, second]), Page([second, first]))
    assert (result.order_errors, result.neighbors) == (1, 3)


def test_coverage_leaves_out_the_least_confident() -> None:
    answers = [(0.1 * k, k != 1) for k in range(1, 11)]
    full, covered = metrics.coverage_errors(answers)
    assert (full, covered) == (pytest.approx(0.1), 0)
    assert metrics.coverage_errors([]) == (None, None)


def test_a_reader_without_boxes_is_compared_by_its_text() -> None:
    result = metrics.score(Page([row(["four", "score"])]), Page.from_text("four\n\nscare\n")).to_dict()
    assert result["segmentation_f1"] is result["letter_accuracy"] is result["space_error"] is None
    assert result["character_error_rate"] == pytest.approx(1 / 10)


def test_a_page_on_which_nothing_was_read() -> None:
    result = metrics.score(Page([row(["four"])]), Page()).to_dict()
    assert (result["segmentation_f1"], result["character_error_rate"]) == (0, 1)


def test_scores_add() -> None:
    page = Page([row(["four"])])
    total = metrics.score(page, page) + metrics.score(page, Page())
    assert (total.pages, total.true_boxes, total.matched, total.edits) == (2, 8, 4, 4)
    assert total.f1 == pytest.approx(2 / 3)
    assert len(total.answers) == 4

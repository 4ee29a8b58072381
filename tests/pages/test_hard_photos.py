"""Pages in photos that are hard to read give the letters of the clean page."""

from __future__ import annotations

import difflib

import numpy as np
import pytest

pytest.importorskip("scipy")
import cnnfast as cf
from cnnfast.pages import orientation, straighten

from tests.support import hard_photos
from tests.support.drawings import words
from tests.support.marks import quick_only

TEXT = "REAP   FACT\nKEY   LARGE\nHOLD   BAT"
CASES = hard_photos.cases(distance=80)


@pytest.fixture(scope="module")
def page() -> np.ndarray:
    return np.pad(1 - words(TEXT, 60, bold=1).astype(np.float32) / 255, 60)


@pytest.fixture(scope="module")
def expected(page: np.ndarray) -> str:
    text = cf.read_page(hard_photos.photographed(hard_photos.on_paper(page))).text
    assert difflib.SequenceMatcher(None, text, TEXT.lower().replace("   ", " ")).ratio() > 0.85
    return text


@pytest.mark.parametrize("case", quick_only(CASES, ["tilted by 30 degrees", "strong lines"]))
def test_hard_photos_are_read_like_a_clean_page(case: str, page: np.ndarray, expected: str) -> None:
    text = cf.read_page(CASES[case](page)).text
    assert [len(line.split()) for line in text.splitlines()] == [2, 2, 2]
    assert difflib.SequenceMatcher(None, text, expected).ratio() > 0.85


def test_boxes_of_a_turned_page_are_in_the_photo(page: np.ndarray) -> None:
    photo = hard_photos.rotated(page, 90)
    boxes = np.array([letter.box for letter in cf.read_page(photo).letters])
    y, x = np.nonzero(photo.mean(2) < 128)
    ends = boxes[:, 0].min(), boxes[:, 1].min(), boxes[:, 2].max(), boxes[:, 3].max()
    np.testing.assert_allclose(ends, (x.min(), y.min(), x.max() + 1, y.max() + 1), atol=2)


def test_a_single_letter_is_not_laid_on_its_side() -> None:
    bar = np.zeros((300, 200), bool)
    bar[50:250, 90:110] = True
    assert not straighten.view(bar, None).is_steep


def test_few_letters_are_not_turned() -> None:
    model = cf.models.pretrained("letters")
    images = np.zeros((orientation.MIN_LETTERS - 1, 28, 28), np.uint8)
    images[:, 4:24, 12:16] = 255
    assert orientation.quarters(model, images, steep=True) == 0

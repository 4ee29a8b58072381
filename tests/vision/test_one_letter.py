"""Warnings for images that do not show one letter, and blank pages."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast.errors import DataError
from cnnfast.vision import (
    ImageWarning,
    load_image,
    prepare,
    to_model_input,
)

from tests.support.drawings import blob, drawing, photo, words
from tests.support.marks import quick_only

Image = pytest.importorskip("PIL.Image")


BLANK = "no letter found: the page is blank, or the ink too faint to tell from it"


def warning_for(image: np.ndarray) -> str:
    return prepare(image).warning


@pytest.mark.parametrize(
    "text", ["ab", "cat", "Hello", "two\nrows", "a page of\nseveral rows\nof letters", "1 2"]
)
def test_several_letters_get_a_warning(text: str) -> None:
    assert warning_for(words(text)) == "several letters: part of a page?"
    assert warning_for(255 - words(text)) == "several letters: part of a page?"


def test_a_blob_gets_a_warning() -> None:
    y, x = np.mgrid[-1:1:200j, -1:1:200j]
    square = np.where(np.maximum(abs(x), abs(y)) < 0.6, 0, 255).astype(np.uint8)
    ellipse = np.where(np.hypot(x, 1.5 * y) < 0.8, 0, 255).astype(np.uint8)
    for image in (blob(), ellipse, square):
        try:
            assert warning_for(image) == "no strokes: a blob or part of a scene?"
        except DataError as error:  # wide enough to be taken for a shadow
            assert str(error) == BLANK  # noqa: PT017


def test_a_scene_gets_a_warning_or_is_blank(rng: np.random.Generator) -> None:
    """Random shapes of random brightness over each other, as in a photo. Few look like a letter."""
    y, x = np.mgrid[0:200, 0:200]
    passed = 0
    for _ in range(4):
        scene = np.full((200, 200), 128.0)
        for _ in range(60):
            (top, left), (a, b), level = rng.uniform(0, 200, 2), rng.uniform(5, 40, 2), rng.uniform(0, 255)
            scene[((y - top) / a) ** 2 + ((x - left) / b) ** 2 < 1] = level
        try:
            passed += warning_for(scene.astype(np.uint8)) == ""
        except DataError as error:
            assert str(error) == BLANK  # noqa: PT017
    assert passed <= 1


@pytest.mark.parametrize("bold", [0, pytest.param(4, marks=pytest.mark.slow)])
def test_printed_letters_get_no_warning(bold: int) -> None:
    for text in "aijgkmqwxABEHIKMRW01468":
        assert warning_for(words(text, size=90, bold=bold)) == "", text


def test_a_letter_of_broken_strokes_gets_no_warning() -> None:
    page = np.asarray(drawing()).copy()
    page[180:186] = 255  # through the bowl's end and the stem
    assert warning_for(page) == ""


def test_a_warning_is_issued_by_the_functions_that_return_an_array() -> None:
    for function in (to_model_input, load_image):
        with pytest.warns(ImageWarning, match="several letters") as caught:
            assert function(words("abc")).shape == (28, 28)
        assert caught[0].filename == __file__


@pytest.mark.parametrize("slope", quick_only([0.0, 0.2, 0.35], [0.35]))
@pytest.mark.parametrize("noise", [0.0, 0.02, 0.06])
def test_blank_pages(slope: float, noise: float) -> None:
    page = Image.new("L", (300, 300), 255)
    with pytest.raises(DataError) as caught:
        to_model_input(photo(page, slope=slope, noise=noise))
    assert str(caught.value) == BLANK


def test_a_transparent_image_is_blank() -> None:
    with pytest.raises(DataError, match=BLANK):
        to_model_input(Image.new("RGBA", (50, 50), (0, 0, 0, 0)))

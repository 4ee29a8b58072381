"""Letters cut out tightly, and a given polarity of the ink."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np
import pytest
from cnnfast import datasets
from cnnfast.errors import DataError
from cnnfast.vision import (
    ImageWarning,
    prepare,
    to_model_input,
)

from tests.support.drawings import cropped, drawing, similarity, words

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    """What the drawing looks like to a network, taken from the cleanest image of it."""
    return to_model_input(drawing())


def gray(image: object) -> np.ndarray:
    return np.asarray(image.convert("L"))  # type: ignore[attr-defined]


def in_the_middle(ink: np.ndarray) -> np.ndarray:
    return np.pad(ink, 30)


CUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "at the ink": lambda ink: ink,
    "a pixel around": lambda ink: np.pad(ink, 1),
    "room below and at the right": lambda ink: np.pad(ink, ((0, 25), (0, 25))),
    "room above and at the left": lambda ink: np.pad(ink, ((25, 0), (25, 0))),
    "border at one side": lambda ink: np.pad(ink, ((0, 0), (0, 25))),
    "into the ink": lambda ink: ink[2:-2, 2:-2],
}


@pytest.fixture(scope="module")
def large_glyphs() -> list[np.ndarray]:
    """Ink 0..255 on 0, cropped at the ink; not those that are one bar."""
    images = datasets.glyphs(40, seed=3, size=96).images
    return [255 - cropped(255 - image) for image in images if min(cropped(255 - image).shape) > 24]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.slow
def test_the_border_does_not_matter(cut: str, large_glyphs: list[np.ndarray]) -> None:
    for ink in large_glyphs[::2]:
        expected = to_model_input(255 - in_the_middle(ink))
        for image in (CUTS[cut](ink), 255 - CUTS[cut](ink)):
            assert similarity(to_model_input(image), expected) > (0.85 if cut == "into the ink" else 0.96)


@pytest.mark.parametrize("text", list("EFTLHZBDMWOSQabegk48"))
@pytest.mark.parametrize("bold", [0, 3])
@pytest.mark.slow
def test_printed_letters_cut_out_tightly(text: str, bold: int) -> None:
    page = words(text, size=90, bold=bold)
    expected = to_model_input(page)
    assert similarity(to_model_input(cropped(page)), expected) > 0.96
    assert similarity(to_model_input(255 - cropped(page)), expected) > 0.96


def test_a_letter_of_the_final_size_cut_out_tightly() -> None:
    """All four corners of an E are ink, at full strength: the border is not empty all the same."""
    page = np.full((28, 28), 255, np.uint8)
    page[:, :3] = page[:3] = page[13:16, :24] = page[-3:] = 0
    for image in (page, 255 - page):
        x = to_model_input(image)
        assert x[14, 8] > 200
        assert x[9, 18] < 60


@pytest.mark.parametrize(
    "image", [drawing(), np.pad(gray(drawing())[40:270, 70:240], 0)], ids=["margin", "cut"]
)
def test_given_ink(image: object) -> None:
    dark = gray(Image.fromarray(image) if isinstance(image, np.ndarray) else image)
    expected = to_model_input(dark)
    np.testing.assert_array_equal(to_model_input(dark, ink="dark"), expected)
    np.testing.assert_array_equal(to_model_input(255 - dark, ink="light"), to_model_input(255 - dark))
    assert similarity(to_model_input(255 - dark, ink="light"), expected) > 0.96
    with contextlib.suppress(DataError, ImageWarning):  # what is around the letter, if anything
        assert similarity(to_model_input(dark, ink="light"), expected) < 0.6


def test_given_ink_of_an_image_taken_as_it_is() -> None:
    x = np.zeros((28, 28), np.uint8)
    x[5:20, 3:9] = 255
    np.testing.assert_array_equal(to_model_input(x, ink="light"), x)
    np.testing.assert_array_equal(to_model_input(255 - x, ink="dark"), x)
    with contextlib.suppress(DataError):  # the page as the letter, or nothing
        assert (prepare(x, ink="dark").pixels != x).any()

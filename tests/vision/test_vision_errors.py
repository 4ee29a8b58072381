"""Wrong arguments of the functions that process an image."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast.errors import DataError
from cnnfast.vision import (
    to_color_input,
    to_model_input,
)

from tests.support.drawings import drawing

WRONG = {
    "list": (
        lambda: to_model_input([[0, 1]]),  # type: ignore[arg-type]
        TypeError,
        "to_model_input: image is a list; need a path, bytes, a binary file object, a pillow image or a "
        "NumPy array",
    ),
    "int64": (
        lambda: to_model_input(np.zeros((28, 28), np.int64)),
        TypeError,
        "to_model_input: image has dtype int64; need uint8, uint16, bool, float32 or float64: "
        "use image.astype(np.uint8) for values 0..255",
    ),
    "one row": (
        lambda: to_model_input(np.zeros(784, np.uint8)),
        ValueError,
        "to_model_input: image has shape (784,) and dtype uint8; "
        "need (h, w), or (h, w, 3) or (h, w, 4) of uint8",
    ),
    "channels first": (
        lambda: to_model_input(np.zeros((3, 28, 28), np.uint8)),
        ValueError,
        "to_model_input: image has shape (3, 28, 28) and dtype uint8; "
        "need (h, w), or (h, w, 3) or (h, w, 4) of uint8",
    ),
    "floats to 255": (
        lambda: to_model_input(np.full((28, 28), 255.0)),
        ValueError,
        "to_model_input: image holds values from 255 to 255; need floats in 0..1, or uint8",
    ),
    "nan": (
        lambda: to_model_input(np.full((28, 28), np.nan)),
        ValueError,
        "to_model_input: image holds values from nan to nan; need floats in 0..1, or uint8",
    ),
    "empty": (
        lambda: to_model_input(np.zeros((0, 28), np.uint8)),
        DataError,
        "the image is 28x0 pixels; need at least 8x8",
    ),
    "size": (
        lambda: to_model_input(drawing(), size=7),
        ValueError,
        "to_model_input: size 7; need at least 8",
    ),
    "ink": (
        lambda: to_model_input(drawing(), ink="black"),  # type: ignore[arg-type]
        ValueError,
        "to_model_input: ink 'black'; need 'auto', 'dark' or 'light'",
    ),
    "size of colors": (
        lambda: to_color_input(drawing(), (0, 9)),
        ValueError,
        "to_color_input: size (0, 9); need at least (1, 1)",
    ),
    "style": (
        lambda: to_model_input(drawing(), style="usps"),  # type: ignore[arg-type]
        ValueError,
        "to_model_input: style 'usps'; need 'emnist' or 'mnist'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments(case: str) -> None:
    call, kind, text = WRONG[case]
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == text

"""Labels that are names: `ImageDataset`, `fit` and `evaluate` turn them into the numbers of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cnnfast import nn
from cnnfast.class_names import are_names, class_numbers
from cnnfast.datasets import ImageDataset
from cnnfast.errors import DataError

from .refusal import refused

IMAGES = np.zeros((4, 6, 6), np.uint8)
NAMES = ["dog", "cat", "dog", "ant"]


class Series:
    """As pandas has it: a column of objects that becomes an array."""

    def __init__(self, values: list[str]) -> None:
        self._values = np.array(values, dtype=object)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self._values if dtype is None else self._values.astype(dtype)


@pytest.mark.parametrize(
    "labels",
    [NAMES, tuple(NAMES), np.array(NAMES), np.array(NAMES, object), np.array(NAMES, "S"), Series(NAMES)],
)
def test_names_become_numbers_in_sorted_order(labels: Any) -> None:
    assert are_names(labels)
    data = ImageDataset(IMAGES, labels)
    assert data.classes == ("ant", "cat", "dog")
    assert data.labels.tolist() == [2, 1, 2, 0]
    assert data.labels.dtype == np.int64
    assert data[2:].classes == data.classes
    given = ImageDataset(IMAGES, labels, ("dog", "cat", "bee", "ant"))
    assert given.labels.tolist() == [0, 1, 0, 3]


@pytest.mark.parametrize(
    "labels", [[0, 1], np.array([0, 1]), [0.5], None, [[1], [2, 3]], [], np.array(["a", None], object), 3]
)
def test_what_is_no_name(labels: Any) -> None:
    assert not are_names(labels)


def test_names_without_a_class_are_refused_by_name() -> None:
    with refused(
        DataError,
        "ImageDataset: class 'dgo' at row 1 of labels is not one of 'cat', 'dog'; did you mean 'dog'?",
    ):
        ImageDataset(IMAGES, ["dog", "dgo", "cat", "cat"], ("cat", "dog"))
    letters = [chr(97 + k) for k in range(26)]
    with refused(ValueError, "fit: class '?' at row 2 of y is not one of 'a', 'b', 'c', ..., 'z'"):
        class_numbers("fit", "y", ["a", "b", "?"], letters)


def test_numbers_need_names() -> None:
    with refused(
        TypeError, "ImageDataset: classes must name the labels, which are no names themselves; got None"
    ):
        ImageDataset(IMAGES, np.zeros(4, np.int64))


@pytest.mark.parametrize("shape", [(4, 32, 32, 3), (4, 28, 28, 1), (4, 8, 16, 4)])
def test_images_with_channels_last_are_refused(shape: tuple[int, ...]) -> None:
    images = np.zeros(shape, np.uint8)
    with refused(
        DataError,
        f"ImageDataset: images must be (n, c, h, w), but shape {shape} looks like (n, h, w, c); "
        "use images.transpose(0, 3, 1, 2)",
    ):
        ImageDataset(images, NAMES)
    assert ImageDataset(images.transpose(0, 3, 1, 2), NAMES).input_shape == (shape[3], *shape[1:3])


@pytest.mark.parametrize("shape", [(4, 3, 5, 3), (4, 1, 28, 1), (4, 4, 4, 4), (4, 32, 8, 5)])
def test_images_that_may_be_channels_first_are_taken(shape: tuple[int, ...]) -> None:
    assert ImageDataset(np.zeros(shape, np.uint8), NAMES).input_shape == shape[1:]


def test_a_model_that_expects_channels_first_says_how_to_get_there() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 2), input_shape=(3, 8, 8), seed=0)
    with refused(
        ValueError,
        "Sequential: x must have shape (n, 3, 8, 8), got (2, 8, 8, 3); use x.transpose(0, 3, 1, 2)",
    ):
        model(np.zeros((2, 8, 8, 3), np.uint8))


# ------------------------------------------------------------------ x and y as two arguments


@pytest.mark.parametrize("y", [np.array([0, 1]), [0, 1], ("a", "b"), Series(["a", "b"]).__array__()])
def test_x_and_y_as_two_arguments(y: Any) -> None:
    model, x = nn.Sequential(nn.Linear(3, 2), seed=0), np.zeros((2, 3), np.float32)
    what = f"{y.dtype} array" if isinstance(y, np.ndarray) else type(y).__name__
    text = "{0}: inputs and targets are one argument, a pair: {0}(model, (x, y)); got {1} as {2}"
    with refused(TypeError, text.format("fit", what, "epochs")):
        cf.fit(model, x, y)  # type: ignore[arg-type]
    with refused(TypeError, text.format("evaluate", what, "batch_size")):
        cf.evaluate(model, x, y)  # type: ignore[arg-type]

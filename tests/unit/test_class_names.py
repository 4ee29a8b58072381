"""Labels that are names: `ImageDataset`, `fit` and `evaluate` turn them into the numbers of classes."""

from __future__ import annotations

from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import nn
from cnnfast._class_names import are_names, class_numbers
from cnnfast.datasets import ImageDataset
from cnnfast.errors import DataError

from tests.support.refusal import refused

IMAGES = np.zeros((4, 6, 6), np.uint8)
NAMES = ["dog", "cat", "dog", "ant"]


class Series:
    """As pandas has it: a column of objects that becomes an array."""

    def __init__(self, values: list[str]) -> None:
        self.flat_parameters = np.array(values, dtype=object)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.flat_parameters if dtype is None else self.flat_parameters.astype(dtype)


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
    with refused(TypeError, "ImageDataset: classes is required, as labels are not class names; got None"):
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
    text = "{0}: inputs and targets are one argument, a pair: {0}(model, (x, y))"
    with refused(TypeError, text.format("fit")):
        cf.fit(model, x, y)  # type: ignore[arg-type]
    with refused(TypeError, text.format("fit")):
        cf.fit(model, x, y, epochs=3)  # type: ignore[misc,arg-type]
    with refused(TypeError, text.format("fit")):
        cf.fit(model, x, y=y)  # type: ignore[call-arg,arg-type]
    with refused(TypeError, text.format("evaluate")):
        cf.evaluate(model, x, y)  # type: ignore[arg-type]


# ------------------------------------------------------------------ fit and evaluate


def separable() -> tuple[np.ndarray, list[str]]:
    y = ["no", "yes", "maybe"] * 20
    x = np.array([[name == "maybe", name == "no", name == "yes"] for name in y], np.float32)
    return x, y


@pytest.mark.parametrize("form", [list, np.array, Series])
def test_fit_and_evaluate_by_name(form: Any) -> None:
    x, y = separable()
    model = nn.Sequential(nn.Linear(3, 3), seed=0)
    history = cf.fit(
        model,
        (x, form(y)),
        epochs=20,
        optimizer=cf.optim.Adam(lr=0.1),
        validation=(x[:2], form(y[:2])),
        progress=False,
    )
    assert model.classes == ("maybe", "no", "yes")
    assert history.epochs[-1].val_accuracy == 1
    result = cf.evaluate(model, (x[1:3], form(y[1:3])))
    assert (result.accuracy, result.classes) == (1, model.classes)
    assert [model.classes[k] for k in model.predict(x[:3])] == y[:3]
    numbers = [model.classes.index(name) for name in y]
    assert cf.evaluate(model, (x, form(y))).loss == cf.evaluate(model, (x, numbers)).loss


def test_the_names_of_the_model_come_first() -> None:
    x, y = separable()
    by_name, by_number = (nn.Sequential(nn.Linear(3, 3), seed=0) for _ in range(2))
    by_name.classes = names = ("yes", "no", "maybe")
    cf.fit(by_name, (x, y), epochs=1, validation=0.2, progress=False)
    cf.fit(by_number, (x, [names.index(n) for n in y]), epochs=1, validation=0.2, progress=False)
    np.testing.assert_array_equal(by_name.state_dict()["0.weight"], by_number.state_dict()["0.weight"])
    assert by_name.classes == names


def test_names_that_are_not_the_models_are_refused() -> None:
    x, y = separable()
    model = nn.Sequential(nn.Linear(3, 3), seed=0)
    with refused(ValueError, "evaluate: y holds names of classes, but the model has none; set model.classes"):
        cf.evaluate(model, (x, y))
    with refused(
        ValueError,
        "fit: validation: class 'nope' at row 1 of y is not one of 'maybe', 'no', 'yes'; did you mean 'no'?",
    ):
        cf.fit(model, (x, y), validation=(x[:2], ["no", "nope"]))
    with refused(
        ValueError,
        "fit: validation: class 0 is 'no' in the data but 'maybe' in the model; "
        "set model.classes = data.classes if the data's names are right",
    ):
        images = np.zeros((3, 1, 1, 3), np.uint8)
        flat = nn.Sequential(nn.Flatten(), nn.Linear(3, 3), seed=0)
        other = ImageDataset(images, ["no", "yes", "perhaps"], ("no", "yes", "perhaps"))
        cf.fit(flat, (images, y[:3]), validation=other)
    model.classes = ("a", "b", "c")
    with refused(ValueError, "fit: class 'maybe' at row 2 of y is not one of 'a', 'b', 'c'"):
        cf.fit(model, (x, y))
    with refused(ValueError, "evaluate: class 'maybe' at row 0 of y is not one of 'a', 'b', 'c'"):
        cf.evaluate(model, (x[:1], ["maybe"]))
    with refused(
        ValueError,
        "fit: the data has 2 classes but the model has 3 outputs; build the model with 2 outputs "
        "(num_classes=2)",
    ):
        cf.fit(nn.Sequential(nn.Linear(3, 3), seed=0), (x[:2], y[:2]))


def test_where_names_do_not_go_the_cure_is_named() -> None:
    x, y = separable()
    with refused(
        TypeError,
        "Trainer: y must be integers, got <U5; "
        "use np.unique(y, return_inverse=True)[1] for numbers in the order of the names",
    ):
        cf.Trainer(nn.Linear(3, 3), cf.optim.SGD(lr=0.1)).step(x, np.array(y))  # type: ignore[arg-type]
    with refused(TypeError, "fit: y must be all integers or all names, got None at row 1"):
        cf.fit(nn.Linear(3, 3), (x[:3], np.array(["no", None, "yes"], object)))
    with pytest.raises(TypeError, match=r"^fit: y must be a NumPy array, got list"):
        cf.fit(nn.Linear(3, 3), (x, y), loss="mse")  # type: ignore[arg-type]

"""Modules: wrong inputs and calls, and outputs that are NaN."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import nn

from tests.support.refusal import refused


def small(seed: int = 0, **settings: object) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.MaxPool2d(2),
        nn.GELU(),
        nn.Residual(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())),
        nn.Flatten(),
        nn.Linear(4 * 3 * 4, 5),
        seed=seed,
        **settings,
    )


def wrong_inputs() -> list[tuple[object, type[Exception], str]]:
    f4 = np.float32
    return [
        (
            [[1.0]],
            TypeError,
            'Sequential: x must be a NumPy array, got list; use np.asarray(x, dtype="float32")',
        ),
        (
            np.zeros((1, 1, 6, 8)),
            TypeError,
            'Sequential: x must be float32 or uint8, got float64; use x.astype("float32")',
        ),
        (
            np.zeros((1, 1, 6, 8), np.int64),
            TypeError,
            'Sequential: x must be float32 or uint8, got int64; use x.astype("float32")',
        ),
        (
            np.zeros((1, 1, 6, 8), ">f4"),
            TypeError,
            'Sequential: x must be float32 or uint8, got >f4; use x.astype("float32")',
        ),
        (np.zeros((6, 8), f4), ValueError, "Sequential: x must have shape (n, 1, 6, 8), got (6, 8)"),
        (
            np.zeros((2, 3, 6, 8), f4),
            ValueError,
            "Sequential: x must have shape (n, 1, 6, 8), got (2, 3, 6, 8)",
        ),
        (np.zeros((), f4), ValueError, "Sequential: x must have shape (n, 1, 6, 8), got ()"),
        (
            np.zeros((2, 7, 8), np.uint8),
            ValueError,
            "Sequential: x must have shape (n, 1, 6, 8), got (2, 7, 8)",
        ),
        (
            np.zeros((2, 48), np.uint8),
            ValueError,
            "Sequential: uint8 x must be images, (n, h, w) or (n, c, h, w), got (2, 48)",
        ),
    ]


@pytest.mark.parametrize(("x", "error", "text"), wrong_inputs())
def test_wrong_input_is_named(x, error, text):
    model = small(input_shape=(1, 6, 8))
    for call in (model, model.forward, model.predict, lambda x: model.loss_and_grad(x, [0])):
        with refused(error, text):
            call(x)


def test_shapes_that_do_not_fit_name_the_layer():
    model = small()
    with refused(ValueError, 'layer "5": Linear: expected 48 input features, got 36'):
        model(np.zeros((1, 1, 6, 6), np.float32))
    with refused(ValueError, "Conv2d: x must have shape (n, ...), got (4,)"):
        nn.Conv2d(1, 1, 1)(np.zeros(4, np.float32))


def test_wrong_calls_of_the_training_passes():
    model = nn.Linear(2, 3, seed=0)
    x = np.zeros((4, 2), np.float32)
    with refused(RuntimeError, "Linear: backward needs a forward before it"):
        model.backward(x)
    model.forward(x)
    cases = [
        (
            [1.0],
            TypeError,
            'Linear: dy must be a NumPy array, got list; use np.asarray(dy, dtype="float32")',
        ),
        (
            np.zeros((4, 3)),
            TypeError,
            'Linear: dy must be a float32 array, got float64 array; use dy.astype("float32")',
        ),
        (
            np.zeros((4, 2), np.float32),
            ValueError,
            "Linear: dy must have the shape of the output (4, 3), got (4, 2)",
        ),
    ]
    for dy, error, text in cases:
        with refused(error, text):
            model.backward(dy)
    losses = [
        ([0, 1], ValueError, "Linear: target must have shape (4,), one class for each row, got (2,)"),
        ([0.0, 1.0, 2.0, 0.0], TypeError, "Linear: target must be integers, got float64"),
        (
            np.zeros(4, np.float32),
            TypeError,
            "Linear: target must be integers, got float32; use target.astype(np.int64)",
        ),
        (
            [0, 1, 2, 3],
            ValueError,
            "target: values must be from 0 to 2 (the network has 3 outputs), got 3 at position 3",
        ),
    ]
    for target, error, text in losses:
        with refused(error, text):
            model.loss_and_grad(x, target)
    names = '"cross_entropy", "nll", "mse", "l1", "smooth_l1", "huber", "bce_with_logits"'
    text = f"Linear: loss must be one of {names} or an object of cnnfast.losses, got 'hinge'"
    with refused(ValueError, text):
        model.loss_and_grad(x, [0, 0, 0, 0], loss="hinge")


def test_number_of_cached_plans_is_limited():
    layer = nn.ReLU()
    for size in range(1, 60):
        layer(np.zeros((1, size), np.float32))
    assert len(layer._plans) == 32


def test_input_shape_classes_and_preprocessing_are_checked():
    model = small()
    assert model.input_shape is model.output_shape is model.classes is None
    model.input_shape = [1, 6, 8]
    assert (model.input_shape, model.output_shape) == ((1, 6, 8), (5,))
    model.classes = list("abcde")
    assert model.classes == ("a", "b", "c", "d", "e")
    cases = [
        ("input_shape", 5, TypeError, "Sequential: input_shape must be a tuple like (1, 28, 28), got 5"),
        ("input_shape", (1, 0, 8), ValueError, "Sequential: input_shape must be at least 1, got 0"),
        (
            "input_shape",
            (1, 6, 6),
            ValueError,
            'layer "5": Linear: expected 48 input features, got 36',
        ),
        ("classes", "abcde", TypeError, "Sequential: classes must be a sequence of names, got 'abcde'"),
        ("classes", ("a",), ValueError, "Sequential: 1 classes do not fit the output shape (5,)"),
        ("preprocessing", 0.5, TypeError, "Sequential: preprocessing must be a Preprocessing, got float"),
    ]
    for name, value, error, text in cases:
        with refused(error, text):
            setattr(model, name, value)
    model.classes = model.input_shape = None
    assert model.classes is model.input_shape is None


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
@pytest.mark.parametrize(
    "end", [(nn.Linear(4, 3),), (nn.Linear(4, 3), nn.Softmax()), (nn.Linear(4, 1), nn.Sigmoid())]
)
def test_nan_outputs_warn(method, end):
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), *(layer.copy() for layer in end))
    x = np.ones((5, 4), np.float32)
    getattr(model, method)(x)  # no warning
    x[2, 1] = x[4] = np.nan
    with pytest.warns(
        UserWarning,
        match=f"^Sequential: {method}: the output is NaN in 2 of 5 rows, the first is row 2, whose input is "
        "not finite; predictions for them are meaningless$",
    ) as caught:
        getattr(model, method)(x)
    assert caught[0].filename == __file__
    getattr(model, method)(x[:0])
    model[0].bias[:] = np.inf
    model[0].weight[:] = -np.inf
    with pytest.warns(
        UserWarning, match=f"^Sequential: {method}: the model's 0.weight, 0.bias hold NaN or infinity; "
    ):
        getattr(model, method)(np.ones((5, 4), np.float32))


def test_nan_maps_warn():
    x = np.zeros((3, 1, 4, 4), np.float32)
    x[1, 0, 3, 3] = np.nan
    with pytest.warns(UserWarning, match="NaN in 1 of 3 rows, the first is row 1, whose input is not finite"):
        nn.Conv2d(1, 2, 3).predict(x)

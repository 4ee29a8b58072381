"""What a network answers: its task by its user, its loss and its end, and the predictions that follow."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cnnfast import Trainer, fit, load, losses, nn, optim
from cnnfast._types import Array
from cnnfast.errors import CheckpointError
from cnnfast.nn import serialization

from tests.support import hostile_checkpoints as hostile
from tests.support.refusal import refused

X = np.array([[-3.0], [-1.0], [0.0], [0.5], [200.0]], np.float32)
ENDS: dict[str, list[Any]] = {
    "nothing": [],
    "Sigmoid": [nn.Sigmoid],
    "Hardsigmoid": [nn.Hardsigmoid],
    "Softmax": [nn.Softmax],
    "LogSoftmax": [nn.LogSoftmax],
}


def network(outputs: int, *ends: Any) -> nn.Sequential:
    """Output k of x is (k + 1) x, and what `ends` make of that."""
    model = nn.Sequential(nn.Linear(1, outputs, bias=False), *(end() for end in ends))
    model[0].weight = np.arange(1, outputs + 1, dtype=np.float32)[:, None]
    return model


def logistic(x: Array) -> Array:
    return (1 / (1 + np.exp(-x.astype(np.float64)))).astype(np.float32)


# --- where the task comes from ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "end", "task"),
    [
        (1, "nothing", None),
        (3, "nothing", None),
        (1, "Sigmoid", "binary"),
        (3, "Sigmoid", "multilabel"),
        (1, "Hardsigmoid", "binary"),
        (3, "Softmax", "multiclass"),
        (3, "LogSoftmax", "multiclass"),
    ],
)
def test_the_end_says_the_task(outputs: int, end: str, task: str | None) -> None:
    for behind in ([], [nn.Identity], [nn.Flatten, lambda: nn.Dropout(0.5)]):
        model = network(outputs, *ENDS[end], *behind)
        assert model.task == (task if task == "multiclass" else None), "the number of outputs is not known"
        model.input_shape = (1,)
        assert model.task == task


LOSSES = [
    ("cross_entropy", 3, "nothing", "multiclass"),
    (losses.CrossEntropy(label_smoothing=0.1), 3, "nothing", "multiclass"),
    ("cross_entropy", 3, "LogSoftmax", "multiclass"),
    ("nll", 3, "LogSoftmax", "multiclass"),
    ("bce_with_logits", 1, "nothing", "binary"),
    (losses.BCEWithLogits(pos_weight=[2, 1, 1]), 3, "nothing", "multilabel"),
    ("mse", 1, "nothing", "regression"),
    ("l1", 3, "nothing", "regression"),
    ("smooth_l1", 1, "Sigmoid", "regression"),
    ("huber", 3, "Softmax", "multiclass"),
]


@pytest.mark.parametrize(("loss", "outputs", "end", "task"), LOSSES, ids=str)
@pytest.mark.parametrize("sized", [True, False])
def test_the_loss_says_the_task(loss: Any, outputs: int, end: str, task: str, sized: bool) -> None:
    is_classification = losses.as_loss("test", loss).is_classification
    y: Any = np.arange(5) % 3 if is_classification else np.full((5, outputs), 0.5, np.float32)

    def fresh() -> nn.Sequential:
        model = network(outputs, *ENDS[end])
        model.input_shape = (1,) if sized else None
        return model

    model = fresh()
    trainer = Trainer(model, optim.SGD(0.0), loss)
    assert model.task == task or not sized
    trainer.step(X, y)
    assert model.task == task
    again = fresh()
    fit(again, (X, y), 1, loss=loss, progress=False)
    assert again.task == task


def test_what_the_user_sets_holds() -> None:
    model = network(3)
    model.input_shape = (1,)
    model.task = "multilabel"
    Trainer(model, optim.SGD(0.1), "mse")
    assert model.task == "multilabel"
    model.task = None
    Trainer(model, optim.SGD(0.1), "mse")
    assert model.task == "regression"
    Trainer(model, optim.SGD(0.1), "cross_entropy")
    assert model.task == "multiclass", "what a loss has said is no promise"
    model.task = None
    assert model.task is None


def test_it_is_kept_by_copies_pickles_and_files(tmp_path: Path) -> None:
    by_user, by_loss, by_end = network(1), network(1), network(2, nn.Softmax)
    by_user.task = "regression"
    by_loss.input_shape = (1,)
    Trainer(by_loss, optim.SGD(0.1), "bce_with_logits")
    for model in (by_user, by_loss, by_end):
        path = tmp_path / "m.safetensors"
        model.save(path)
        twins = (model.copy(), copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model)))
        for twin in (*twins, load(path)):
            assert (twin.task, twin.description()) == (model.task, model.description())
        assert serialization.metadata(path).get("task") == (None if model is by_end else model.task)


@pytest.mark.parametrize("task", ["guess", 3, "binary", {}])
def test_a_file_whose_task_does_not_fit_is_refused(task: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    hostile.model().save(path)
    path.write_bytes(hostile.forged(path, hostile.set_text(task=task)))
    with pytest.raises(CheckpointError, match="task"):
        load(path)


def test_print_shows_it() -> None:
    model = network(2)
    assert "task" not in str(model)
    model.task = "multilabel"
    assert "\ntask: multilabel" in str(model)


# --- predictions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["nothing", "Sigmoid"])
def test_one_output_yes_or_no(end: str) -> None:
    model = network(1, *ENDS[end])
    model.task = "binary"
    said, p = model.predict(X), model.predict_proba(X)
    assert (said.dtype, said.tolist()) == (np.int64, [0, 0, 0, 1, 1])
    assert p.dtype == np.float32
    np.testing.assert_allclose(p[:, 1], logistic(X[:, 0]), rtol=1e-5)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(said, p.argmax(axis=1))
    assert model.predict(X[:0]).shape == (0,)


def test_probabilities_of_no_keep_their_digits() -> None:
    model = network(1)
    model.task = "binary"
    p = model.predict_proba(np.array([[40.0], [-40.0], [np.inf], [-np.inf]], np.float32))
    np.testing.assert_allclose(p[:2], [[np.exp(-40), 1], [1, np.exp(-40)]], rtol=1e-5)
    assert p[2:].tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("end", ["nothing", "Sigmoid"])
def test_several_outputs_yes_or_no(end: str) -> None:
    model = network(3, *ENDS[end])
    model.task = "multilabel"
    said, p = model.predict(X), model.predict_proba(X)
    assert (said.dtype, said.shape, p.shape) == (np.int64, (5, 3), (5, 3))
    np.testing.assert_allclose(p, logistic(X * [1, 2, 3]), rtol=1e-5)
    np.testing.assert_array_equal(said, p > 0.5)


def test_a_sigmoid_for_each_class_can_be_of_classes() -> None:
    model = network(3, nn.Sigmoid)
    model.task = "multiclass"
    p = model.predict_proba(X)
    each = logistic(X * [1, 2, 3])
    np.testing.assert_allclose(p, each / each.sum(axis=1, keepdims=True), rtol=1e-5)
    np.testing.assert_array_equal(model.predict(X), each.argmax(axis=1))


def test_numbers_are_their_own_prediction() -> None:
    model = network(1)
    model.task = "regression"
    np.testing.assert_array_equal(model.predict(X), X)
    text = (
        'Sequential.predict_proba: there are no probabilities if model.task is "regression"; '
        "use predict(x) or model(x)"
    )
    with refused(ValueError, text):
        model.predict_proba(X)


def test_maps_have_an_answer_for_each_position(rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 1, 3, 4)).astype(np.float32)
    shapes = {
        ("multiclass", 3): ((2, 3, 4), (2, 3, 3, 4)),
        ("binary", 1): ((2, 3, 4), (2, 2, 3, 4)),
        ("multilabel", 3): ((2, 3, 3, 4), (2, 3, 3, 4)),
    }
    for (task, outputs), (said, p) in shapes.items():
        model = nn.Conv2d(1, outputs, 1, seed=0)
        model.task = task
        assert (model.predict(x).shape, model.predict_proba(x).shape) == (said, p)
        if task != "multilabel":
            np.testing.assert_array_equal(model.predict(x), model.predict_proba(x).argmax(axis=1))


def test_a_single_output_of_unknown_meaning_is_not_guessed() -> None:
    for method in ("predict", "predict_proba"):
        text = (
            f"Sequential.{method}: the meaning of a single output is unknown; set model.task to "
            "'binary' (a logit) or 'regression'"
        )
        with refused(ValueError, text):
            getattr(network(1), method)(X)
    assert network(2).predict(X).tolist() == [0, 0, 0, 1, 1], "several are taken for logits of classes"


def test_one_output_has_the_names_of_no_and_yes() -> None:
    model = network(1)
    model.input_shape = (1,)
    model.classes = ("cat", "dog")
    assert model.copy().classes == ("cat", "dog")
    with refused(ValueError, "Sequential: 3 classes do not fit the output shape (1,)"):
        model.classes = ("a", "b", "c")


@pytest.mark.parametrize("seterr", ["raise", "warn"])
def test_numpys_error_state_does_not_matter(seterr: Any) -> None:
    x = np.array([[-3e38], [-100], [0], [3e38]], np.float32)
    for task, outputs in (("binary", 1), ("multilabel", 2), ("multiclass", 2)):
        model = network(outputs)
        model.task = task
        with np.errstate(all=seterr):
            assert np.isfinite(model.predict_proba(x[1:3])).all()
            assert model.predict_proba(x).shape == (4, 2)


# --- contradictions ---------------------------------------------------------------------------------

BEHIND = 'the loss "{}" does not take probabilities; remove the {} at the end'


@pytest.mark.parametrize(
    ("loss", "end", "task", "text"),
    [
        *((loss, "Sigmoid", None, BEHIND.format(loss, "Sigmoid")) for loss in ("cross_entropy", "nll")),
        ("bce_with_logits", "Sigmoid", None, BEHIND.format("bce_with_logits", "Sigmoid")),
        ("bce_with_logits", "Hardsigmoid", None, BEHIND.format("bce_with_logits", "Sigmoid")),
        *((loss, "Softmax", None, BEHIND.format(loss, "Softmax")) for loss in ("cross_entropy", "nll")),
        (
            "nll",
            "nothing",
            None,
            'the loss "nll" needs a model that ends in LogSoftmax; use loss="cross_entropy"',
        ),
        (
            "bce_with_logits",
            "LogSoftmax",
            None,
            'the loss "bce_with_logits" does not take log-probabilities; remove the LogSoftmax at the '
            'end, or use loss="nll"',
        ),
        (
            "cross_entropy",
            "nothing",
            "multilabel",
            'the loss "cross_entropy" does not fit model.task "multilabel"; use loss="bce_with_logits", or '
            "set model.task to 'multiclass'",
        ),
        (
            "bce_with_logits",
            "nothing",
            "multiclass",
            'the loss "bce_with_logits" does not fit model.task "multiclass"; use loss="cross_entropy", or '
            "set model.task to 'binary' or 'multilabel'",
        ),
        (
            "cross_entropy",
            "nothing",
            "regression",
            'the loss "cross_entropy" does not fit model.task "regression"; use loss="mse", or '
            "set model.task to 'multiclass'",
        ),
    ],
)
def test_contradictions_of_loss_and_network(loss: str, end: str, task: Any, text: str) -> None:
    model = network(3, *ENDS[end])
    model.task = task
    y: Any = np.zeros((5, 3), np.float32) if loss == "bce_with_logits" else [0] * 5
    with refused(ValueError, f"Trainer: {text}"):
        Trainer(model, optim.SGD(0.1), loss)
    with refused(ValueError, f"fit: {text}"):
        fit(model, (X, y), loss=loss, progress=False)
    with refused(ValueError, f"Sequential: {text}"):
        model.loss_and_grad(X, y, loss)


@pytest.mark.parametrize("sized", [True, False])
@pytest.mark.parametrize("loss", ["cross_entropy", "nll"])
def test_a_single_output_is_no_class_of_several(loss: str, sized: bool) -> None:
    model = network(1, *ENDS["LogSoftmax" if loss == "nll" else "nothing"])
    model.input_shape = (1,) if sized else None
    text = (
        f'the loss "{loss}" needs an output for each class, the network has a single one; for binary '
        'classification use loss="bce_with_logits"'
    )
    y = [0, 0, 0, 1, 1]
    with refused(ValueError, f"Trainer: {text}"):
        Trainer(model, optim.SGD(0.1), loss).step(X, np.array(y))
    with refused(ValueError, f"fit: {text}"):
        fit(model, (X, y), loss=loss, progress=False)
    with refused(ValueError, f"Sequential: {text}"):
        model.loss_and_grad(X, np.array(y), loss)
    model.task = "multiclass"
    model.loss_and_grad(X, np.zeros(5, int), loss)


def test_contradictions_of_task_and_network() -> None:
    with refused(
        ValueError,
        'Sequential: task must be one of "multiclass", "binary", "multilabel", "regression" or None, '
        "got 'classes'",
    ):
        network(3).task = "classes"  # type: ignore[assignment]
    text = (
        'Sequential: task "multilabel" does not fit a network that ends in LogSoftmax, whose outputs are one '
        'class of several: "multiclass"'
    )
    with refused(ValueError, text):
        network(3, nn.LogSoftmax).task = "multilabel"
    text = (
        '{} task "binary" needs a network with one output, this one has 3; for a label for each output use '
        '"multilabel"'
    )
    sized, free = network(3), network(3)
    sized.input_shape = (1,)
    with refused(ValueError, text.format("Sequential:")):
        sized.task = "binary"
    free.task = "binary"
    with refused(ValueError, text.format("Sequential.predict:")):
        free.predict(X)
    with refused(ValueError, text.format("Sequential:")):
        fit(free, (X, np.zeros((5, 3), np.float32)), loss="bce_with_logits", progress=False)

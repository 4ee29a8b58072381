"""`evaluate`: its numbers are those of plain NumPy; ties and NaN; the report."""

from __future__ import annotations

import json
import string
import tracemalloc

import numpy as np
import pytest
from cnnfast import functional, nn
from cnnfast.datasets import ImageDataset
from cnnfast.training.evaluation import Evaluation, evaluate

from tests.support.refusal import refused


def fixed(logits: np.ndarray) -> nn.Module:
    """A model that answers row i of `logits` to the i-th unit vector."""
    model = nn.Linear(*logits.shape, bias=False)
    model.weight = logits.T.astype(np.float32)
    return model


def answers(logits: object, y: list[int], **settings: int) -> Evaluation:
    table = np.array(logits, np.float32)
    return evaluate(fixed(table), (np.eye(len(table), dtype=np.float32), y), **settings)


@pytest.mark.parametrize("batch_size", [1, 7, 1024])
def test_numbers_are_those_of_numpy_for_any_batch_size(batch_size, rng):
    n, k = 50, 5
    logits, y = rng.standard_normal((n, k)).astype(np.float32), rng.integers(0, k, n)
    result = answers(logits, y, batch_size=batch_size)
    order = np.argsort(-logits, axis=1)
    assert result.accuracy == (order[:, 0] == y).mean()
    assert result.top2_accuracy == (order[:, :2] == y[:, None]).any(axis=1).mean()
    assert result.loss == pytest.approx(functional.cross_entropy(logits.astype(float), y), rel=1e-6)
    expected = np.zeros((k, k), np.int64)
    np.add.at(expected, (y, order[:, 0]), 1)
    np.testing.assert_array_equal(result.confusion, expected)
    assert (result.n, result.classes) == (n, ("0", "1", "2", "3", "4"))
    assert result.confusion.dtype == np.int64


def test_of_equal_outputs_the_first_counts():
    result = answers([[1, 1, 1]] * 3, [0, 1, 2])
    assert (result.accuracy, result.top2_accuracy) == (1 / 3, 2 / 3)
    assert result.confusion[:, 0].tolist() == [1, 1, 1]


def test_a_model_that_says_nan_is_not_right_by_chance():
    model = nn.Linear(1, 3)
    model.bias = [np.nan] * 3
    result = evaluate(model, (np.zeros((3, 1), np.float32), [0, 1, 2]))
    assert np.isnan(result.loss)
    assert (result.accuracy, result.top2_accuracy) == (1 / 3, 1 / 3)


def test_one_and_two_classes():
    model = fixed(np.array([[3.0]]))
    model.task = "multiclass"
    assert evaluate(model, (np.ones((1, 1), np.float32), [0])).top2_accuracy == 1
    assert answers([[3.0, 4.0]], [0]).top2_accuracy == 1


@pytest.mark.parametrize("ending", [nn.Softmax, nn.LogSoftmax])
def test_models_that_end_in_probabilities_have_the_loss_of_their_logits(ending, rng):
    x, y = rng.standard_normal((20, 4)).astype(np.float32), rng.integers(0, 3, 20)
    plain = nn.Sequential(nn.Linear(4, 3), seed=0)
    model = nn.Sequential(plain[0].copy(), ending())
    a, b = evaluate(plain, (x, y)), evaluate(model, (x, y))
    assert a.loss == pytest.approx(b.loss, rel=1e-5)
    assert (a.accuracy, a.top2_accuracy) == (b.accuracy, b.top2_accuracy)


def test_impossible_answers_cost_infinity():
    model = nn.Sequential(fixed(np.array([[-1000.0, 1000.0]])), nn.Softmax())
    assert evaluate(model, (np.ones((1, 1), np.float32), [0])).loss == np.inf


def test_memory_holds_one_batch_of_outputs(rng):
    n, k = 40_000, 200
    x, y = np.zeros((n, 1), np.float32), rng.integers(0, k, n)
    model = nn.Linear(1, k, seed=0)
    evaluate(model, (x[:256], y[:256]), batch_size=128)
    tracemalloc.start()
    evaluate(model, (x, y), batch_size=128)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000 < n * k * 4


def dataset(n: int = 4, classes: tuple[str, ...] = ("a", "b")) -> ImageDataset:
    return ImageDataset(np.zeros((n, 2, 2), np.uint8), np.arange(n) % len(classes), classes)


@pytest.mark.parametrize(
    ("data", "settings", "error", "text"),
    [
        (dataset(), {"batch_size": 0}, ValueError, "evaluate: batch_size must be at least 1, got 0"),
        (dataset(0), {}, ValueError, "evaluate: data has no rows"),
        (
            dataset(classes=("a", "b", "c")),
            {},
            ValueError,
            "evaluate: the data has 3 classes but the model has 2 outputs; build the model with 3 outputs "
            "(num_classes=3)",
        ),
        (
            dataset(classes=("a", "z")),
            {},
            ValueError,
            "evaluate: class 1 is 'z' in the data but 'b' in the model; "
            "set model.classes = data.classes if the data's names are right",
        ),
        (
            "x",
            {},
            TypeError,
            "evaluate: data must be an ImageDataset or a pair (x, y), got str; "
            "datasets.from_path reads files and folders",
        ),
    ],
)
def test_wrong_arguments_are_named(data, settings, error, text):
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    model.classes = ("a", "b")
    with refused(error, text):
        evaluate(model, data, **settings)


def test_names_come_from_the_data_or_else_the_model():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    assert evaluate(model, dataset()).classes == ("a", "b")
    model.classes = ("x", "y")
    pair = (dataset().images, dataset().labels)
    assert evaluate(model, pair).classes == ("x", "y")


def test_the_report(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    confusion = np.array([[10, 2, 0], [0, 7, 0], [1, 0, 0]])
    result = Evaluation(0.25, 0.85, 0.95, confusion, 20, ("cat", "dog", "a long name of it"), 0.125)
    assert str(result) == (
        "accuracy 85.00%  top-2 95.00%  loss 0.2500  (20 images in 0.1 s)\n"
        "confusion (row: true class, column: predicted class)\n"
        "                  cat        dog a long nam\n"
        "       cat         10          2          .\n"
        "       dog          .          7          .\n"
        "a long nam          1          .          .\n"
        "most confused: cat as dog 2 times, a long name of it as cat 1 times"
    )
    plain = result.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["confusion"] == confusion.tolist()
    assert result.most_confused(1) == [("cat", "dog", 2)]


def letters() -> Evaluation:
    """A report on 26 classes, where a is often taken for o."""
    confusion = 300 * np.eye(26, dtype=np.int64)
    confusion[0, 14], confusion[[8, 20], [11, 21]] = 1234, (56, 7)
    return Evaluation(0.25, 0.85, 0.95, confusion, 9_100, tuple(string.ascii_lowercase), 0.125)


def test_a_matrix_that_fits_is_shown(monkeypatch):
    monkeypatch.setenv("COLUMNS", "134")
    lines = str(letters()).splitlines()
    assert lines[2].split() == list(string.ascii_lowercase)
    assert max(map(len, lines)) == 134
    assert lines[-1] == "most confused: a as o 1,234 times, i as l 56 times, u as v 7 times"


@pytest.mark.parametrize("columns", [60, 80, 120, 133])
def test_a_matrix_that_does_not_fit_gives_way_to_the_most_confused_pairs(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    text = str(letters())
    assert max(map(len, text.splitlines())) <= columns
    said = " ".join(text.split())
    assert (
        f"confusion matrix: 26 classes are too wide for {columns} columns; it is in .confusion, and in what "
        "`cnnfast evaluate --json` prints most confused: a as o 1,234 times, i as l 56 times, u as v 7 times"
    ) in said


def test_a_pair_is_not_broken(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert str(letters()).splitlines()[-2:] == [
        "most confused: a as o 1,234 times,",
        "  i as l 56 times, u as v 7 times",
    ]

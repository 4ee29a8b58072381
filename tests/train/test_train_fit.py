"""`fit`: epochs, order, validation, the best weights, and what it refuses before the first step."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from cnnfast import _core, nn, optim
from cnnfast.datasets import ImageDataset
from cnnfast.errors import NonFiniteError
from cnnfast.training.evaluation import evaluate
from cnnfast.training.fit import fit
from cnnfast.training.history import EpochRecord, History
from cnnfast.training.trainer import Trainer

from tests.support.refusal import refused


def network(outputs: int = 3, seed: int = 0) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(16, outputs), seed=seed
    )


def stripes(n: int = 90, seed: int = 0) -> ImageDataset:
    """Images of three kinds that are easy to tell apart: horizontal, vertical, none."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    images = rng.integers(0, 60, (n, 6, 6), dtype=np.uint8)
    images[labels == 0, ::2] += 150
    images[labels == 1, :, ::2] += 150
    return ImageDataset(images, labels, ("lying", "standing", "none"), name="stripes")


def test_it_learns():
    model, data = network(), stripes(300)
    history = fit(model, data, epochs=8, optimizer=optim.Adam(lr=0.02), batch_size=16, progress=False)
    assert history.stopped == "finished"
    assert history.best_epoch is None
    assert [record.epoch for record in history.epochs] == list(range(1, 9))
    assert history.epochs[-1].accuracy > 0.97
    assert history.epochs[-1].loss < history.epochs[0].loss / 3
    assert history.epochs[0].val_loss is history.epochs[0].val_accuracy is None
    assert all(r.seconds > 0 and r.images_per_second > 0 for r in history.epochs)
    assert evaluate(model, stripes(200, seed=1)).accuracy > 0.95
    assert model.classes == ("lying", "standing", "none")
    assert model.input_shape == (1, 6, 6)


def test_fit_is_steps_over_a_seeded_order_with_the_last_batch_smaller():
    data, model, twin = stripes(50), network(), network()
    sizes = []
    trainer = Trainer(twin, optim.SGD(lr=0.1))
    losses, right = [], []
    for epoch in range(2):
        order = np.random.default_rng(np.random.SeedSequence([5, epoch])).permutation(50)
        total, correct = 0.0, 0
        for start in range(0, 50, 16):
            rows = order[start : start + 16]
            correct += int((twin.predict(data.images[rows]) == data.labels[rows]).sum())
            total += len(rows) * trainer.step(data.images, data.labels, rows)
            sizes.append(len(rows))
        losses.append(total / 50)
        right.append(correct / 50)
    history = fit(model, data, 2, optim.SGD(lr=0.1), batch_size=16, seed=5, progress=False)
    assert sizes == [16, 16, 16, 2] * 2
    assert [record.loss for record in history.epochs] == losses
    assert [record.accuracy for record in history.epochs] == right
    np.testing.assert_array_equal(model.flat_parameters, twin.flat_parameters)


def test_without_shuffle_the_order_is_the_datas():
    data, model, twin = stripes(20), network(), network()
    trainer = Trainer(twin, optim.SGD(lr=0.1))
    for start in (0, 8, 16):
        trainer.step(data.images[start : start + 8], data.labels[start : start + 8])
    fit(model, data, 1, optim.SGD(lr=0.1), batch_size=8, shuffle=False, progress=False)
    np.testing.assert_array_equal(model.flat_parameters, twin.flat_parameters)


def test_same_seed_same_weights_on_any_number_of_threads(set_threads):
    weights = []
    for threads in (1, 2, 3, 1):
        set_threads(threads)
        model = network()
        fit(model, stripes(), epochs=2, batch_size=32, seed=3, progress=False)
        weights.append(model.flat_parameters)
    for other in weights[1:]:
        np.testing.assert_array_equal(other, weights[0])
    model = network()
    fit(model, stripes(), epochs=2, batch_size=32, seed=4, progress=False)
    assert not np.array_equal(model.flat_parameters, weights[0])


def test_arrays_are_data_too(dtype):
    data = stripes()
    x = (data.images[:, None] / 255).astype(dtype)
    by_arrays, by_dataset = network().to(dtype), network().to(dtype)
    fit(by_arrays, (x, data.labels.astype(np.int32)), epochs=1, progress=False)
    fit(by_dataset, data, epochs=1, progress=False)
    np.testing.assert_allclose(by_arrays.flat_parameters, by_dataset.flat_parameters, rtol=1e-4, atol=1e-5)
    assert by_arrays.classes is None


def test_validation_keeps_the_best_weights():
    data, held = stripes(120), stripes(60, seed=2)
    model = network()
    seen: list[tuple[float, float]] = []
    weights: list[np.ndarray] = []

    def watch(record: EpochRecord) -> None:
        seen.append((record.val_accuracy, -record.val_loss))
        weights.append(model.flat_parameters.copy())
        result = evaluate(model, held)
        assert (result.loss, result.accuracy) == (record.val_loss, record.val_accuracy)

    history = fit(
        model, data, 8, optim.SGD(lr=1.5), 16, seed=1, validation=held, progress=False, on_epoch=watch
    )
    best = max(range(8), key=lambda i: seen[i])
    assert best != 7, "choose another seed: the last epoch is the best, so nothing is shown"
    assert history.best_epoch == best + 1
    np.testing.assert_array_equal(model.flat_parameters, weights[best])


def test_equal_accuracy_is_decided_by_the_loss():
    data, model = stripes(200), network()
    history = fit(model, data, 6, optim.Adam(lr=0.02), 16, validation=stripes(30, seed=2), progress=False)
    top = max(record.val_accuracy for record in history.epochs)
    rivals = [record for record in history.epochs if record.val_accuracy == top]
    assert len(rivals) > 1
    assert history.best_epoch == min(rivals, key=lambda record: record.val_loss).epoch


def test_a_fraction_is_held_out():
    data = stripes(100)
    by_fraction, by_hand = network(), network()
    rest, held = data.split(0.2, 7)
    assert (len(rest), len(held)) == (80, 20)
    a = fit(by_fraction, data, 3, validation=0.2, stratify=False, seed=7, progress=False)
    b = fit(by_hand, rest, 3, validation=held, seed=7, progress=False)
    np.testing.assert_array_equal(by_fraction.flat_parameters, by_hand.flat_parameters)
    assert [r.val_loss for r in a.epochs] == [r.val_loss for r in b.epochs]
    by_arrays = network()
    history = fit(
        by_arrays, (data.images, data.labels), 1, validation=0.2, stratify=False, seed=7, progress=False
    )
    assert history.epochs[0].val_accuracy * 20 == pytest.approx(round(history.epochs[0].val_accuracy * 20))


def test_held_out_rows_of_arrays_are_not_learned_from():
    x = np.eye(10, dtype=np.float32)
    y = np.zeros(10, np.int64)
    model = nn.Linear(10, 2, bias=False, seed=0)
    before = model.weight.copy()
    fit(model, (x, y), 2, optim.SGD(lr=1), 3, validation=(x, y), progress=False)
    assert (model.weight != before).all()
    model.initialize(0)
    fit(model, (x, y), 2, optim.SGD(lr=1), 3, validation=0.3, progress=False)
    untouched = (model.weight == before).all(axis=0)
    assert untouched.sum() == 3


def test_an_optimiser_goes_on_where_it_was():
    data, model = stripes(), network()
    optimizer = optim.Adam()
    fit(model, data, 1, optimizer, progress=False)
    fit(model, data, 1, optimizer, progress=False)
    assert optimizer.steps == 4


def test_the_state_is_restored_even_if_a_callback_fails():
    model, weights = network(), []

    def fail_in_third(record: EpochRecord) -> None:
        weights.append(model.flat_parameters.copy())
        if record.epoch == 3:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit(model, stripes(), 5, optim.SGD(5), validation=0.2, progress=False, on_epoch=fail_in_third)
    assert any(np.array_equal(model.flat_parameters, old) for old in weights)


def test_a_loss_that_is_not_finite_stops_and_says_where():
    data, model = stripes(64), network()
    images = (data.images[:, None] / 255).astype(np.float32)
    epochs: list[np.ndarray] = []

    def poison(record: EpochRecord) -> None:
        epochs.append(model.flat_parameters.copy())
        if record.epoch == 2:
            images[data.labels == 0] = np.nan

    with pytest.raises(NonFiniteError) as caught:
        fit(
            model,
            (images, data.labels),
            5,
            optim.SGD(lr=0.1),
            16,
            validation=(images[:8].copy(), data.labels[:8]),
            progress=False,
            on_epoch=poison,
        )
    error = caught.value
    assert str(error) == (
        "the loss (nan) is not finite at step 9 (epoch 3); the model keeps the weights it had before that "
        "step; try a smaller lr (now 0.1) and check the input"
    )
    assert (error.epoch, error.step) == (3, 9)
    assert isinstance(error.history, History)
    assert error.history.stopped == "non-finite"
    assert len(error.history.epochs) == 2
    assert error.history.best_epoch in (1, 2)
    np.testing.assert_array_equal(model.flat_parameters, epochs[error.history.best_epoch - 1])


def test_a_learning_rate_that_explodes_leaves_finite_weights():
    model = network()
    with pytest.raises(NonFiniteError):
        fit(model, stripes(), 50, optim.SGD(lr=1e30), progress=False)
    assert np.isfinite(model.flat_parameters).all()


def cases() -> list[tuple[dict[str, object], type[Exception], str]]:
    x, y = stripes(9).images, stripes(9).labels
    two = ImageDataset(x, y * 0, ("a", "b"))
    return [
        ({"epochs": 0}, ValueError, "fit: epochs must be at least 1, got 0"),
        ({"epochs": 1.5}, TypeError, "fit: epochs must be an integer, got float 1.5"),
        ({"batch_size": 0}, ValueError, "fit: batch_size must be at least 1, got 0"),
        ({"seed": -1}, ValueError, "fit: seed must be at least 0, got -1"),
        ({"model": None}, TypeError, "fit: model must be a Module, got None"),
        (
            {"optimizer": "adam"},
            TypeError,
            "Trainer: optimizer must be an Optimizer, got 'adam'; use optim.Adam(...)",
        ),
        ({"progress": "yes"}, ValueError, "fit: progress must be \"auto\", True or False, got 'yes'"),
        ({"progress": 1}, ValueError, 'fit: progress must be "auto", True or False, got 1'),
        ({"data": 5}, TypeError, "fit: data must be an ImageDataset or a pair (x, y), got int"),
        ({"data": (x[:0], y[:0])}, ValueError, "fit: data has no rows"),
        (
            {"data": (x, y[:8])},
            ValueError,
            "fit: y must have shape (9,), one class for each row, got (8,)",
        ),
        (
            {"data": (x, y.astype(float))},
            TypeError,
            "fit: y must be integers, got float64; use y.astype(np.int64)",
        ),
        (
            {"data": (x, y * 0 + 3)},
            ValueError,
            "fit: label 3 at row 0 of y is outside of 0 .. 2 (3 classes, 9 such labels)",
        ),
        (
            {"data": two},
            ValueError,
            "fit: the data has 2 classes but the model has 3 outputs; build the model with 2 outputs "
            "(num_classes=2)",
        ),
        (
            {"validation": two},
            ValueError,
            "fit: validation: the data has 2 classes but the model has 3 outputs; build the model with "
            "2 outputs (num_classes=2)",
        ),
        (
            {"data": (x[:, :5], y)},
            ValueError,
            'layer "4": Linear: expected 16 input features, got 8',
        ),
        (
            {"model": nn.Conv2d(1, 2, 3)},
            ValueError,
            "fit: the model must output one logit per class, got output shape (2, 4, 4)",
        ),
        (
            {"validation": 0.01},
            ValueError,
            "fit: validation=0.01 of 9 images leaves 9 for training and 0 for validation; both must have at "
            "least 1",
        ),
        ({"validation": 1.5}, ValueError, "fit: validation must be at least 0 and at most 1, got 1.5"),
        (
            {"validation": "half"},
            TypeError,
            "fit: validation: data must be an ImageDataset or a pair (x, y), got str; "
            "datasets.from_path reads files and folders",
        ),
    ]


@pytest.mark.parametrize(("change", "error", "text"), cases(), ids=lambda value: "")
def test_wrong_arguments_are_named_before_the_first_step(change, error, text):
    model = network()
    before = model.flat_parameters.copy()
    arguments = {"model": model, "data": stripes(9), "progress": False, **change}
    with refused(error, text):
        fit(**arguments)
    np.testing.assert_array_equal(model.flat_parameters, before)
    assert model.classes is model.input_shape is None


def test_other_classes_than_the_models_are_refused():
    model = network()
    model.classes = ("lying", "upright", "none")
    with refused(
        ValueError,
        "fit: class 1 is 'standing' in the data but 'upright' in the model; "
        "set model.classes = data.classes if the data's names are right",
    ):
        fit(model, stripes(), progress=False)


def test_history_is_plain_data():
    history = fit(network(), stripes(30), 2, validation=0.2, progress=False)
    plain = history.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert list(plain) == ["epochs", "stopped", "best_epoch"]
    assert list(plain["epochs"][0]) == [
        *("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds", "images_per_second"),
        *("skipped_steps", "lr", "val_seconds", "val_metrics"),
    ]
    assert str(History([EpochRecord(1, 0.5, 0.25, 0.75, 1.0, 2.0, 12345.6)], "interrupted", 1)) == (
        "epoch 1  loss 0.5000  accuracy 25.00%  validation loss 0.7500  validation accuracy 100.00%  "
        "12,346 images/s  2.0 s\n"
        "weights of epoch 1, the best by validation\n"
        "stopped: interrupted"
    )


def test_fit_gives_the_engine_rows_not_copies(monkeypatch):
    """The whole data set goes to each step, untouched, with the numbers of its rows."""
    seen = []
    step = Trainer.step_checked

    def spy(
        self: Trainer, plan: _core.Plan, x: np.ndarray, y: np.ndarray, index: np.ndarray, *rest: Any
    ) -> Any:
        seen.append((x.__array_interface__["data"][0], len(index)))
        return step(self, plan, x, y, index, *rest)

    monkeypatch.setattr(Trainer, "step_checked", spy)
    data = stripes(40)
    fit(network(), data, 1, batch_size=16, progress=False)
    address = data.images.__array_interface__["data"][0]
    assert seen == [(address, 16), (address, 16), (address, 8)]

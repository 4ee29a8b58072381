"""Curves: learning curves, activations, schedules and the learning rate test."""

from __future__ import annotations

import sys

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import nn, optim, plot
from cnnfast.optim import lr_scheduler

from tests.support.refusal import refused

Figure = pytest.importorskip("matplotlib.figure", reason="matplotlib is not installed").Figure


def record(epoch: int, **others: float) -> cf.EpochRecord:
    values = {"accuracy": 0.5 + epoch / 10, "val_loss": 2.5 / epoch, "val_accuracy": 0.6, **others}
    return cf.EpochRecord(epoch, 2.0 / epoch, seconds=1.0, images_per_second=9.0, **values)  # type: ignore[arg-type]


def lines(ax: object) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    return {line.get_label(): line.get_ydata() for line in ax.lines}  # type: ignore[attr-defined]


def test_history() -> None:
    epochs = [record(1, lr=0.1), record(2, lr=0.05, val_metrics={"f1": 0.7})]  # type: ignore[arg-type]
    figure = cf.History(epochs, best_epoch=2).plot()
    assert isinstance(figure, Figure)
    loss, accuracy, rate, f1 = figure.axes
    assert [ax.get_ylabel() for ax in figure.axes] == ["loss", "accuracy", "learning rate", "f1"]
    assert list(lines(loss)["training"]) == [2.0, 1.0]
    assert list(lines(loss)["validation"]) == [2.5, 1.25]
    assert list(loss.lines[0].get_xdata()) == [1, 2]
    assert list(lines(loss)["best, epoch 2"]) == [0, 1]
    assert list(lines(accuracy)["training"]) == [0.6, 0.7]
    assert list(rate.lines[0].get_ydata()) == [0.1, 0.05]
    np.testing.assert_array_equal(f1.lines[0].get_ydata(), [np.nan, 0.7])


def test_history_of_one_curve() -> None:
    """Without validation and classes, and with a constant rate, there is the loss alone."""
    bare = cf.EpochRecord(1, 0.5, None, None, None, 1.0, 9.0, lr=0.1)
    figure = plot.history(cf.History([bare]))
    (ax,) = figure.axes
    assert list(lines(ax)) == ["training"]


def test_steps_are_within_their_epochs() -> None:
    history = cf.History([record(1), record(2)], steps=cf.StepHistory([4.0, 3.0, 2.0, 1.0], [0.1] * 4))
    steps = history.plot().axes[0].lines[0]
    assert steps.get_xdata().tolist() == [0.25, 0.75, 1.25, 1.75]
    assert list(steps.get_ydata()) == [4, 3, 2, 1]


def test_history_into_a_given_figure() -> None:
    figure = Figure()
    left, right = figure.subfigures(1, 2)
    assert cf.History([record(1)]).plot(figure=left) is figure
    assert (len(left.axes), len(right.axes)) == (2, 0)


def test_history_errors() -> None:
    with refused(ValueError, "plot.history: history has no epochs, nothing was trained"):
        cf.History().plot()
    with refused(TypeError, "plot.history: history must be a History, as fit returns, got list"):
        plot.history([1.0])  # type: ignore[arg-type]
    with refused(TypeError, "plot.history: figure must be a matplotlib Figure or SubFigure, got str"):
        cf.History([record(1)]).plot(figure="a.png")  # type: ignore[arg-type]


def test_activation_and_its_derivative() -> None:
    figure = plot.activation("gelu", nn.ReLU(), low=-2, high=2)
    value, slope = figure.axes
    x = value.lines[0].get_xdata()
    assert (x[0], x[-1]) == (-2, 2)
    assert list(lines(value))[:2] == ["GELU()", "ReLU()"]
    np.testing.assert_allclose(value.lines[0].get_ydata(), cf.functional.gelu(x))
    np.testing.assert_array_equal(value.lines[1].get_ydata(), np.maximum(x, 0))
    np.testing.assert_array_equal(slope.lines[1].get_ydata(), x > 0)
    numeric = np.gradient(value.lines[0].get_ydata(), x)
    np.testing.assert_allclose(slope.lines[0].get_ydata()[1:-1], numeric[1:-1], atol=1e-4)


def test_an_activation_layer_is_not_changed() -> None:
    layer = nn.LeakyReLU(0.2)
    plot.activation(layer)
    assert layer.dtype == np.float32
    with pytest.raises(RuntimeError, match="backward needs a forward"):
        layer.backward(np.ones((1, 1), np.float32))


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        ("glu", ValueError, "plot.activation: there is no activation 'glu'; known are ReLU, GELU, "),
        (3, TypeError, "plot.activation: an activation must be a name or a layer, got int"),
        (nn.Softmax(), ValueError, "plot.activation: Softmax() does not compute each value from one value"),
        (nn.MaxPool2d(2), ValueError, "plot.activation: MaxPool2d(2) does not take values one by one"),
    ],
)
def test_activation_errors(function: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        plot.activation(function)  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


def test_activation_range() -> None:
    with refused(ValueError, "plot.activation: low must be below high, got 1 and 1"):
        plot.activation("relu", low=1, high=1)
    with refused(ValueError, "plot.activation: needs at least one activation, such as 'gelu'"):
        plot.activation()


def test_schedules() -> None:
    step = lr_scheduler.StepLR(2, gamma=0.5)
    figure = plot.schedule("one-cycle", step, "constant", epochs=4, steps_per_epoch=3, lr=0.1)
    (ax,) = figure.axes
    one_cycle, steps, constant = ax.lines
    np.testing.assert_allclose(one_cycle.get_xdata(), np.arange(12) / 3)
    planned = lr_scheduler.OneCycleLR().planned(steps=12, epochs=4)
    np.testing.assert_allclose(one_cycle.get_ydata(), [planned.lr(0.1, step=k) for k in range(12)])
    np.testing.assert_allclose(steps.get_ydata(), [0.1] * 6 + [0.05] * 6)
    np.testing.assert_array_equal(constant.get_ydata(), [0.1] * 12)
    assert steps.get_label() == repr(step)


def test_schedule_is_what_training_uses() -> None:
    optimizer = optim.SGD(lr=0.1)
    scheduler = lr_scheduler.Scheduler(
        optimizer, lr_scheduler.CosineAnnealingLR(by="step"), epochs=2, steps_per_epoch=3
    )
    used = []
    for k in range(6):
        used.append(optimizer.lr)
        scheduler.after_step()
        if k % 3 == 2:
            scheduler.after_epoch()
    drawn = plot.schedule("cosine", epochs=2, steps_per_epoch=3, lr=0.1).axes[0].lines[0].get_ydata()
    np.testing.assert_array_equal(drawn, used)


def test_schedule_errors() -> None:
    message = (
        "plot.schedule: plateau depends on the validation loss of each epoch; after a training, "
        "history.plot() shows its learning rates"
    )
    with refused(ValueError, message):
        plot.schedule("plateau")
    with refused(ValueError, "plot.schedule: needs at least one schedule, such as 'cosine'"):
        plot.schedule()
    with pytest.raises(
        ValueError, match=r"^plot.schedule: schedule must be .* got 'cosin'; did you mean 'cosine'"
    ):
        plot.schedule("cosin")


def test_lr_find() -> None:
    found = cf.LearningRateTest(np.array([0.01, 0.1]), np.array([2.0, 1.0]), np.array([2.0, 1.5]), 0.05)
    ax = Figure().subplots()
    assert found.plot(ax=ax) is ax.figure
    drawn = lines(ax)
    assert list(drawn) == ["loss", "smoothed", "suggestion 0.05"]
    assert list(drawn["smoothed"]) == [2.0, 1.5]
    assert ax.lines[2].get_xdata() == [0.05, 0.05]
    assert ax.get_xscale() == "log"
    assert ax.get_ylim() == (0, pytest.approx(2.3))
    with refused(TypeError, "plot.lr_find: ax must be a matplotlib Axes, got Figure"):
        found.plot(ax=Figure())  # type: ignore[arg-type]


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure")
    message = 'plotting needs the package matplotlib: pip install "cnnfast[plot]"'
    with refused(cf.errors.MissingDependencyError, message):
        cf.History([record(1)]).plot()

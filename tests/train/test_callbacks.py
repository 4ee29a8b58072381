"""The moments of callbacks: their order, what they see, and how they end a training."""

from __future__ import annotations

import math
import signal
from typing import Any

import numpy as np
import pytest
from cnnfast import Callback, Context, EarlyStopping, evaluate, fit, optim
from cnnfast.training.callbacks.dispatch import Dispatch

from tests.support.refusal import refused
from tests.support.training import At, Rates, blobs, mlp, untimed

MOMENTS = ("train_begin", "epoch_begin", "batch_begin", "batch_end", "epoch_end", "train_end")


def recorder(events: list[str]) -> list[Callback]:
    return [At(name, lambda context, name=name: events.append(name)) for name in MOMENTS]


def test_moments_come_in_their_order() -> None:
    events: list[str] = []
    fit(mlp(), blobs(), 2, batch_size=20, callbacks=recorder(events), progress=False)
    epoch = ["epoch_begin", *["batch_begin", "batch_end"] * 2, "epoch_end"]
    assert events == ["train_begin", *epoch, *epoch, "train_end"]


def test_callbacks_do_not_change_the_training() -> None:
    plain, watched = mlp(), mlp()
    before = fit(plain, blobs(), 2, batch_size=16, validation=0.2, progress=False)
    after = fit(watched, blobs(), 2, batch_size=16, validation=0.2, progress=False, callbacks=recorder([]))
    np.testing.assert_array_equal(plain.flat_parameters, watched.flat_parameters)
    assert untimed(before) == untimed(after)


def test_only_overridden_moments_are_called() -> None:
    class Quiet(Callback):
        def on_epoch_end(self, context: Context) -> None:
            pass

    dispatch = Dispatch([Quiet(), EarlyStopping()])
    assert (dispatch.batch_begin, dispatch.batch_end) == ([], [])


def test_what_a_context_shows() -> None:
    seen: list[Any] = []

    def at_batch(context: Context) -> None:
        seen.append((context.epoch, context.step, sorted(context.logs)))

    def at_epoch(context: Context) -> None:
        assert sorted(context.logs) == sorted(context.metrics)
        assert context.logs["val_f1"] == context.history.epochs[-1].val_metrics["f1"]
        assert (context.epochs, context.steps_per_epoch) == (2, 2)
        assert context.optimizer is optimizer
        assert context.model is model

    model, optimizer = mlp(), optim.SGD(0.1)
    fit(
        model,
        blobs(),
        2,
        optimizer,
        20,
        validation=blobs(seed=1),
        metrics=["f1"],
        callbacks=[At("batch_end", at_batch), At("epoch_end", at_epoch)],
        progress=False,
    )
    keys = ["accuracy", "loss", "lr"]
    assert seen == [(1, 1, keys), (1, 2, keys), (2, 3, keys), (2, 4, keys)]


def test_stopped_in_an_epoch_it_is_validated_and_recorded() -> None:
    def stop(context: Context) -> None:
        if context.step == 5:
            context.stop("enough")

    model, held = mlp(), blobs(seed=1)
    history = fit(
        model, blobs(), 9, batch_size=10, validation=held, callbacks=[At("batch_end", stop)], progress=False
    )
    assert (history.stopped, len(history.epochs), history.is_complete) == ("enough", 2, True)
    last = history.epochs[-1]
    assert last.val_loss is not None
    best = history.epochs[history.best_epoch - 1]
    assert evaluate(model, held).loss == best.val_loss


@pytest.mark.parametrize(("moment", "epochs"), [("train_begin", 0), ("epoch_begin", 0), ("epoch_end", 1)])
def test_stopped_between_epochs(moment: str, epochs: int) -> None:
    callbacks = [At(moment, lambda context: context.stop())]
    history = fit(mlp(), blobs(), 3, callbacks=callbacks, progress=False)
    assert (history.stopped, len(history.epochs)) == ("callback", epochs)


def test_train_end_is_called_after_an_error_with_the_final_weights() -> None:
    def fail(context: Context) -> None:
        if context.epoch == 2:
            raise ZeroDivisionError

    ended: list[np.ndarray] = []
    end = At("train_end", lambda context: ended.append(context.model.flat_parameters.copy()))
    model = mlp()
    with pytest.raises(ZeroDivisionError):
        fit(model, blobs(), 3, validation=0.2, callbacks=[end, At("epoch_end", fail), end_too(ended)])
    assert len(ended) == 2
    np.testing.assert_array_equal(ended[0], model.flat_parameters)


def end_too(ended: list[np.ndarray]) -> Callback:
    return At("train_end", lambda context: ended.append(context.model.flat_parameters.copy()))


def test_train_end_knows_how_it_ended() -> None:
    seen: list[str] = []
    end = At("train_end", lambda context: seen.append(context.history.stopped))
    stop = At("batch_end", lambda context: signal.raise_signal(signal.SIGINT))
    for others in ([], [stop], [EarlyStopping("loss", 1, 9.0)]):
        fit(mlp(), blobs(), 3, callbacks=[end, *others], progress=False)
    assert seen == ["finished", "interrupted", "early stopping"]


@pytest.mark.parametrize("moment", MOMENTS[:-1])
@pytest.mark.parametrize("schedule", ["constant", "cosine", optim.lr_scheduler.StepLR(1, gamma=0.5)], ids=str)
def test_a_rate_set_at_any_moment_is_that_of_the_next_step(moment: str, schedule: Any) -> None:
    """Ten times smaller: the following step has exactly that rate, the later ones are scaled."""
    changed: list[float] = []

    def change(context: Context) -> None:
        if not changed and (context.step >= 1 or moment in ("train_begin", "epoch_begin")):
            context.optimizer.lr *= 0.1
            changed.extend([context.step, context.optimizer.lr])

    settings: dict[str, Any] = {"epochs": 3, "batch_size": 20, "schedule": schedule, "progress": False}
    plain, rates, optimizer = Rates(), Rates(), optim.SGD(0.4)
    fit(mlp(), blobs(), optimizer=optim.SGD(0.4), callbacks=[plain], **settings)
    fit(mlp(), blobs(), optimizer=optimizer, callbacks=[At(moment, change), rates], **settings)
    step = int(changed[0])
    assert rates.found[step] == changed[1]
    assert rates.found[:step] == plain.found[:step]
    np.testing.assert_allclose(rates.found[step:], np.multiply(plain.found[step:], 0.1), rtol=1e-12)
    assert optimizer.lr == pytest.approx(0.04)


def test_history_has_rates_and_steps() -> None:
    rates = Rates()
    history = fit(
        mlp(), blobs(), 2, batch_size=16, schedule="cosine", callbacks=[rates], history_steps=True,
        progress=False,
    )  # fmt: skip
    assert history.steps is not None
    assert history.steps.lr == rates.found
    assert [record.lr for record in history.epochs] == [rates.found[2], rates.found[5]]
    losses = np.array(history.steps.loss).reshape(2, 3)
    np.testing.assert_allclose((losses * [16, 16, 8]).sum(1) / 40, [r.loss for r in history.epochs])
    assert "steps" in history.to_dict()
    assert fit(mlp(), blobs(), 1, progress=False).steps is None


@pytest.mark.parametrize(
    ("callbacks", "error", "text"),
    [
        (EarlyStopping(), TypeError, "fit: callbacks must be a list of Callback, got EarlyStopping"),
        (
            [EarlyStopping],
            TypeError,
            "fit: callbacks must hold Callback, got the class EarlyStopping; write EarlyStopping(...)",
        ),
        ([print], TypeError, "fit: callbacks must hold Callback, got builtin_function_or_method"),
        ([RATES := Rates(), RATES], ValueError, "fit: callbacks hold the same Rates twice"),
    ],
    ids=["one", "class", "function", "twice"],
)
def test_what_callbacks_must_be(callbacks: Any, error: type[Exception], text: str) -> None:
    with refused(error, text):
        fit(mlp(), blobs(), callbacks=callbacks)


def test_an_epoch_without_counted_rows_has_a_loss_of_nan() -> None:
    """Stopped after a batch whose rows are all ignored."""
    x, y = blobs()
    y[:20] = -100
    stop = At("batch_end", lambda context: context.stop())
    history = fit(mlp(), (x, y), 3, batch_size=20, shuffle=False, callbacks=[stop], progress=False)
    assert math.isnan(history.epochs[0].loss)
    assert history.epochs[0].skipped_steps == 1


@pytest.mark.parametrize("loss", ["mse", "bce_with_logits"])
def test_the_metrics_of_other_tasks(loss: str) -> None:
    x, y = blobs()
    target = (np.eye(3)[y] if loss == "bce_with_logits" else x[:, :3]).astype(np.float32)
    seen: list[tuple[str, ...]] = []
    look = At("epoch_end", lambda context: seen.extend([tuple(context.logs), context.metrics]))
    fit(mlp(), (x, target), 1, loss=loss, validation=0.2, callbacks=[look], progress=False)
    assert seen[0] == seen[1]
    assert "accuracy" not in seen[0]
    assert ("val_accuracy" in seen[0]) == (loss == "bce_with_logits")


def test_what_stop_takes() -> None:
    with refused(TypeError, "stop: reason must be a text, got int"):
        fit(mlp(), blobs(), callbacks=[At("batch_end", lambda c: c.stop(3))], progress=False)  # type: ignore[arg-type]

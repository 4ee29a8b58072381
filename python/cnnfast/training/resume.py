"""`Checkpoints` saves the state of a run, and restores it exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .._safetensors import first_line
from .._types import Array
from ..errors import CheckpointError
from ..nn import serialization
from .callbacks.callback import stateful
from .checkpoint import Checkpoint, differences, read_checkpoint, write_checkpoint
from .checkpoint_folder import CheckpointFolder
from .history import EpochRecord
from .run_state import RunState

#: Blocks of the size of the parameters in a checkpoint: weights, average, best ones, three of the optimizer.
_BLOCKS = 6


class Checkpoints:
    """The checkpoints of one training.

    Args:
        folder: Where they are.
        settings: What determines the training, as plain data: a checkpoint of others is refused.
        epochs: Number of epochs of this training; None is unlimited.
        resume: Continue from the newest checkpoint, if there is one.

    Raises:
        CheckpointError: The folder has checkpoints and `resume` is False; or the newest is damaged, not a
            checkpoint, of other settings or of more epochs.
    """

    def __init__(
        self, folder: CheckpointFolder, settings: Mapping[str, Any], epochs: int | None, resume: bool
    ) -> None:
        self._folder, self._settings = folder, settings
        self._found: Checkpoint | None = None
        files = folder.files()
        if not files:
            return
        steps, newest = files[-1]
        if not resume:
            raise CheckpointError(
                f"fit: checkpoint: {folder.path} has checkpoints of a training (the newest after {steps} "
                "steps); use resume=True to continue it, or another folder"
            )
        try:
            self._found = read_checkpoint(newest)
        except CheckpointError as error:
            cure = f"to resume from {files[-2][1].name}" if len(files) > 1 else "to start again"
            raise CheckpointError(f"{error}; remove it {cure}") from None
        for path, before, now in differences(self._found.settings, settings):
            change = f"{path} was {_shown(before)} and is {_shown(now)} now"
            if path.endswith(".sha256"):
                change = f"{path.removesuffix('.sha256')} has other values now"
            raise CheckpointError(f"fit: cannot resume from {newest}: {change}")
        done = _checked(newest, lambda state: len(state["history"]["epochs"]), self._found.state)
        if epochs is not None and done > epochs:
            raise CheckpointError(f"fit: epochs={epochs}, but {newest} has done {done} epochs already")

    def begin(self, run: RunState) -> None:
        """Restore the run if it is resumed."""
        self._folder.create(_BLOCKS * run.trainer.model.flat_parameters.nbytes)
        if self._found is not None:
            _checked(self._found.path, lambda state: _restore(run, state), self._found.state)
            self._found = None  # releases its arrays

    def after_step(self, run: RunState) -> None:
        """Save the run if it is time."""
        if self._folder.is_due:
            self.save(run)

    def save(self, run: RunState) -> None:
        """Save the run."""
        state = _capture(run)
        self._folder.save(run.position.step, lambda path: write_checkpoint(path, self._settings, state))

    def save_best(self, run: RunState) -> None:
        """Write the model, which is the best so far."""
        training = run.history.to_dict()
        self._folder.save_best(lambda path: serialization.save(run.trainer.model, path, training=training))


def _capture(run: RunState) -> dict[str, Any]:
    """The state of a run between two steps; arrays are not copied."""
    trainer, history, context = run.trainer, run.history, run.context
    steps = history.steps
    return {
        "weights": trainer.model.flat_parameters,
        "frozen": sorted(trainer.model.frozen),
        "optimizer": trainer.optimizer.state_dict(),
        "trainer": {"steps": trainer.steps, "skipped": trainer.skipped},
        "scheduler": None if run.scheduler is None else run.scheduler.state_dict(),
        "average": None if run.average is None else run.average.state_dict(),
        "best": run.best.state_dict(),
        "position": run.position.state_dict(),
        "history": {
            "epochs": [vars(record) for record in history.epochs],
            "best_epoch": history.best_epoch,
            **({} if steps is None else {"loss": np.array(steps.loss), "lr": np.array(steps.lr)}),
        },
        "elapsed": None if run.pace is None else run.pace.elapsed,
        "stop_reason": context.stop_reason,
        "callbacks": {str(i): each.state_dict() for i, each in enumerate(stateful(run.callbacks))},
    }


def _restore(run: RunState, state: Mapping[str, Any]) -> None:
    """Set the state of a run; weights last, after everything has been checked."""
    trainer, history, context, model = run.trainer, run.history, run.context, run.trainer.model
    weights = _block(state["weights"], model.flat_parameters)
    run.position.load_state_dict(state["position"])
    history.epochs[:] = [EpochRecord(**record) for record in state["history"]["epochs"]]
    history.best_epoch = state["history"]["best_epoch"]
    if history.steps is not None:
        history.steps.loss[:] = state["history"]["loss"].tolist()
        history.steps.lr[:] = state["history"]["lr"].tolist()
    run.best.load_state_dict(state["best"])
    if run.best.weights is not None:
        _block(run.best.weights, weights)
    if run.average is not None:
        run.average.load_state_dict(state["average"])
        _block(run.average.values, weights)
    trainer.optimizer.load_state_dict(state["optimizer"])
    trainer.steps, trainer.skipped = int(state["trainer"]["steps"]), int(state["trainer"]["skipped"])
    if run.scheduler is not None:
        run.scheduler.load_state_dict(state["scheduler"])
    if run.pace is not None:
        run.pace.start(float(state["elapsed"]))
    for i, callback in enumerate(stateful(run.callbacks)):
        callback.load_state_dict(state["callbacks"][str(i)])
    context.step, reason = run.position.step, state["stop_reason"]
    if run.pace is not None and reason == "time limit":
        reason = None  # the limit may be another one now
    context.stop_reason = context.stop_reason or reason
    if sorted(model.frozen) != state["frozen"]:
        model.unfreeze()
        if state["frozen"]:
            model.freeze(*state["frozen"])
    model.flat_parameters[:] = weights
    model.mark_changed()


def _block(found: Array, like: Array) -> Array:
    """An array from a file, if it is a parameter block."""
    if found.shape != like.shape or found.dtype != like.dtype:
        raise ValueError(f"{found.dtype} of shape {found.shape}, but the model has {like.shape} {like.dtype}")
    return found


def _checked(path: Path, read: Callable[[dict[str, Any]], Any], state: dict[str, Any]) -> Any:
    try:
        return read(state)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise CheckpointError(
            f"{path}: does not hold a state of this training: {type(error).__name__}: {first_line(error)}"
        ) from error


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

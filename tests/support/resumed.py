"""Trainings of drawn settings that are stopped, resumed and compared; also a program that can be killed.

    python -m tests.support.resumed FOLDER CASE THREADS [STEP]

trains case CASE with checkpoints in FOLDER, and kills itself after STEP steps.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import cnnfast as cf
import numpy as np
from cnnfast import augment, nn, optim
from cnnfast.optim import lr_scheduler

from tests.support.training import At, blobs, images, mlp, untimed

OPTIMIZERS = [
    lambda: optim.SGD(0.3),
    lambda: optim.SGD(0.1, momentum=0.9, nesterov=True, groups=[optim.no_decay()], weight_decay=1e-3),
    lambda: optim.Adam(0.02, amsgrad=True),
    lambda: optim.AdamW(0.02, groups=[optim.Group("*.bias", lr=0.01)]),
    lambda: optim.RMSprop(0.01, momentum=0.5, centered=True),
    lambda: optim.Adagrad(0.05),
]
SCHEDULES: list[Any] = [
    "constant",
    "cosine",
    "one-cycle",
    lr_scheduler.StepLR(2, gamma=0.5),
    lr_scheduler.ChainedScheduler(
        [lr_scheduler.LinearLR(0.1, total_iters=5, by="step"), lr_scheduler.ReduceLROnPlateau(patience=0)]
    ),
]
#: None trains on numbers, the others on images.
AUGMENTATIONS: list[Any] = [
    None,
    [augment.Affine(degrees=10, translate=0.3), augment.PixelFlip(count=1, p=0.5)],
    [augment.HorizontalFlip(alternating=True), augment.MixUp(alpha=0.4)],
]
EPOCHS, STEPS_PER_EPOCH = 4, 4


class Fiddle(cf.Callback):
    """Sets the learning rate by hand, freezes a layer for an epoch, and keeps a state of its own."""

    def __init__(self) -> None:
        self.sum = np.zeros(1)

    def on_batch_end(self, context: cf.Context) -> None:
        self.sum += context.logs["loss"]
        if context.step == 6:
            context.optimizer.lr *= 0.7

    def on_epoch_begin(self, context: cf.Context) -> None:
        context.optimizer.lr *= 0.95

    def on_epoch_end(self, context: cf.Context) -> None:
        if context.epoch == 2:
            context.model.freeze(next(iter(context.model.state_dict())))
        if context.epoch == 3:
            context.model.unfreeze()

    def state_dict(self) -> dict[str, Any]:
        return {"sum": self.sum}

    def load_state_dict(self, state: Any) -> None:
        self.sum = state["sum"].copy()


def settings(case: int) -> dict[str, Any]:
    """The drawn settings of a training; the first cases have every optimizer and every schedule."""
    rng = np.random.default_rng(case)
    return {
        "optimizer": case % len(OPTIMIZERS),
        "schedule": case % len(SCHEDULES),
        "dropout": [0.0, 0.4][rng.integers(2)],
        "batch_norm": bool(rng.integers(2)),
        "ema": [None, 0.9][rng.integers(2)],
        "monitor": [None, "val_loss"][rng.integers(2)],
        "micro_batch": [None, 4][rng.integers(2)],
        "clip_norm": [None, 1.0][rng.integers(2)],
        "augmentation": int(rng.integers(len(AUGMENTATIONS))),
    }


def train(
    case: int, folder: Path | None, *callbacks: cf.Callback, **more: Any
) -> tuple[nn.Module, cf.History, Fiddle]:
    """One training; `folder` None is without checkpoints."""
    drawn, fiddle = settings(case), Fiddle()
    augmentation = AUGMENTATIONS[drawn["augmentation"]]
    data = blobs if augmentation is None else images
    model = mlp(dropout=drawn["dropout"], batch_norm=drawn["batch_norm"], of_images=augmentation is not None)
    checkpoints: dict[str, Any] = {} if folder is None else {"checkpoint": folder, "resume": True}
    history = cf.fit(
        model,
        data(STEPS_PER_EPOCH * 10),
        EPOCHS,
        OPTIMIZERS[drawn["optimizer"]](),
        10,
        seed=case,
        validation=data(30, seed=1),
        schedule=SCHEDULES[drawn["schedule"]],
        ema=drawn["ema"],
        micro_batch=drawn["micro_batch"],
        clip_norm=drawn["clip_norm"],
        augment=augmentation,
        metrics=["f1"],
        history_steps=True,
        callbacks=[fiddle, cf.EarlyStopping(drawn["monitor"], patience=3), *callbacks],
        progress=False,
        **checkpoints,
        **more,
    )
    return model, history, fiddle


def outcome(case: int, folder: Path, result: tuple[nn.Module, cf.History, Fiddle]) -> dict[str, Any]:
    """Everything that must not depend on interruptions."""
    model, history, fiddle = result
    best = cf.load(folder / "best.safetensors")
    return {
        "weights": model.flat_parameters.tobytes(),
        "frozen": model.frozen,
        "history": untimed(history),
        "best checkpoint": best.flat_parameters.tobytes(),
        "callback": fiddle.sum.tobytes(),
    }


def main() -> None:
    folder, case, threads = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    step = int(sys.argv[4]) if len(sys.argv) > 4 else -1
    cf.set_num_threads(threads)

    def kill(context: cf.Context) -> None:
        if context.step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.stdout.write("starts\n")
    sys.stdout.flush()
    train(case, folder, At("batch_end", kill), every_minutes=1e-9 if case % 2 else 10.0)


if __name__ == "__main__":
    main()

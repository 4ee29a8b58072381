"""A training that runs in a thread and can be watched: paused, stepped, reset, with another learning rate."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .._checks import check_number
from ..datasets import ImageDataset
from ..errors import NonFiniteError
from ..nn import Module
from ..optim import Adam
from ..training.trainer import Trainer
from .answer import answer, class_names, kernels

#: Seconds between two views of the network while it learns.
INTERVAL = 0.4
#: Test images that are predicted for each view.
CHUNK = 500
#: Points of the loss curve that a reply has at most, and that are kept.
MOST_POINTS, MOST_KEPT = 400, 4000
#: Seconds without a question for the state, after which the training pauses.
UNWATCHED = 15.0


class Learning:
    """Trains a network in a thread of its own, until `close`. All methods may be called by any thread.

    Args:
        train, test: Images; those of `test` are predicted meanwhile, a part at a time.
        build: Makes the network with new initial weights, from a seed.
        lr: Learning rate of Adam.
        batch_size: Images of a step.
    """

    def __init__(
        self,
        train: ImageDataset,
        test: ImageDataset,
        build: Callable[[int], Module],
        lr: float = 1e-3,
        batch_size: int = 64,
    ) -> None:
        self.train, self.test = train, test
        self._build, self._lr, self._batch_size = build, lr, min(batch_size, len(train))
        self._condition = threading.Condition()
        self._mode = "paused"
        self._asked = time.monotonic()
        self._seed = 0
        self._chosen = test.images[0]
        self._start()
        self._thread = threading.Thread(target=self._run, name="cnnfast-demo-training", daemon=True)
        self._thread.start()

    # ---------------------------------------------------------------- commands

    def run(self) -> None:
        """Goes on with the training."""
        self._set("running")

    def pause(self) -> None:
        self._set("paused")

    def step(self) -> None:
        """Trains one batch, then pauses."""
        self._set("single")

    def close(self) -> None:
        """Ends the thread."""
        self._set("closed")
        self._thread.join()

    def reset(self) -> None:
        """New initial weights, and none of the steps so far."""
        self.pause()
        with self._condition:
            self._seed += 1
            self._start()

    def set_lr(self, lr: float) -> None:
        """The learning rate from the next step on.

        Raises:
            TypeError, ValueError: Not a number above 0 and below 100.
        """
        rate = check_number("demo", "lr", lr, 0, 100)
        with self._condition:
            self._lr = self.optimizer.lr = rate

    def choose(self, number: int) -> None:
        """The test image whose maps are shown."""
        with self._condition:
            self._chosen = self.test.images[number % len(self.test)]
            self._look()

    # ---------------------------------------------------------------- state

    def state(self, since: int = 0) -> dict[str, Any]:
        """What has changed: points of the curves after the step `since`, and the newest view."""
        with self._condition:
            self._asked = time.monotonic()
            points = [point for point in self._losses if point[0] > since]
            return {
                "mode": "paused" if self._mode == "single" else self._mode,
                "step": self._steps,
                "epoch": round(self._steps * self._batch_size / len(self.train), 2),
                "lr": self._lr,
                "images_per_second": round(self._speed),
                "losses": points[:: max(1, len(points) // MOST_POINTS)],
                "accuracies": [point for point in self._accuracies if point[0] > since],
                "confusion": self._confusion.tolist(),
                "classes": class_names(self.model),
                "view": self._view,
                "error": self._error,
            }

    def copy_of_model(self) -> Module:
        """The network as it is now."""
        with self._condition:
            model = self._build(self._seed)
            model.load_state_dict(self.model.state_dict())
            model.classes = self.train.classes
            return model

    # ---------------------------------------------------------------- the thread

    def _set(self, mode: str) -> None:
        with self._condition:
            if self._mode != "closed":
                self._mode = mode
            self._condition.notify_all()

    def _start(self) -> None:
        self.model = self._build(self._seed)
        self.model.classes = self.train.classes
        self.optimizer = Adam(lr=self._lr)
        self._trainer = Trainer(self.model, self.optimizer, seed=self._seed)
        self._draw = np.random.default_rng(self._seed)
        self._order = np.zeros(0, np.int64)
        self._steps, self._speed, self._error = 0, 0.0, ""
        self._losses: list[tuple[int, float]] = []
        self._accuracies: list[tuple[int, float]] = []
        classes = len(self.train.classes)
        self._confusion, self._tested = np.zeros((classes, classes), np.int64), 0
        self._tested_model = copy.deepcopy(self.model)
        self._look()

    def _run(self) -> None:
        seen, began = 0, time.monotonic()
        while True:
            with self._condition:
                while self._mode == "paused":
                    self._condition.wait()
                    seen, began = 0, time.monotonic()
                if self._mode == "closed":
                    return
                single = self._mode == "single"
                if not single and time.monotonic() - self._asked > UNWATCHED:
                    self._mode = "paused"  # the page was closed
                    continue
                seen += self._one_step()
                elapsed = time.monotonic() - began
                if single:
                    self._mode = "paused" if self._mode == "single" else self._mode
                if self._error == "" and (single or elapsed > INTERVAL or self._mode == "paused"):
                    self._speed = seen / max(elapsed, 1e-6)
                    self._test_some()
                    self._look(with_gradient=single)
                    seen, began = 0, time.monotonic()
            time.sleep(0)  # lets a waiting request take the lock

    def _one_step(self) -> int:
        """Trains one batch; the number of its images."""
        if len(self._order) < self._batch_size:
            self._order = self._draw.permutation(len(self.train))
        rows, self._order = self._order[: self._batch_size], self._order[self._batch_size :]
        try:
            loss = self._trainer.step(self.train.images, self.train.labels, rows)
        except NonFiniteError as error:
            self._error, self._mode = f"stopped: {error}", "paused"
            return 0
        self._steps += 1
        self._losses.append((self._steps, round(loss, 5)))
        if len(self._losses) > MOST_KEPT:
            del self._losses[::2]
        return len(rows)

    def _test_some(self) -> None:
        """Predicts the next test images: the accuracy is that of the network as it is now. The confusion
        matrix has the predictions of the network as it was at the first test image, so that a whole matrix
        is that of one network; after the last image it starts again.
        """
        if self._tested >= len(self.test):
            self._confusion[...] = 0
            self._tested = 0
        if self._tested == 0:
            self._tested_model.flat_parameters[:] = self.model.flat_parameters
            self._tested_model.mark_changed()
        part = slice(self._tested, self._tested + CHUNK)
        images, labels = self.test.images[part], self.test.labels[part]
        np.add.at(self._confusion, (labels, self._tested_model.predict(images)), 1)
        self._tested += len(labels)
        accuracy = float(np.mean(labels == self.model.predict(images)))
        self._accuracies.append((self._steps, round(accuracy, 5)))

    def _look(self, with_gradient: bool = False) -> None:
        """A view of the network as it is now."""
        shape = self.model.input_shape
        pixels = self._chosen.reshape(shape) if shape is not None else self._chosen
        self._view = {
            **answer(self.model, pixels),
            "kernels": kernels(self.model),
            "gradient": kernels(self.model, gradients=True) if with_gradient else None,
        }

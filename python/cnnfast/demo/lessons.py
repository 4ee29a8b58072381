"""The user's own drawings with their labels, and what a network learns from them."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence

import numpy as np

from .._types import Array
from ..augment import Affine
from ..datasets import ImageDataset
from ..nn import Module
from ..optim import Adam
from ..training.trainer import Trainer
from .answer import class_names

#: Drawings that are kept.
MOST = 1000
#: Images of a step: half of them drawings, half of the training set, so that these are not forgotten.
BATCH = 64


class Lessons:
    """Labeled drawings.

    Args:
        classes: Names of the network's classes.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self._images: list[Array] = []
        self._labels: list[int] = []

    def __len__(self) -> int:
        return len(self._images)

    def add(self, pixels: Array, label: str) -> None:
        """Adds one drawing.

        Args:
            pixels: uint8 (c, h, w), as the network reads it.
            label: Name of its class.

        Raises:
            ValueError: An unknown class, or too many drawings.
        """
        if label not in self.classes:
            raise ValueError(f"label: {label!r} is not one of {', '.join(self.classes)}")
        if len(self) >= MOST:
            raise ValueError(f"{MOST} drawings are kept, no more; save them and start again")
        self._images.append(pixels)
        self._labels.append(self.classes.index(label))

    def counts(self) -> dict[str, int]:
        """Number of drawings of each class that has some."""
        return {name: self._labels.count(k) for k, name in enumerate(self.classes) if k in self._labels}

    def dataset(self) -> ImageDataset:
        """The drawings as a data set.

        Raises:
            ValueError: There are none.
        """
        if not self._images:
            raise ValueError("no drawing has a label yet")
        return ImageDataset(np.stack(self._images), np.array(self._labels), self.classes, "drawings")

    def npz(self) -> bytes:
        """The file of `dataset`: images and labels, the class names as text, read by `datasets.from_npz`."""
        data = self.dataset()
        file = io.BytesIO()
        labels = np.array([self.classes[k] for k in data.labels])
        np.savez_compressed(
            file, images=data.images.squeeze(1) if data.images.shape[1] == 1 else data.images, labels=labels
        )
        return file.getvalue()

    def tune(self, model: Module, train: ImageDataset | None, seconds: float = 1.0, lr: float = 5e-4) -> int:
        """Trains the model on the drawings for some time; returns the number of steps.

        Args:
            model: Changed in place.
            train: Images it was trained on, which make up half of each batch if they are there.
            seconds: Time.
            lr: Learning rate of Adam.

        Raises:
            ValueError: There are no drawings.
        """
        own = self.dataset()
        images, labels = own.images, own.labels
        share = BATCH if train is None else BATCH // 2
        draw = np.random.default_rng(len(own))
        trainer = Trainer(
            model, Adam(lr=lr), augment=Affine(degrees=8, translate=0.06, scale=(0.9, 1.1), shear=6)
        )
        steps, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            rows = draw.integers(len(own), size=share)
            x, y = images[rows], labels[rows]
            if train is not None:
                others = draw.integers(len(train), size=BATCH - share)
                x = np.concatenate([x, train.images[others].reshape(-1, *x.shape[1:])])
                y = np.concatenate([y, train.labels[others]])
            trainer.step(x, y)
            steps += 1
        return steps


def lessons_for(model: Module) -> Lessons:
    """No drawings yet, of the model's classes."""
    return Lessons(class_names(model))

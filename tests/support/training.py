"""Small trainings for tests of callbacks, averages and checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from cnnfast import Callback, Context, nn


def blobs(n: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points of three classes that overlap a little."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    return (rng.standard_normal((n, 5)) + 1.5 * np.eye(3, 5)[y]).astype(np.float32), y


def images(n: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The same as images of 1x5 pixels."""
    x, y = blobs(n, seed)
    return np.clip(128 + 40 * x, 0, 255).astype(np.uint8).reshape(n, 1, 5), y


def mlp(
    seed: int = 0, *, dropout: float = 0.0, batch_norm: bool = False, of_images: bool = False
) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()] if of_images else []
    layers += [nn.Linear(5, 6)]
    layers += [nn.BatchNorm1d(6)] if batch_norm else []
    layers += [nn.Tanh()]
    layers += [nn.Dropout(dropout)] if dropout else []
    shape = (1, 1, 5) if of_images else (5,)
    return nn.Sequential(*layers, nn.Linear(6, 3), input_shape=shape, seed=seed)


class At(Callback):
    """Calls a function in one kind of moment; `at("batch_end", print)`."""

    def __init__(self, moment: str, call: Callable[[Context], object]) -> None:
        setattr(self, f"on_{moment}", call)


class Rates(Callback):
    """Records the learning rate of each step."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def on_batch_end(self, context: Context) -> None:
        self.found.append(context.logs["lr"])


def untimed(history: Any) -> dict[str, Any]:
    """The history without its times."""
    plain: dict[str, Any] = history.to_dict()
    for record in plain["epochs"]:
        for name in ("seconds", "val_seconds", "images_per_second"):
            del record[name]
    return plain

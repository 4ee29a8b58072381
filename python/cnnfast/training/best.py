"""`Best`: the weights of the best epoch so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._types import Array


class Best:
    """The weights of the epoch with the highest score.

    Attributes:
        epoch: Number of that epoch; None before the first.
        weights: A copy of its flat parameters.
    """

    def __init__(self) -> None:
        self.epoch: int | None = None
        self.weights: Array | None = None
        self._score: tuple[float, ...] = ()

    def offer(self, epoch: int, score: tuple[float, ...], weights: Array) -> bool:
        """Keeps a copy of the weights if the score is higher than all before."""
        if self.weights is not None and score <= self._score:
            return False
        self.epoch, self._score, self.weights = epoch, score, weights.copy()
        return True

    def state_dict(self) -> dict[str, Any]:
        """Epoch and score as plain data; and the weights, if there are any."""
        state: dict[str, Any] = {"epoch": self.epoch, "score": list(self._score)}
        return state if self.weights is None else {**state, "weights": self.weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict()`."""
        self.epoch, self._score = state["epoch"], tuple(float(value) for value in state["score"])
        weights = state.get("weights")
        self.weights = None if weights is None else weights.copy()

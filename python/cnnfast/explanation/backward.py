"""`Backward`: the gradients of one image's loss, and what an optimizer step would change."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from .._types import Array
from ..nn.trace import mean_loss
from .network import Network
from .objective import Objective


class Backward:
    """A backward pass.

    Args:
        who: Start of error messages.
        network: With the values of the image.
        objective: The loss.

    Attributes:
        loss: Its value.
        of_loss: Its gradient by the value that it reads.
        gradients: d loss / d value of each value, without batch axis.
        of_parameters: d loss / d parameter by name, buffers included.
    """

    def __init__(self, who: str, network: Network, objective: Objective) -> None:
        self.network, self.objective, self._who = network, objective, who
        run = network.run(network.values[0][None], training=True)
        self.loss, dy = self._loss(run.values[objective.value])
        self.of_loss = dy[0]
        of_values, self._flat = run.backward({objective.value: dy})
        self.gradients = [gradient[0] for gradient in of_values]
        self.of_parameters = network.by_name(self._flat)

    def _loss(self, y: Array) -> tuple[float, Array]:
        return mean_loss(self._who, self.objective.loss, y, self.objective.target)

    @cached_property
    def _read_by_loss(self) -> set[int]:
        """The values that the loss depends on."""
        needed = {self.objective.value}
        for value in range(self.objective.value, 0, -1):
            if value in needed:
                needed.update(self.network.steps[value - 1].inputs)
        return needed

    def reaches(self, value: int) -> bool:
        """Whether the loss depends on a value."""
        return value in self._read_by_loss

    def step(self, lr: float) -> tuple[dict[str, Array], float]:
        """The parameters after one step of SGD, and the loss of the image with them. The gradients of buffers
        are 0.
        """
        flat = self.network.flat - lr * self._flat
        run = self.network.run(self.network.values[0][None], flat)
        return self.network.by_name(flat), self._loss(run.values[self.objective.value])[0]


def score_gradients(network: Network, value: int, index: int, sign: float = 1.0) -> list[Array]:
    """The gradient of one number of a value, the score of a class, by every value."""
    run = network.run(network.values[0][None], training=True)
    dy = np.zeros_like(run.values[value])
    dy[0, index] = sign
    return [gradient[0] for gradient in run.backward({value: dy})[0]]

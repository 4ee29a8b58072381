"""`Memory`: the memory that a network needs for a batch, predicted without running it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._checks import check_integer, type_of
from .._text import scaled

if TYPE_CHECKING:
    from .planned import Planned


@dataclass(frozen=True)
class Memory:
    """Bytes that inference or a training step needs at its peak; `print` shows them with units.

    Attributes:
        batch: Number of images.
        training: Whether it is of a training step.
        parameters: Parameters and buffers.
        gradients: Their gradients, and parts of them that are summed later.
        optimizer: State of the optimizer.
        weights: The weights again, in the layout of the kernels.
        values: Outputs of the layers, their gradients and scratch memory.
        arrays: The batch: input and output, or input and labels.
    """

    batch: int
    training: bool
    parameters: int
    gradients: int
    optimizer: int
    weights: int
    values: int
    arrays: int

    @property
    def total(self) -> int:
        """Sum of all parts."""
        return self.parameters + self.gradients + self.optimizer + self.weights + self.values + self.arrays

    def __str__(self) -> str:
        """
        Example:
            >>> print(Memory(8, False, 4_000_000, 0, 0, 4_000_000, 1_500_000, 25_000))
            9.53 MB: parameters 4.00 MB, packed weights 4.00 MB, values 1.50 MB, batch 25.0 kB
        """
        parts = {
            "parameters": self.parameters,
            "gradients": self.gradients,
            "optimizer": self.optimizer,
            "packed weights": self.weights,
            "values": self.values,
            "batch": self.arrays,
        }
        shown = ", ".join(f"{name} {scaled(size, 'B')}" for name, size in parts.items() if size)
        return f"{scaled(self.total, 'B')}: {shown}"


def memory_of(model: Planned, batch: int, training: bool, optimizer: Any) -> Memory:
    """See `Planned.memory`."""
    who = f"{type(model).__name__}.memory"
    batch = check_integer(who, "batch", batch, 1)
    if optimizer is not None and not training:
        raise ValueError(f"{who}: an optimizer has state in training only; use training=True")
    if optimizer is not None and not hasattr(optimizer, "num_state_arrays"):
        raise TypeError(f"{who}: optimizer must be an Optimizer, got {type_of(optimizer)}")
    plan = model.plan()
    engine = plan.memory(batch, training)
    parameters = model.flat_parameters.nbytes
    elements = math.prod(plan.input_shape) + (0 if training else math.prod(plan.output_shape))
    return Memory(
        batch=batch,
        training=training,
        parameters=parameters,
        gradients=parameters + engine["shards"] if training else 0,
        optimizer=0 if optimizer is None else optimizer.num_state_arrays * parameters,
        weights=engine["packed"],
        values=max(engine["folded"], engine["arenas"] + engine["batch"]),
        arrays=batch * (elements * model.dtype.itemsize + (8 if training else 0)),
    )

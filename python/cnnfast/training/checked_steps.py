"""`CheckedSteps`: steps on input that was checked, the part of a trainer that runs for every batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._core import Augmentation as EngineAugmentation
from .._core import Plan
from .._types import Array, Labels
from ..augment import Augmentation
from ..errors import NonFiniteError
from ..losses import Loss
from ..nn import Module
from ..nn.freezing import buffer_places
from ..optim import Optimizer
from ..optim.clipping import Gradients
from ..optim.overflow import FiniteSteps
from .accumulator import BatchResult, GradientAccumulator
from .batching import batch_slices, check_rows
from .frozen_parameters import FrozenParameters

#: Difference between the dropout seeds of successive parts of a batch: odd and large.
_PART_SEED_STRIDE = 0x9E3779B97F4A7C15
#: Row numbers, and weights of rows, or none.
Rows = Labels | None
Weights = Array | None
#: Attributes that `_attach` sets.
_DERIVED_NAMES = "_engine_loss _params _grads _frozen _updates _averages _accumulator _augment"
_DERIVED = frozenset(_DERIVED_NAMES.split())


class CheckedSteps:
    """Forward, loss, backward, clipping and update.

    Args:
        model, optimizer, loss, seed: As in `Trainer`, checked.
        clip: Clips the gradients in place.
        augment: Changes images.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        loss: Loss,
        seed: int,
        clip: Callable[[Gradients], object] | None,
        augment: Augmentation | None,
    ) -> None:
        self.model, self.optimizer, self.loss = model, optimizer, loss
        self._clip, self._seed, self.augment = clip, seed, augment
        #: Number of updates, and of skipped steps.
        self.steps, self.skipped = 0, 0
        self.epoch: int | None = None
        self._attach()

    def _attach(self) -> None:
        """Set what is derived from the model, the optimizer and the loss."""
        model, optimizer = self.model, self.optimizer
        self._engine_loss = self.loss.engine_loss()
        self._params, self._grads = model.flat_parameters, model.flat_gradients
        optimizer.bind(self._params, model.named_shapes(), model.buffer_names())
        self._frozen = FrozenParameters(model, optimizer)
        self._updates = FiniteSteps(optimizer)
        self._accumulator = GradientAccumulator(self._grads)
        self._averages = buffer_places(model)
        self._averages_before: Array | None = None
        self._augment = None if self.augment is None else self.augment.engine

    def __getstate__(self) -> dict[str, Any]:
        kept = {name: value for name, value in self.__dict__.items() if name not in _DERIVED}
        return {**kept, "_parts": {k: v for k, v in vars(self._accumulator).items() if k != "_grads"}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        parts = state.pop("_parts")
        before = state["_averages_before"]
        self.__dict__.update(state)
        self._attach()
        self._averages_before = before
        vars(self._accumulator).update(parts)

    def step_checked(
        self,
        plan: Plan,
        x: Array,
        y: Array,
        index: Labels | None,
        micro_batch: int | None = None,
        origin: Labels | None = None,
        weights: Array | None = None,
    ) -> BatchResult:
        """One step on checked input, as `_checked` returns it."""
        if self._accumulator.rows > 0:
            raise RuntimeError(
                f"Trainer: {self._accumulator.rows} accumulated rows are pending; call update() before step()"
            )
        n = len(x) if index is None else len(index)
        if micro_batch is not None and n > micro_batch:
            parts = batch_slices("Trainer", "micro_batch", n, micro_batch, plan.smallest_batch)
            rows = np.arange(n) if index is None else index
            check_rows("Trainer", rows, len(x))
            return self._step_in_parts(plan, x, y, [rows[part] for part in parts], origin, weights)
        result = self._forward_backward(plan, x, y, index, origin, weights)
        if result.weight == 0:
            self.skipped += 1
        else:
            self._apply(result)
            self._move_averages(plan)
        return result

    def _step_in_parts(
        self, plan: Plan, x: Array, y: Array, parts: list[Labels], origin: Rows, weights: Weights
    ) -> BatchResult:
        try:
            for rows in parts:
                self._accumulate(plan, x, y, rows, origin, weights)
            return self._apply_accumulated()
        except BaseException:
            self._discard()
            raise

    def _forward_backward(
        self, plan: Plan, x: Array, y: Array, index: Rows, origin: Rows, weights: Weights
    ) -> BatchResult:
        """Compute the gradients of these rows and check that they are finite."""
        self._frozen.update()
        loss, seed, frozen = self._engine_loss, self._dropout_seed(), self._frozen.ranges
        given = (x, y, self._params, self._grads, index, loss, seed, frozen, origin, *self._augmentation())
        more: dict[str, Any] = {} if weights is None else {"sample_weight": weights}
        result = BatchResult(*plan.loss_and_grad(*given, **more))
        if result.weight > 0:
            self._check_finite(result)
        return result

    def _accumulate(
        self, plan: Plan, x: Array, y: Array, index: Rows, origin: Rows, weights: Weights
    ) -> float:
        if self._accumulator.rows == 0 and plan.has_buffers:
            self._averages_before = self._params[self._averages]
        result = self._forward_backward(plan, x, y, index, origin, weights)
        if result.weight > 0:
            self._move_averages(plan)
        self._accumulator.add(result, len(x) if index is None else len(index))
        return result.loss

    def _apply_accumulated(self) -> BatchResult:
        result = self._accumulator.mean()
        if result.weight == 0:
            self.skipped += 1
        else:
            self._check_finite(result)  # the sum may overflow even if no part did
            self._apply(result)
        self._averages_before = None
        return result

    def _discard(self) -> None:
        """Discard the accumulated parts, and restore the running averages."""
        self._accumulator.clear()
        if self._averages_before is not None:
            self._params[self._averages] = self._averages_before
            self._averages_before = None
            self.model.mark_changed()

    def _move_averages(self, plan: Plan) -> None:
        if plan.has_buffers:
            plan.update_buffers(self._params, self._grads)
            self.model.mark_changed()

    def _check_finite(self, result: BatchResult) -> None:
        loss = result.loss
        if not math.isfinite(loss) or not math.isfinite(result.largest):
            raise self._non_finite_error(
                f"the gradient (loss {loss:.4g})" if math.isfinite(loss) else f"the loss ({loss})", loss
            )

    def _apply(self, result: BatchResult) -> None:
        """Clip the gradients and update the parameters."""
        self._frozen.update()
        if self._clip is not None:
            self._clip(self.optimizer.active_gradients(self._grads))
        if not self._updates.step(self._params, self._grads, result.largest):
            raise self._non_finite_error(f"a weight after the update (loss {result.loss:.4g})", result.loss)
        self.model.mark_changed()
        self.steps += 1

    def _augmentation(self) -> tuple[EngineAugmentation, int, int] | tuple[()]:
        if self._augment is None:
            return ()
        return self._augment, self._seed % 2**64, self.optimizer.steps if self.epoch is None else self.epoch

    def _dropout_seed(self) -> int:
        """The dropout seed, different for each step and each part of its batch."""
        return (
            (self._seed << 32 ^ self.optimizer.steps) + self._accumulator.parts * _PART_SEED_STRIDE
        ) % 2**64

    def _non_finite_error(self, what: str, loss: float) -> NonFiniteError:
        step = self.steps + 1
        where = f"step {step}" if self.epoch is None else f"step {step} (epoch {self.epoch})"
        return NonFiniteError(
            f"{what} is not finite at {where}; the model keeps the weights it had before that step; "
            f"try a smaller lr (now {self.optimizer.lr:g}) and check the input",
            step=step,
            epoch=self.epoch,
            loss=loss,
        )

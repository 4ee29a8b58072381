"""`Trainer`: training steps, each forward, loss, backward and update of one batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import check_integer, type_of
from .._core import Plan
from .._types import Array, Labels
from ..augment.parse import Augment, as_augmentation
from ..errors import NonFiniteError
from ..losses import Loss, as_loss, targets
from ..nn import Module
from ..optim import Optimizer
from ..optim.clipping import clipping
from ..optim.optimizer import check_optimizer
from .augmentable import check_augmentable, check_weighable
from .batching import copied_rows, must_copy_rows, row_numbers, sample_weights
from .checked_steps import CheckedSteps


class Trainer(CheckedSteps):
    """Performs training steps: forward, loss, backward and update of one batch.

    A step in which all rows are ignored (all labels are the loss's `ignore_index`, or of classes of weight 0)
    is skipped: weights, optimizer and running averages do not change, and `skipped` is incremented. Nor does
    a step that fails or is interrupted by Ctrl-C change them. A copy (`copy.deepcopy`, pickle) has its own
    model and optimizer and continues bitwise equally.

    Args:
        model: Trained in place.
        optimizer: Bound to this model from now on.
        loss: "cross_entropy" for a model that outputs logits, "nll" for one that ends in LogSoftmax; another
            name or an object of `cnnfast.losses`.
        seed: Seed for dropout, combined with the optimizer's step count.
        clip_norm: Gradients are scaled so that their total norm is at most this (`clip_grad_norm_`).
        clip_value: Each gradient entry is clamped to [-clip_value, clip_value] (`clip_grad_value_`).
        augment: Random changes of uint8 images, see `cnnfast.augment`. They follow from the seed, from
            `epoch` (while it is None, from the step count) and from the row of each image.

    Raises:
        TypeError: Not a Module, not an Optimizer.
        ValueError: An unknown loss, one that does not fit the last layer, a model without parameters, or both
            kinds of clipping.

    Example:
        >>> from cnnfast import models, optim
        >>> trainer = Trainer(models.d4(seed=0), optim.SGD(lr=0.1))
        >>> x, y = np.zeros((4, 28, 28), dtype=np.uint8), np.array([3, 3, 3, 3])
        >>> losses = [trainer.step(x, y) for _ in range(5)]
        >>> losses[-1] < losses[0]
        True
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        loss: Loss | str = "cross_entropy",
        seed: int = 0,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        augment: Augment = None,
    ) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"Trainer: model must be a Module, got {type_of(model)}")
        check_optimizer("Trainer", optimizer)
        loss = as_loss("Trainer", loss)
        model.check_loss("Trainer", loss, model.num_outputs())
        if model.num_parameters() == 0:
            raise ValueError("Trainer: the model has no parameters to train")
        clip = clipping("Trainer", clip_norm, clip_value)
        seed = check_integer("Trainer", "seed", seed, 0)
        super().__init__(model, optimizer, loss, seed, clip, as_augmentation("Trainer", augment))
        model.record_loss(loss, model.num_outputs())
        self._started = False

    def step(
        self,
        x: Array,
        y: Array,
        index: Any = None,
        micro_batch: int | None = None,
        *,
        sample_weight: Any = None,
    ) -> float:
        """Update the parameters from one batch.

        Frozen parameters (`Module.freeze`) and their optimizer state do not change; their gradients count as
        0.

        Args:
            x: (n, *input_shape) in the model's dtype, or uint8 images.
            y: (n,) integers, the class of each row, or (n, h, w), that of each position of an output
                (c, h, w); for regression losses, an array of the shape and dtype of the output.
            index: Rows of x and y that form the batch: integers, or a boolean mask of n entries; None uses
                all. Contiguous arrays of x's dtypes and int64 labels are read in place; of others only these
                rows are copied.
            micro_batch: Compute the gradient from this many rows at a time and accumulate it, as `accumulate`
                and `update` do; None uses all at once. The result is equal up to rounding. A last part of one
                row is merged with the previous one if batch normalization needs more.
            sample_weight: (n,), weights of the rows of x in the loss, at least 0: the mean is the weighted
                sum over the batch, divided by the sum of the weights (times those of classes). None: all 1.

        Returns:
            The batch's mean loss before the update; NaN if all rows are ignored and the step is skipped.

        Raises:
            NonFiniteError: The loss, a gradient or the updated weights are not finite; the weights are those
                before the step.
            TypeError, ValueError: Invalid input.
            RuntimeError: Accumulated rows are pending; call `update` first.
        """
        if micro_batch is not None:
            micro_batch = check_integer("Trainer", "micro_batch", micro_batch, 1)
        plan, x_in, y_in, rows, origin = self._checked(x, y, index)
        weights = self._weights(sample_weight, len(x), origin)
        return self.step_checked(plan, x_in, y_in, rows, micro_batch, origin, weights).loss

    def accumulate(self, x: Array, y: Array, index: Any = None, *, sample_weight: Any = None) -> float:
        """Accumulate the gradient of these rows for the next `update`: for batches that arrive in parts.

        Parts may have any sizes: every row has the same weight, and the result equals one `step` on all rows
        up to rounding; the same parts give the same bits. Batch normalization uses the statistics of each
        part, and dropout draws a new mask for each. A part in which all rows are ignored adds nothing.
        Arguments and errors as in `step`; NonFiniteError discards the accumulated parts.

        Returns:
            Mean loss of these rows; NaN if all are ignored.

        Example:
            >>> from cnnfast import models, optim
            >>> trainer = Trainer(models.d4(seed=0), optim.SGD(lr=0.1))
            >>> x, y = np.zeros((8, 28, 28), dtype=np.uint8), np.arange(8)
            >>> parts = [trainer.accumulate(x[i : i + 4], y[i : i + 4]) for i in (0, 4)]
            >>> trainer.update() == sum(parts) / 2
            True
        """
        checked = self._checked(x, y, index)
        weights = self._weights(sample_weight, len(x), checked[-1])
        try:
            return self._accumulate(*checked, weights)
        except NonFiniteError:
            self._discard()
            raise

    def update(self) -> float:
        """Update the parameters from all accumulated rows.

        Returns:
            Their mean loss; NaN if all are ignored and the update is skipped.

        Raises:
            RuntimeError: There are none.
            NonFiniteError: As in `step`.
        """
        if self._accumulator.rows == 0:
            raise RuntimeError("Trainer: nothing to update from; call accumulate() before update()")
        try:
            return self._apply_accumulated().loss
        except BaseException:
            self._discard()
            raise

    def _checked(self, x: Any, y: Any, index: Any) -> tuple[Plan, Array, Array, Labels | None, Labels | None]:
        """(plan, x, y, index, origin) as the engine takes them. Rows it cannot read in place are copied; then
        index is None and origin has their numbers.
        """
        model = self.model
        if model.flat_parameters is not self._params:
            raise ValueError(
                "Trainer: the model's parameters were moved (by to(), a replaced layer, or into a container) "
                "since the Trainer was made; make a new one"
            )
        rows: Labels | None = None
        origin: Labels | None = None
        if index is not None and isinstance(x, np.ndarray) and x.ndim > 0:
            rows = row_numbers("Trainer", index, len(x))
            if must_copy_rows(x, y, self.loss):
                x, y = copied_rows("Trainer", x, y, rows)
                rows, origin = None, rows
        plan, x = model.prepare(x)
        if not self._started:
            model.check_loss("Trainer", self.loss, plan.output_shape[0])
            model.record_loss(self.loss, plan.output_shape[0])
            model.record_input(x)
            check_augmentable("Trainer", self.augment, model, x, y)
            self._started = True
        y = targets("Trainer", "y", y, self.loss, plan.output_shape, model.dtype, len(x))
        return plan, x, y, rows, origin

    def _weights(self, value: object, n: int, origin: Labels | None) -> Array | None:
        """The weights of n rows, or of those that were copied."""
        weights = sample_weights("Trainer", value, n)
        if weights is None:
            return None
        check_weighable("Trainer", self.augment)
        return weights if origin is None else weights[origin]

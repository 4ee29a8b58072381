"""`Trainer`: training steps, each forward, loss, backward and update of one batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ._core import Plan, all_finite
from .border import Array, Labels, type_of, whole_number
from .errors import NonFiniteError
from .frozen import Frozen
from .gathered import Gathered
from .losses import Loss, as_loss, targets
from .nn import Module
from .nn.task import check_loss
from .optim import Optimizer
from .optim.clipping import clipping
from .optim.optimizer import check_optimizer

if TYPE_CHECKING:
    pass

#: From the noise of one part of a batch to that of the next: odd, and far from small numbers.
_NEXT_PART = 0x9E3779B97F4A7C15


class Trainer:
    """Makes training steps: forward, loss, backward and update of one batch.

    Args:
        model: Trained in place.
        optimizer: Serves this model from now on.
        loss: "cross_entropy" for a model that puts out logits, "nll" for one that ends in LogSoftmax; another
            name or an object of `cnnfast.losses`.
        seed: Of what dropout draws; it goes on with the optimiser's steps.
        clip_norm: Gradients are scaled so that the norm of all together is at most this (`clip_grad_norm_`).
        clip_value: Each gradient is brought into [-clip_value, clip_value] (`clip_grad_value_`).

    Raises:
        TypeError: Not a Module, not an Optimizer.
        ValueError: An unknown loss, one that does not fit the end of the model, a model without parameters,
            both ways of clipping at once.

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
    ) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"Trainer: model must be a Module, got {type_of(model)}")
        check_optimizer("Trainer", optimizer)
        loss = as_loss("Trainer", loss)
        check_loss("Trainer", loss, model._output_kind, model._task, model._outputs())
        if model.num_parameters() == 0:
            raise ValueError("Trainer: the model has no parameters to train")
        self.model, self.optimizer, self.loss = model, optimizer, loss
        self._engine_loss = loss._engine()
        self._clip = clipping("Trainer", clip_norm, clip_value)
        self._params, self._grads = model._values, model._flat_gradients
        optimizer.bind(self._params, model._named_shapes(), model._buffer_names())
        self._seed = whole_number("Trainer", "seed", seed, 0)
        self._frozen = Frozen(model, optimizer)
        self._gathered = Gathered(self._grads)
        self.steps = 0
        self._epoch: int | None = None
        model._train_for(loss, model._outputs())
        self._started = False

    def step(self, x: Array, y: Array, index: Labels | None = None, micro_batch: int | None = None) -> float:
        """One update from one batch.

        Frozen parameters (`Module.freeze`) stay as they are, and so does what the optimiser remembers of
        them; their gradients count as 0.

        Args:
            x: (n, *input_shape) in the model's dtype, or uint8 pictures.
            y: (n,) integers, the class of each row, or (n, h, w), that of each position of an output
                (c, h, w); for losses of numbers, an array of the shape and dtype of the output.
            index: int64, rows of x and y that make the batch; None takes all. Nothing is copied in Python.
            micro_batch: Compute the gradient from this many rows at a time and add it up, as `accumulate` and
                `update` do; None takes them all at once. The mean is the same but for rounding.

        Returns:
            The batch's mean loss, before the update.

        Raises:
            NonFiniteError: The loss or a gradient is not finite; the weights are still those before the step.
            TypeError, ValueError: An input that does not fit.
            RuntimeError: Rows that were accumulated still wait for `update`.
        """
        plan, x, y = self._checked(x, y)
        if micro_batch is not None:
            micro_batch = whole_number("Trainer", "micro_batch", micro_batch, 1)
        return self._advance(plan, x, y, index, micro_batch)[0]

    def accumulate(self, x: Array, y: Array, index: Labels | None = None) -> float:
        """Add these rows to the batch that the next `update` learns from: for batches that come in parts.

        Any number of parts of any sizes: every row counts alike, and the result is that of one `step` on all
        rows but for rounding; the same parts give the same bits. What depends on the batch as such goes by
        parts: batch normalisation takes the statistics of each, and dropout draws anew. Arguments and errors
        as `step`; NonFiniteError drops what had been added.

        Returns:
            Mean loss of these rows.

        Example:
            >>> from cnnfast import models, optim
            >>> trainer = Trainer(models.d4(seed=0), optim.SGD(lr=0.1))
            >>> x, y = np.zeros((8, 28, 28), dtype=np.uint8), np.arange(8)
            >>> parts = [trainer.accumulate(x[i : i + 4], y[i : i + 4]) for i in (0, 4)]
            >>> trainer.update() == sum(parts) / 2
            True
        """
        return self._gather(*self._checked(x, y), index)

    def update(self) -> float:
        """One update from all rows that were accumulated.

        Returns:
            Their mean loss.

        Raises:
            RuntimeError: There are none.
            NonFiniteError: As `step`.
        """
        if self._gathered.rows == 0:
            raise RuntimeError("Trainer: update needs an accumulate before it")
        return self._apply_gathered()[0]

    def _checked(self, x: Array, y: Array) -> tuple[Plan, Array, Array]:
        if self.model._values is not self._params:
            raise ValueError(
                "Trainer: the model's parameters were moved (by to(), or into a container) since the "
                "Trainer was made; make a new one"
            )
        plan, x = self.model._prepare(x)
        if not self._started:
            check_loss("Trainer", self.loss, self.model._output_kind, self.model._task, plan.output_shape[0])
            self.model._train_for(self.loss, plan.output_shape[0])
            self.model._train_on(x)
            self._started = True
        return plan, x, targets("Trainer", "y", y, self.loss, plan.output_shape, self.model.dtype, len(x))

    def _advance(
        self, plan: Plan, x: Array, y: Array, index: Labels | None, micro_batch: int | None = None
    ) -> tuple[float, int]:
        """A step on checked input: (mean loss, number of right answers)."""
        if self._gathered.rows > 0:
            raise RuntimeError(
                f"Trainer: {self._gathered.rows} accumulated rows wait for update(); call it before step()"
            )
        if micro_batch is None:
            return self._apply(*self._pass(plan, x, y, index))
        rows = np.arange(len(x)) if index is None else index
        if len(rows) <= micro_batch:
            return self._apply(*self._pass(plan, x, y, index))
        for start in range(0, len(rows), micro_batch):
            self._gather(plan, x, y, rows[start : start + micro_batch])
        return self._apply_gathered()

    def _pass(self, plan: Plan, x: Array, y: Array, index: Labels | None) -> tuple[float, int]:
        """Gradients of these rows, seen to be finite, and running averages that have moved."""
        params, grads = self._params, self._grads
        loss, correct = plan.loss_and_grad(x, y, params, grads, index, self._engine_loss, self._noise())
        self._frozen.clear(grads)
        self._check(loss)
        if plan.has_buffers:
            plan.update_buffers(params, grads)
            self.model._block.touch()
        return loss, correct

    def _gather(self, plan: Plan, x: Array, y: Array, index: Labels | None) -> float:
        loss, correct = self._pass(plan, x, y, index)
        chosen = y if index is None else y[index]
        self._gathered.add(loss, correct, len(chosen), self.loss._count(chosen))
        return loss

    def _apply_gathered(self) -> tuple[float, int]:
        loss, correct = self._gathered.mean()
        self._check(loss)  # a sum may overflow where no part did
        return self._apply(loss, correct)

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss) or not all_finite(self._grads):
            self._gathered.clear()
            raise self._refusal(loss)

    def _apply(self, loss: float, correct: int) -> tuple[float, int]:
        """The update by the gradients of a batch, and what it was told of the batch."""
        self._frozen.look()
        if self._clip is not None:
            self._clip(self.optimizer._active(self._grads))
        self.optimizer.step(self._params, self._grads)
        self.model._block.touch()
        self.steps += 1
        return loss, correct

    def _noise(self) -> int:
        """Another number for each step of each seed, and for each part of its batch."""
        return ((self._seed << 32 ^ self.optimizer.steps) + self._gathered.parts * _NEXT_PART) % 2**64

    def _refusal(self, loss: float) -> NonFiniteError:
        step = self.steps + 1
        where = f"step {step}" if self._epoch is None else f"step {step} (epoch {self._epoch})"
        what = f"the gradient (loss {loss:.4g})" if math.isfinite(loss) else f"the loss ({loss})"
        return NonFiniteError(
            f"{what} is not finite at {where}; the model keeps the weights it had before that step; "
            f"a smaller lr may help (now {self.optimizer.lr:g}), and so may a look at the input",
            step=step,
            epoch=self._epoch,
            loss=loss,
        )

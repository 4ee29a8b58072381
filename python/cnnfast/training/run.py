"""`Run`: the loop over epochs and steps of one call of `fit`. No arithmetic on images is done here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from ..errors import NonFiniteError
from ..optim.lr_scheduler import Scheduler
from .accumulator import BatchResult
from .callbacks.callback import Callback
from .callbacks.dispatch import Dispatch
from .history import History
from .interrupt import ends_like_ctrl_c
from .order import epoch_order
from .progress import Progress
from .resume import Checkpoints
from .run_state import RunState
from .samples import Samples
from .settings import Settings
from .stream import Stream
from .trainer import Trainer
from .validation import Validation


class Run(RunState):
    """One call of `fit`.

    Args:
        trainer: Performs the steps.
        part: Training samples.
        validation: Evaluates the model after each epoch, if there is validation.
        settings: All other settings.
        callbacks: Called at their moments.
        checkpoints: Save and restore the run, if they are wanted.
        stream: Where the batches come from, if not from `part`.
    """

    def __init__(
        self,
        trainer: Trainer,
        part: Samples,
        validation: Validation | None,
        settings: Settings,
        callbacks: Sequence[Callback],
        checkpoints: Checkpoints | None = None,
        stream: Stream | None = None,
    ) -> None:
        super().__init__(trainer, validation, settings, callbacks, stream)
        self._part = part
        self._checkpoints = checkpoints
        self._dispatch = Dispatch(callbacks)
        self._begun = False

    def train(self, display: Progress) -> History:
        """Train to the end, an interruption or an error."""
        history = self.history
        with self._signals(), self._interrupt, display:
            try:
                self._begin(display)
                while self._goes_on():
                    if not self._one_epoch(display):
                        break
                reason = self.context.stop_reason or "finished"
                history.stopped = "interrupted" if self._interrupt.requested else reason
            except KeyboardInterrupt:
                history.stopped = "interrupted"
            except NonFiniteError as error:
                history.stopped = "non-finite"
                error.history = history
                raise
            finally:
                self._end()
        if self._interrupt.requested:  # a signal at the very end is recorded too
            history.stopped = "interrupted"
        return history

    def _begin(self, display: Progress) -> None:
        settings, pace = self.settings, self.pace
        if pace is not None:
            pace.start()
        if settings.schedule is not None:
            self.scheduler = Scheduler(
                self.trainer.optimizer,
                settings.schedule,
                epochs=settings.epochs or 1,
                steps_per_epoch=len(settings.batches),
            )
            if pace is not None:
                pace.plan(0, self.scheduler)
        self._dispatch.train_begin(self.context)
        if self._checkpoints is not None:
            self._checkpoints.begin(self)
            elapsed = 0.0 if self.pace is None else self.pace.elapsed
            display.resume(self.position.epoch, self._images_done(), elapsed)
        self._begun = True

    def _end(self) -> None:
        """Give the model its final weights, and the optimizer its learning rate."""
        model = self.trainer.model
        weights = self.best.weights
        if weights is None and self.average is not None:
            weights = self.average.values
        if weights is not None and self._begun:
            model.flat_parameters[:] = weights
            model.mark_changed()
        if self.scheduler is not None:
            self.scheduler.give_back()
        self._dispatch.train_end(self.context)

    def _goes_on(self) -> bool:
        """Whether there is an epoch to train, or to finish."""
        if self.position.batch > 0:
            return True
        if self.pace is not None and self.history.epochs and self.pace.is_over:
            self.context.stop("time limit")
        if self.context.stop_reason is not None:
            return False
        return self.settings.epochs is None or self.position.epoch <= self.settings.epochs

    def _one_epoch(self, display: Progress) -> bool:
        """Train and validate; False if interrupted."""
        position, context = self.position, self.context
        self.trainer.epoch = context.epoch = position.epoch
        if position.batch == 0:
            if self._interrupt.requested:
                return False
            self._dispatch.epoch_begin(context)
            if context.stop_reason is not None:
                return False
        finished = self._steps(display) and self._end_of_epoch(display)
        if finished:
            position.next_epoch()
        if self._checkpoints is not None and (finished or position.batch > 0):
            self._checkpoints.save(self)
        return finished

    def _end_of_epoch(self, display: Progress) -> bool:
        """Validate and record the epoch; False if interrupted."""
        context = self.context
        with self._averaged():
            record = self._record()
            if record is None:
                return False
            if self._checkpoints is not None and self.history.best_epoch == record.epoch:
                self._checkpoints.save_best(self)
            display.epoch(record)
            context.logs = record.logs()
            self._dispatch.epoch_end(context)
            context.logs = {}
        return True

    def _steps(self, display: Progress) -> bool:
        """The remaining steps of the epoch; False if interrupted."""
        settings = self.settings
        position, context, optimizer = self.position, self.context, self.trainer.optimizer
        with contextlib.ExitStack() as stack:
            step = self._step_of_epoch(stack)
            stack.callback(position.stop_clock)
            position.start_clock()
            for batch in settings.batches[position.batch :]:
                if self._interrupt.requested:
                    return False
                if context.stop_reason is not None:
                    break
                for call in self._dispatch.batch_begin:
                    call(context)
                lr = optimizer.lr
                result = step(batch)
                position.add(result, lr)
                self._after_step(result, lr)
                display.batch(position.epoch, batch.stop, position.mean.loss, position.mean.accuracy)
                if self._checkpoints is not None:
                    self._checkpoints.after_step(self)
        return True

    def _step_of_epoch(self, stack: contextlib.ExitStack) -> Callable[[slice], BatchResult]:
        """A function that performs the step of a batch of this epoch, until the stack is closed."""
        part, stream, trainer = self._part, self._stream, self.trainer
        micro_batch = self.settings.micro_batch
        if stream is not None:
            stream.begin_epoch()
            take = stream.next

            def next_step(batch: slice) -> BatchResult:
                del batch  # the stream has its own
                plan, x, y, origin = take()
                return trainer.step_checked(plan, x, y, None, micro_batch, origin)

            return next_step
        plan, x = trainer.model.prepare(part.x)
        order = epoch_order(part, self.settings.order_seed, self.position.epoch)

        def step(batch: slice) -> BatchResult:
            return trainer.step_checked(plan, x, part.y, order[batch], micro_batch, None, part.weights)

        if part.pending is None or part.pending.done.all():
            return step
        decode = stack.enter_context(part.pending.ahead(order))

        def first_step(batch: slice) -> BatchResult:
            decode(order[batch])
            return step(batch)

        return first_step

    def _after_step(self, result: BatchResult, lr: float) -> None:
        context, scheduler = self.context, self.scheduler
        context.step = self.position.step
        if self.average is not None and result.weight > 0:
            self.average.update()
        if self.pace is not None:
            self.pace.plan(context.step, scheduler)
            if self.pace.is_over:
                context.stop("time limit")
        if scheduler is not None:
            scheduler.after_step()
        if self.history.steps is not None:
            self.history.steps.loss.append(result.loss)
            self.history.steps.lr.append(lr)
        if self._dispatch.batch_end:
            context.logs = {**result.logs(self.trainer.loss.is_classification), "lr": lr}
            for call in self._dispatch.batch_end:
                call(context)
            context.logs = {}

    def _signals(self) -> contextlib.AbstractContextManager[None]:
        """Context manager: with checkpoints, SIGTERM and SIGHUP end the training like Ctrl-C."""
        return contextlib.nullcontext() if self._checkpoints is None else ends_like_ctrl_c()

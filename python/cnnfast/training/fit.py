"""`fit`: its arguments, checked before the first step; `Run` performs the training."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from .._checks import check_integer, check_number, takes_a_pair, type_of
from .._types import Array
from ..augment.parse import Augment, as_augmentation
from ..losses import Loss, as_loss
from ..nn import Module
from ..optim import Adam, Optimizer
from ..optim.lr_scheduler import Schedule, schedule_of
from .augmentable import check_augmentable, check_weighable
from .batching import batch_slices
from .callbacks.callback import Callback, check_callbacks
from .callbacks.dispatch import OnEpoch
from .fingerprint import describe
from .fit_arguments import (
    check_some_counted,
    check_without_validation,
    folder_of,
    length_of,
    stream_of,
    training_and_validation,
    weighted,
)
from .history import EpochRecord, History
from .named_metrics import check_list
from .progress import Setting, display_for
from .resume import Checkpoints
from .run import Run
from .samples import Samples, as_samples
from .settings import Settings
from .trainer import Trainer
from .validation import Validation

if TYPE_CHECKING:
    from ..datasets import ImageDataset

ScheduleName = Literal["constant", "cosine", "one-cycle", "plateau"]


@takes_a_pair
def fit(
    model: Module,
    data: ImageDataset | tuple[Array, Array] | Iterable[Any],
    epochs: int | None = None,
    optimizer: Optimizer | None = None,
    batch_size: int = 64,
    seed: int = 0,
    loss: Loss | str = "cross_entropy",
    validation: ImageDataset | tuple[Array, Array] | float | None = None,
    progress: Setting = "auto",
    on_epoch: Callable[[EpochRecord], object] | None = None,
    shuffle: bool = True,
    schedule: ScheduleName | Schedule = "constant",
    micro_batch: int | None = None,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    *,
    callbacks: Sequence[Callback] = (),
    metrics: Sequence[str] = (),
    ema: float | None = None,
    time_limit: float | None = None,
    history_steps: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    keep: int = 3,
    every_minutes: float = 10.0,
    augment: Augment = None,
    steps_per_epoch: int | None = None,
    sample_weight: Any = None,
    stratify: bool | None = None,
) -> History:
    """Train a network, in place.

    Every epoch uses each image once, in an order drawn from the seed; the last batch may be smaller. If batch
    normalization needs more than one image (after a spatial size of 1), a last batch of one image is merged
    with the previous one.

    Loss and accuracy of an epoch are means over all rows (or positions) whose label is not ignored, as in
    validation; the loss is weighted as the loss function defines. A batch in which all rows are ignored is
    skipped: weights, running averages and the optimizer's step count do not change, a schedule advances, as
    its length is counted in batches, and the epoch's record has the number of skipped batches.

    With validation, the model ends with the weights of its best epoch (highest accuracy, then lowest loss; in
    regression the lowest loss), even if training is interrupted; without validation, with the last weights.

    Ctrl-C ends training after the current step, and so do SIGTERM and SIGHUP in a program that sets their
    handler to `signal.default_int_handler`.

    Args:
        model: A classifier outputs one logit per class, or a map (classes, h, w) of logits to classify each
            position.
        data: An ImageDataset or a pair (x, y); or an iterable of batches, each such a pair, of any sizes:
            a generator, which must last for all epochs, or an object that can be iterated over again.
            `batch_size` and `shuffle` do not apply to it. Classes in y are integers or names; names become
            the model's `classes`, sorted, if it has none.
        epochs: Number of passes over the training data; None is 5, or with `time_limit` as many as fit.
        optimizer: None uses Adam(lr=1e-3). An optimizer used with this model before continues from its state.
        batch_size: Images per step.
        seed: Seed for shuffling, dropout and validation split. Same seed, same data: bitwise the same
            weights, on any number of threads.
        loss: "cross_entropy" for logits, "nll" for a model that ends in LogSoftmax; another name or an object
            of `cnnfast.losses`. For regression losses, y has the shape and dtype of the output. For class
            targets, validation always uses the unweighted cross entropy of each image (or position).
        validation: Data to evaluate after each epoch; or the fraction of `data` to hold out for it, rounded
            to a number of rows.
        progress: "auto" shows a progress bar on a terminal and one line per epoch elsewhere, on stderr; True
            shows the bar; False nothing.
        on_epoch: Called with each EpochRecord. A learning rate set in it applies from the next step on; the
            rest of a schedule is scaled by the same factor.
        shuffle: False uses the images in their order.
        schedule: Learning rate schedule: an object of `optim.lr_scheduler`, which starts from the optimizer's
            lr (and those of its groups), or a name. "cosine" decays to zero along half a cosine over all
            steps (Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts); "one-cycle" rises to the
            optimizer's lr first; "plateau" divides by ten when the validation loss has not decreased for
            three epochs. After training the optimizer's lr is restored, scaled by what `on_epoch` has set.
        micro_batch: Compute each step's gradient from this many images at a time; see `Trainer.step`.
        clip_norm, clip_value: Gradient clipping, as in `Trainer`.
        callbacks: Called at the moments of the training; see `Callback`.
        metrics: Metrics to compute in each validation, by name: "top5" (or another number), "precision",
            "recall", "f1"; "exact_match" for multilabel, "mse", "mae", "r2" for regression models.
            Precision, recall and F1 are means over classes; for binary models, those of the positive class.
        ema: Decay of an exponential moving average of all weights and running statistics, such as 0.999.
            Validation uses the averaged weights, and the model ends with them: with those of the best epoch,
            or without validation with the last ones. The decay after step t is min(ema, t / (9 + t)).
        time_limit: Seconds after which training ends; the schedule is fitted into that time. The time
            includes validation; a single step, and the first validation, may exceed it. How many steps fit
            depends on the machine, so two such trainings are not bitwise equal.
        history_steps: Record loss and learning rate of every step, in `History.steps`.
        checkpoint: A folder for checkpoints, created if it does not exist. The whole state of the training is
            saved after each epoch, every `every_minutes`, and when it is interrupted; `best.safetensors` in
            it is the best model so far, with validation. SIGTERM and SIGHUP then end the training like
            Ctrl-C.
        resume: Continue from the newest checkpoint in the folder, or start if there is none. The result is
            bitwise that of a training that was not interrupted, on any number of threads.
        keep: Number of checkpoints to keep.
        every_minutes: Minutes between two checkpoints within an epoch.
        augment: Random changes of uint8 images in training: steps of `cnnfast.augment`, for example
            [augment.Affine(degrees=10, translate=0.1)], or text such as "characters".
        steps_per_epoch: Number of batches in an epoch, if `data` is an iterable of batches; None takes its
            length.
        sample_weight: (n,), weights of the rows of `data` in the loss, at least 0, as in `Trainer.step`.
            Accuracy and validation are not weighted.
        stratify: Whether a fraction for validation is held out of each class alike; the last image of a class
            is held out only if no other is left. None: if each row has one class. False: at random, the rows
            of `data.split(validation, seed)`.

    Returns:
        A History; its `stopped` is "interrupted" after Ctrl-C.

    Raises:
        NonFiniteError: The loss, a gradient or an updated weight became NaN or infinite; has the step and the
            history. The model keeps its best or its last finite weights.
        TypeError, ValueError: Invalid arguments, all labels ignored, or batches too small for batch
            normalization; raised before the first step.
        CheckpointError: A checkpoint that is damaged or of another training; names the file.

    Cost: a step is two calls into the engine and some ten microseconds of Python.

    Example:
        >>> import cnnfast as cf
        >>> model = cf.models.hello_dl_letters(seed=0)
        >>> history = cf.fit(model, cf.datasets.glyphs(256, seed=0), epochs=2, progress=False)
        >>> len(history.epochs), model.classes[:3]
        (2, ('a', 'b', 'c'))
    """
    epochs, time_limit = length_of(epochs, time_limit)
    batch_size = check_integer("fit", "batch_size", batch_size, 1)
    seed = check_integer("fit", "seed", seed, 0)
    if micro_batch is not None:
        micro_batch = check_integer("fit", "micro_batch", micro_batch, 1)
    if ema is not None:
        ema = check_number("fit", "ema", ema, 0, 1, below=True)
    if not isinstance(history_steps, bool):
        raise TypeError(f"fit: history_steps must be True or False, got {history_steps!r}")
    called = check_callbacks("fit", callbacks)
    check_list("fit", metrics)
    folder = folder_of(checkpoint, resume, keep, every_minutes)
    rates = schedule_of("fit", schedule)
    augmentation = as_augmentation("fit", augment)
    if not isinstance(model, Module):
        raise TypeError(f"fit: model must be a Module, got {type_of(model)}")
    loss = as_loss("fit", loss)
    stream = stream_of(data, steps_per_epoch, validation, folder, model, loss)
    # the description of a checkpoint needs all images
    whole = as_samples("fit", data, model, loss, lazy=folder is None) if stream is None else stream.first
    whole = weighted(whole, sample_weight, stream)
    part, held = training_and_validation(model, whole, validation, seed, loss, stratify)
    check_some_counted(part, loss)
    if held is None:
        check_without_validation(rates, metrics)
    chosen = Adam() if optimizer is None else optimizer
    if model.is_lazy():
        model.prepare(part.x)
    trainer = Trainer(
        model, chosen, loss, seed, clip_norm=clip_norm, clip_value=clip_value, augment=augmentation
    )
    plan, x = model.prepare(part.x)
    if part.weights is not None:
        check_weighable("fit", augmentation)
    check_augmentable("fit", augmentation, model, x, part.y)
    smallest = plan.smallest_batch
    if stream is None:
        batches = batch_slices("fit", "batch_size", len(part), batch_size, smallest)
    else:
        batches = [slice(i * len(part), (i + 1) * len(part)) for i in range(stream.steps)]
    if micro_batch is not None:
        batch_slices("fit", "micro_batch", len(part), micro_batch, smallest)
    display = display_for(progress, epochs, batches[-1].stop, time_limit)
    model.record_loss(loss, plan.output_shape[0])
    measured = None if held is None else Validation(model, held, loss, metrics)
    if on_epoch is not None:
        called = (*called, OnEpoch(on_epoch))
    order_seed = seed if shuffle else None
    settings = Settings(
        epochs, tuple(batches), order_seed, micro_batch, rates, ema, time_limit, history_steps
    )
    described = {}
    if folder is not None:
        arguments = {
            "batch_size": batch_size,
            "seed": seed,
            "shuffle": bool(shuffle),
            "clip_norm": clip_norm,
            "clip_value": clip_value,
            "augment": None if augmentation is None else repr(augmentation),
        }
        described = describe(trainer, part, held, settings, called, metrics, arguments)
    with contextlib.nullcontext() if folder is None else folder.in_use():
        checkpoints = None if folder is None else Checkpoints(folder, described, epochs, resume)
        _describe_data(model, part)  # after the checkpoint was accepted
        return Run(trainer, part, measured, settings, called, checkpoints, stream).train(display)


def _describe_data(model: Module, part: Samples) -> None:
    """Record shape, type and classes of the training samples in the model."""
    if model.input_shape is None and not model.takes_other_sizes(part.x.shape[1:]):
        model.input_shape = part.x.shape[1:]
    model.record_input(part.x)
    if model.classes is None:
        model.classes = part.classes

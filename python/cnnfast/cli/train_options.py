"""Options of `cnnfast train` for the optimizer, the course of the training and its checkpoints, and what they
mean for `fit`.
"""

from __future__ import annotations

import argparse
from typing import Any

from .. import optim
from .._files import expand
from ..errors import CheckpointError, CnnfastError
from ..training import named_metrics
from ..training.callbacks import Callback, CSVLogger, EarlyStopping, JSONLinesLogger, TensorBoard
from ..training.checkpoint_folder import CheckpointFolder
from . import arguments

OPTIMIZERS: dict[str, type[optim.Optimizer]] = {
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "sgd": optim.SGD,
    "rmsprop": optim.RMSprop,
    "adagrad": optim.Adagrad,
}
LEARNING_RATES = {"adam": 1e-3, "adamw": 1e-3, "sgd": 0.1, "rmsprop": 1e-3, "adagrad": 1e-2}
#: Settings that not every optimizer has, and the optimizers that have them.
_SETTINGS = {"momentum": ("sgd", "rmsprop"), "nesterov": ("sgd",)}
_LOGS: dict[str, Any] = {".csv": CSVLogger, ".jsonl": JSONLinesLogger}


def add_to(command: argparse.ArgumentParser) -> None:
    """Adds all options of this file."""
    _add_optimizer(command)
    _add_course(command)
    _add_checkpoints(command)


def _add_optimizer(command: argparse.ArgumentParser) -> None:
    add = command.add_argument_group("optimizer").add_argument
    add(
        "--optimizer",
        type=arguments.one_of(list(OPTIMIZERS)),
        default="adam",
        metavar="NAME",
        help=f"{', '.join(OPTIMIZERS)} (default: %(default)s)",
    )
    add(
        "--lr",
        type=arguments.positive,
        metavar="RATE",
        help="learning rate (default: 0.001, for sgd 0.1, for adagrad 0.01)",
    )
    add(
        "--lr-find",
        action="store_true",
        help="only suggest a learning rate, by a range test of a hundred steps; trains and writes nothing",
    )
    add(
        "--schedule",
        type=arguments.one_of(optim.lr_scheduler.names()),
        default="cosine",
        metavar="NAME",
        help="learning rate schedule: constant, cosine (decays to zero), one-cycle (rises first) or "
        "plateau (divided by ten when the validation loss stalls) (default: %(default)s)",
    )
    add("--momentum", type=arguments.fraction, metavar="M", help="momentum of sgd or rmsprop (default: 0)")
    add("--nesterov", action="store_true", help="Nesterov momentum, for sgd with --momentum")
    add(
        "--weight-decay",
        type=arguments.at_least_zero,
        metavar="W",
        help="L2 penalty, for adamw decoupled weight decay (default: 0, for adamw 0.01)",
    )
    add("--clip-norm", type=arguments.positive, metavar="NORM", help="largest total norm of the gradients")
    add("--clip-value", type=arguments.positive, metavar="VALUE", help="largest magnitude of a gradient")
    add(
        "--ema",
        type=arguments.fraction,
        metavar="DECAY",
        help="decay of a moving average of the weights, such as 0.999, which is validated and written",
    )


def _add_course(command: argparse.ArgumentParser) -> None:
    add = command.add_argument_group("during training").add_argument
    add(
        "--time",
        type=arguments.positive,
        metavar="SECONDS",
        help="train for at most this time, with the schedule fitted into it",
    )
    add(
        "--early-stopping",
        type=arguments.integer(1),
        metavar="N",
        help="end after N epochs without improvement in validation",
    )
    add(
        "--metrics",
        type=lambda text: text.split(","),
        default=[],
        metavar="NAMES",
        help="more metrics of the validation: precision, recall, f1, top5, separated by commas",
    )
    add(
        "--log",
        type=_log_file,
        action="append",
        default=[],
        metavar="FILE",
        help="write the metrics of each epoch to a .csv or .jsonl file",
    )
    add("--tensorboard", metavar="DIR", help="write them for TensorBoard (needs the package tensorboardX)")


def _add_checkpoints(command: argparse.ArgumentParser) -> None:
    add = command.add_argument_group("checkpoints").add_argument
    add(
        "--checkpoint",
        metavar="FOLDER",
        help="save the state of the training there after each epoch, every few minutes and when interrupted",
    )
    add(
        "--resume",
        action="store_true",
        help="continue from the newest checkpoint in FOLDER, as if it had not been interrupted; "
        "start if there is none",
    )
    add(
        "--keep",
        type=arguments.integer(1),
        default=3,
        metavar="N",
        help="number of checkpoints to keep, besides the best model (default: %(default)s)",
    )
    add(
        "--every-minutes",
        type=arguments.positive,
        default=10.0,
        metavar="M",
        help="minutes between two checkpoints within an epoch (default: 10)",
    )


def optimizer(options: argparse.Namespace) -> optim.Optimizer:
    """The optimizer with its settings.

    Raises:
        CnnfastError: A setting that it does not have.
    """
    settings: dict[str, Any] = {"lr": rate(options)}
    for name, having in _SETTINGS.items():
        value = getattr(options, name)
        if value:
            if options.optimizer not in having:
                raise CnnfastError(f"--{name} is for {' and '.join(having)}, not for {options.optimizer}")
            settings[name] = value
    if options.weight_decay is not None:
        settings["weight_decay"] = options.weight_decay
    if options.nesterov and not options.momentum:
        raise CnnfastError("--nesterov needs --momentum, such as --momentum 0.9")
    kind: Any = OPTIMIZERS[options.optimizer]
    chosen: optim.Optimizer = kind(**settings)
    return chosen


def rate(options: argparse.Namespace) -> float:
    """The learning rate."""
    chosen: float = options.lr or LEARNING_RATES[options.optimizer]
    return chosen


def check(options: argparse.Namespace) -> None:
    """Raises CnnfastError if options contradict each other; before any data is read."""
    optimizer(options)
    if options.validation == 0:
        needing = {
            "--schedule plateau": options.schedule == "plateau",
            "--early-stopping": options.early_stopping is not None,
            "--metrics": bool(options.metrics),
        }
        for name in (name for name, is_given in needing.items() if is_given):
            raise CnnfastError(f"{name} needs validation images, and --validation 0 holds out none")
    if options.clip_norm is not None and options.clip_value is not None:
        raise CnnfastError("--clip-norm and --clip-value: choose one")
    if options.resume and options.checkpoint is None:
        raise CnnfastError("--resume needs --checkpoint FOLDER")


def check_metrics(options: argparse.Namespace, classes: int) -> None:
    """Raises CnnfastError for a metric that a classifier of so many classes does not have."""
    try:
        named_metrics.check_metrics("--metrics", options.metrics, "multiclass", classes)
    except ValueError as error:
        raise CnnfastError(str(error).replace("--metrics: metrics has", "--metrics:")) from None


def checkpoint_steps(options: argparse.Namespace) -> int | None:
    """The steps of the newest checkpoint; None if there is none.

    Raises:
        CheckpointError: There is one, but no --resume.
    """
    if options.checkpoint is None:
        return None
    files = CheckpointFolder(options.checkpoint, options.keep, options.every_minutes).files()
    if not files:
        return None
    if not options.resume:
        raise CheckpointError(
            f"--checkpoint: {options.checkpoint} has checkpoints of a training; add --resume to continue it, "
            "or name another folder"
        )
    return files[-1][0]


def fit_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Arguments of `fit`."""
    callbacks: list[Callback] = []
    if options.early_stopping is not None:
        callbacks.append(EarlyStopping(patience=options.early_stopping))
    callbacks += [_LOGS[_ending(path)](path) for path in options.log]
    if options.tensorboard is not None:
        callbacks.append(TensorBoard(options.tensorboard))
    return {
        "epochs": options.epochs,
        "optimizer": optimizer(options),
        "schedule": options.schedule,
        "clip_norm": options.clip_norm,
        "clip_value": options.clip_value,
        "ema": options.ema,
        "time_limit": options.time,
        "metrics": options.metrics,
        "callbacks": callbacks,
        "checkpoint": None if options.checkpoint is None else expand(options.checkpoint),
        "resume": options.resume,
        "keep": options.keep,
        "every_minutes": options.every_minutes,
    }


def described(options: argparse.Namespace) -> dict[str, Any]:
    """The options as plain data, for the model file; without those that are not given."""
    names = (
        "momentum",
        "nesterov",
        "weight_decay",
        "clip_norm",
        "clip_value",
        "ema",
        "time",
        "early_stopping",
    )
    given = {name: getattr(options, name) for name in names if getattr(options, name)}
    return {"optimizer": options.optimizer, "lr": rate(options), "schedule": options.schedule, **given}


def _ending(path: str) -> str:
    return next((ending for ending in _LOGS if path.lower().endswith(ending)), "")


def _log_file(path: str) -> str:
    if not _ending(path):
        raise argparse.ArgumentTypeError(f"{path!r} does not end in {' or '.join(_LOGS)}")
    return path

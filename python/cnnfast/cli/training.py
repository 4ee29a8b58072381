"""`cnnfast train`: from a data set's name to a model file, with a test of it in the end."""

from __future__ import annotations

import argparse
import os
import shlex
import textwrap
from typing import Any

from .. import checkpoint, datasets, losses, models, optim
from .._core import build_info, get_num_threads, set_num_threads
from ..datasets import ImageDataset
from ..errors import CnnfastError, NonFiniteError
from ..evaluation import Evaluation, evaluate
from ..history import History
from ..nn import Module
from ..nn.summary import rows
from ..train import fit
from . import arguments, model_files

DEFAULT_EPOCHS = 5
OPTIMIZERS: dict[str, type[optim.Optimizer]] = {
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "sgd": optim.SGD,
    "rmsprop": optim.RMSprop,
    "adagrad": optim.Adagrad,
}
LEARNING_RATES = {"adam": 1e-3, "adamw": 1e-3, "sgd": 0.1, "rmsprop": 1e-3, "adagrad": 1e-2}

DESCRIPTION = """\
Trains a network on a data set and writes it to a model file.

Without options it trains on letters that cnnfast draws itself, so nothing has
to be downloaded and it is done within a minute. Part of the training images
is held out to judge each epoch by; the best epoch's weights are kept. The
data set's test part is used once, in the end. Ctrl-C stops the training and
keeps what was reached.
"""


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(
        commands, "train", run, "train a network, write a model file", DESCRIPTION
    )
    add = command.add_argument
    names, networks = datasets.names(), models.list()
    add(
        "--data",
        type=arguments.one_of(names),
        default="glyphs",
        metavar="NAME",
        help=f"data set: {', '.join(names)} (default: %(default)s)",
    )
    add(
        "--model",
        type=arguments.one_of(networks),
        default="hello-dl-letters",
        metavar="NAME",
        help=f"network: {', '.join(networks)} (default: %(default)s)",
    )
    add(
        "--epochs",
        type=arguments.whole(1),
        default=DEFAULT_EPOCHS,
        metavar="N",
        help="times through the training images (default: %(default)s)",
    )
    add(
        "--batch-size",
        type=arguments.whole(1),
        default=64,
        metavar="N",
        help="images in one step (default: %(default)s)",
    )
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
        "--schedule",
        type=arguments.one_of(optim.lr_scheduler.names()),
        default="cosine",
        metavar="NAME",
        help="of the learning rate: constant, cosine (falls to zero by the end), one-cycle (rises first) or "
        "plateau (a tenth when the validation stalls) (default: %(default)s)",
    )
    add(
        "--label-smoothing",
        type=arguments.share,
        default=0.0,
        metavar="SHARE",
        help="share of each label spread over all classes, such as 0.1 (default: 0)",
    )
    add(
        "--validation",
        type=arguments.share,
        default=0.05,
        metavar="SHARE",
        help="share of the training images held out to find the best epoch, or 0 (default: %(default)s)",
    )
    add(
        "--seed",
        type=arguments.whole(0),
        default=0,
        metavar="N",
        help="for first weights and order of images; same seed, same model (default: %(default)s)",
    )
    arguments.add_threads(command)
    arguments.add_root(command)
    add(
        "--out",
        metavar="FILE",
        help="model file, replaced if it exists (default: cnnfast-DATA-MODEL.safetensors in this folder)",
    )


def run(options: argparse.Namespace) -> int:
    out = options.out or model_files.default_name(options.data, options.model)
    model_files.check_writable(out)
    if options.schedule == "plateau" and options.validation == 0:
        raise CnnfastError("--schedule plateau watches images held out, and --validation 0 holds out none")
    if options.threads is not None:
        set_num_threads(options.threads)
    train = datasets.load(options.data, train=True, root=options.root)
    test = datasets.load(options.data, train=False, root=options.root)
    model = models.get(options.model, seed=options.seed, num_classes=len(train.classes))
    _introduce(options, train, test, model)
    try:
        history = fit(
            model,
            train,
            epochs=options.epochs,
            optimizer=_optimizer(options),
            batch_size=options.batch_size,
            seed=options.seed,
            validation=options.validation or None,
            schedule=options.schedule,
            loss=_loss(options),
        )
    except NonFiniteError as error:
        if isinstance(error.history, History) and error.history.epochs:
            _write(out, model, options, error.history)
        raise
    if history.stopped == "interrupted":
        kept = f"epoch {history.best_epoch}, the best" if history.best_epoch else "the last step"
        print(f"stopped by Ctrl-C after {len(history.epochs)} of {options.epochs} epochs; weights of {kept}")
        _write(out, model, options, history)
        return 1
    result = evaluate(model, test)
    print(
        f"test    accuracy {result.accuracy:.2%}, top-2 {result.top2_accuracy:.2%}, loss {result.loss:.4f}"
        f" on {result.n:,} {_kind(options.data)} it has not seen"
    )
    _write(out, model, options, history, result)
    print(f"try     cnnfast predict --model {shlex.quote(out)} picture.png")
    return 0


def _introduce(options: argparse.Namespace, train: ImageDataset, test: ImageDataset, model: Module) -> None:
    held = round(len(train) * options.validation)
    if held == 0 and options.validation > 0:
        raise CnnfastError(
            f"--validation {options.validation:g} of {len(train):,} images holds out none; "
            "take 0 to train on all of them"
        )
    if held == len(train):
        raise CnnfastError(f"--validation {options.validation:g} of {held:,} images leaves none to train on")
    print(
        f"data    {options.data}: {len(train) - held:,} images to train, {held:,} to validate, "
        f"{len(test):,} to test; {model_files.class_list(train.classes)}"
    )
    print(textwrap.fill(train.description, 79, initial_indent=" " * 8, subsequent_indent=" " * 8))
    macs = sum(row.macs or 0 for row in rows(model))
    print(f"model   {options.model}: {model.num_parameters():,} parameters, {macs:,} multiply-adds an image")
    print(f"engine  threads {get_num_threads()}, instruction set {build_info()['isa']}", flush=True)


def _optimizer(options: argparse.Namespace) -> optim.Optimizer:
    kind: Any = OPTIMIZERS[options.optimizer]
    chosen: optim.Optimizer = kind(lr=options.lr or LEARNING_RATES[options.optimizer])
    return chosen


def _loss(options: argparse.Namespace) -> losses.Loss:
    return losses.CrossEntropy(label_smoothing=options.label_smoothing)


def _write(
    out: str, model: Module, options: argparse.Namespace, history: History, test: Evaluation | None = None
) -> None:
    training: dict[str, Any] = {
        "data": options.data,
        "model": options.model,
        "optimizer": options.optimizer,
        "lr": options.lr or LEARNING_RATES[options.optimizer],
        "schedule": options.schedule,
        "loss": _loss(options).to_config(),
        "batch_size": options.batch_size,
        "seed": options.seed,
        "validation": options.validation,
        "history": history.to_dict(),
        "test": None if test is None else {"accuracy": test.accuracy, "loss": test.loss, "n": test.n},
    }
    checkpoint.save(model, out, training=training)
    print(f"written {out} ({os.path.getsize(out) / 1e6:.1f} MB)")


def _kind(data: str) -> str:
    return "synthetic letters" if data == "glyphs" else "images"

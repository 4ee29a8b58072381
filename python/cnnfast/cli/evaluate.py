"""`cnnfast evaluate`: accuracy, loss and confusion matrix of a model file on a data set's test part."""

from __future__ import annotations

import argparse

from .. import _terminal, datasets
from .._core import set_num_threads
from .._json import to_json
from ..errors import CheckpointError, CnnfastError
from ..nn import serialization
from ..training.evaluation import Evaluation, evaluate
from . import arguments, model_files
from .errors import say

DESCRIPTION = """\
Evaluates a model on the test part of a data set: accuracy, top-2 accuracy,
loss and the confusion matrix.
"""


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(commands, "evaluate", run, "test a model file on a data set", DESCRIPTION)
    names = datasets.names()
    command.add_argument(
        "model", nargs="?", metavar="FILE", help=f"model file (default: {model_files.DEFAULT})"
    )
    command.add_argument(
        "--data",
        type=arguments.one_of(names),
        metavar="NAME",
        help=f"data set: {', '.join(names)} (default: the one the model was trained on)",
    )
    command.add_argument(
        "--per-class", action="store_true", help="print precision, recall and F1 of each class as well"
    )
    arguments.add_threads(command)
    arguments.add_root(command)
    arguments.add_json(command, "the metrics and the confusion matrix")


def run(options: argparse.Namespace) -> int:
    if options.threads is not None:
        set_num_threads(options.threads)
    path = model_files.chosen_or_newest(options.model)
    model = serialization.load(path)
    name = options.data or model_files.training_data(path)
    if name is None:
        raise CnnfastError(f"{path}: does not say what it was trained on; add --data NAME")
    if name not in datasets.names():
        raise CnnfastError(f"{path}: was trained on {name!r}, which is no known data set; add --data NAME")
    data = datasets.load(name, train=False, root=options.root)
    model_files.check_fits(path, model, data)
    try:
        result = evaluate(model, data)
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from None
    if options.json:
        say(to_json({"model": path, "data": data.name, **result.to_dict()}))
    else:
        say(f"{path} on {data.name}")
        say(_terminal.wrapped(data.description))
        say(result)
        if options.per_class and isinstance(result, Evaluation):
            say(result.by_class())
    return 0

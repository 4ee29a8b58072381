"""`cnnfast evaluate`: accuracy, loss and confusion matrix of a model file on a data set's test part."""

from __future__ import annotations

import argparse
import os

from .. import _terminal, datasets
from .._core import set_num_threads
from .._json import to_json
from ..datasets import ImageDataset
from ..errors import CheckpointError, CnnfastError
from ..nn import Module, serialization
from ..training.evaluation import Evaluation, evaluate
from . import arguments, data_source, model_files
from .errors import say

DESCRIPTION = """\
Evaluates a model on the test part of a data set: accuracy, top-2 accuracy,
loss and the confusion matrix.
"""


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(commands, "evaluate", run, "test a model file on a data set", DESCRIPTION)
    add_model_and_data(command)
    command.add_argument(
        "--per-class", action="store_true", help="print precision, recall and F1 of each class as well"
    )
    arguments.add_threads(command)
    arguments.add_json(command, "the metrics and the confusion matrix")


def add_model_and_data(command: argparse.ArgumentParser) -> None:
    """Adds MODEL and the options of `test_data`."""
    model_files.add_to(command)
    note = ", their test part or else all (default: the data the model was trained on)"
    data_source.add_to(command, "data set", note)


def test_data(path: str, model: Module, name: str, options: argparse.Namespace) -> ImageDataset:
    """The test part of a data set by its name; of a path that the user names its test part or all."""
    if not data_source.is_path(name):
        return datasets.load(name, train=False, root=options.root)
    if options.data is not None:
        train, test = datasets.from_path(
            name, classes=model.classes, input_shape=model.input_shape, on_error=options.on_error
        )
        return train if test is None else test
    if not os.path.exists(name):
        raise CnnfastError(f"{path}: was trained on {name!r}, which is no known data set; add --data NAME")
    return data_source.load(name, options.root, model_files.training_seed(path), options.on_error)[1]


def run(options: argparse.Namespace) -> int:
    if options.threads is not None:
        set_num_threads(options.threads)
    path = model_files.chosen_or_newest(options.model)
    model = serialization.load(path)
    name = options.data or model_files.training_data(path)
    if name is None:
        raise CnnfastError(f"{path}: does not say what it was trained on; add --data NAME")
    data = test_data(path, model, name, options)
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

"""`cnnfast report`: a thorough evaluation of a model file, as text, JSON, PNG files and one HTML page."""

from __future__ import annotations

import argparse
import os

from .._core import set_num_threads
from .._files import check_writable, expand
from .._json import to_json
from ..datasets import ImageDataset
from ..errors import CheckpointError, CnnfastError, DataError, require
from ..nn import Module, serialization
from ..training.history import History
from . import arguments, evaluate, history_file, model_files
from .errors import note, say

DESCRIPTION = """\
Evaluates a classifier on the test part of a data set: accuracy with its
interval, precision and recall of each class, the most confused pairs,
calibration, and accuracy on shifted images and on images with inverted pixels.

Prints a table. --out writes one HTML page with figures, --images the figures as
PNG files; both need matplotlib (pip install "cnnfast[plot]").
"""


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(
        commands, "report", run, "evaluate a model thoroughly, write a page with figures", DESCRIPTION
    )
    add = command.add_argument
    evaluate.add_model_and_data(command)
    add("--out", metavar="FILE", help="HTML page with all figures (default: none)")
    add("--images", metavar="FOLDER", help="folder for the figures as PNG files, made if it does not exist")
    add("--compare", metavar="OTHER", help="another model file, whose robustness is shown beside")
    add(
        "--calibrated",
        metavar="FILE",
        help="write the model with the temperature in the weights of its last layer: the same predictions, "
        "with probabilities that fit accuracy",
    )
    arguments.add_threads(command)
    arguments.add_json(command, "the numbers")


def run(options: argparse.Namespace) -> int:
    if options.threads is not None:
        set_num_threads(options.threads)
    _check_outputs(options)
    path = model_files.chosen_or_newest(options.model)
    model = serialization.load(path)
    other = None if options.compare is None else serialization.load(options.compare)
    data = _data(path, model, options)
    if options.compare is not None and other is not None:
        model_files.check_fits(options.compare, other, data)
    from ..reporting import calibrated, report  # here: other commands need not wait for it

    try:
        if options.calibrated is not None:
            calibrated(model, 2.0)  # an error before the computation
        found = report(
            model,
            data,
            compare=other,
            history=_history(path),
            names=_names(path, options.compare),
        )
        scaled = None if options.calibrated is None else calibrated(model, found.temperature)
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from None
    if found.missing:
        note(f"warning: {data.name} has no images of {', '.join(found.missing)}")
    say(to_json(found.to_dict()) if options.json else f"{path} on {data.name}\n{found}")
    if scaled is not None:
        training = serialization.metadata(path)["training"]
        serialization.save(scaled, options.calibrated, training=training)
        note(f"written {options.calibrated}, with temperature {found.temperature:.3f}")
    if options.out is not None:
        found.save(options.out)
        size = os.path.getsize(expand(options.out)) / 1e6
        note(f"written {options.out}, {size:.1f} MB: open it in a browser")
    if options.images is not None:
        folder = expand(options.images)
        names = found.save_images(folder)
        note(f"written {len(names)} images into {options.images}: {', '.join(names)}")
    return 0


def _check_outputs(options: argparse.Namespace) -> None:
    """Everything that is written can be, before anything is computed."""
    if options.out is not None or options.images is not None:
        require("matplotlib", "plotting")
    for option, path in (("--out", options.out), ("--calibrated", options.calibrated)):
        if path is not None:
            check_writable(option, path)
    if options.images is not None:
        folder = expand(options.images)
        os.makedirs(folder, exist_ok=True)
        check_writable("--images", os.path.join(folder, "confusion.png"))


def _data(path: str, model: Module, options: argparse.Namespace) -> ImageDataset:
    name = options.data or model_files.training_data(path)
    if name is None:
        raise CnnfastError(f"{path}: does not say what it was trained on; add --data NAME")
    data = evaluate.test_data(path, model, name, options)
    if len(data) == 0:
        raise DataError(f"{name}: has no images")
    model_files.check_fits(path, model, data)
    return data


def _names(path: str, other: str | None) -> tuple[str, str]:
    """The names of the files, with their folders if they are equal."""
    ends = os.path.basename(path), os.path.basename(other or "")
    return (path, other) if other is not None and ends[0] == ends[1] else ends


def _history(path: str) -> History | None:
    try:
        return history_file.read(path)
    except CnnfastError:
        return None

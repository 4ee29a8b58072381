"""`cnnfast train`: trains a network on a data set, tests it and writes a model file."""

from __future__ import annotations

import argparse
import os
import shlex
from typing import Any

from .. import _terminal, losses
from .._core import build_info, get_num_threads, set_num_threads
from .._files import check_writable, expand
from ..datasets import ImageDataset
from ..errors import CnnfastError, NonFiniteError
from ..nn import Module
from ..nn.summary import rows
from ..training.evaluation import Evaluation, evaluate
from ..training.fit import fit
from ..training.history import History
from ..training.interrupt import Interrupt
from ..training.lr_find import lr_find
from . import arguments, data_source, model_files, recipes, train_options
from .errors import describe, fail, tell
from .saving import check_learned, write

#: Upper bound for the bytes of a model file besides its weights.
_METADATA_BYTES = 1_000_000
#: Fraction of the training images that is held out by default.
_VALIDATION = 0.05

DESCRIPTION = """\
Trains a network on a data set and writes it to a model file.

Without options it trains on built-in synthetic letters, so nothing has to be
downloaded and it takes less than a minute. --data also takes a folder with a
folder of images for each class, or a CSV, .npz or idx file; if it has no test
part, a tenth of each class is held out for testing, chosen by the seed. Part
of the training images is held out for validation after each epoch, or the
images of a folder val are used; the best epoch's weights are kept. The data
set's test part is evaluated once, at the end. Ctrl-C, SIGTERM or SIGHUP ends
the training and keeps the best epoch so far. A network that is no better than
chance is not written. With --checkpoint FOLDER --resume the same command
continues a training that was interrupted or killed.

--recipe NAME stands for the options of a recipe; others that are given, too,
replace them:

{recipes}
"""


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(
        commands, "train", run, "train a network, write a model file", _description()
    )
    add = command.add_argument
    add(
        "--recipe",
        type=arguments.one_of(recipes.names()),
        metavar="NAME",
        help="options of a recipe, see above; it is printed with them",
    )
    data_source.add_to(command, "data set", " (default: %(default)s)", "glyphs")
    add(
        "--model",
        type=arguments.network,
        metavar="NAME",
        help="network; `cnnfast models` lists them (default: hello-dl-letters for gray images of 28x28, else "
        "a network of up to four convolutions that fits the images)",
    )
    add(
        "--dropout",
        type=arguments.fraction,
        metavar="P",
        help="probability of dropout, for networks that have it as an argument (default: the network's)",
    )
    add(
        "--epochs",
        type=arguments.integer(1),
        metavar="N",
        help="number of passes over the training images (default: 5, on small data of your own up to 30; "
        "with --time as many as fit)",
    )
    add(
        "--batch-size",
        type=arguments.integer(1),
        default=64,
        metavar="N",
        help="images per step (default: %(default)s)",
    )
    add(
        "--label-smoothing",
        type=arguments.fraction,
        default=0.0,
        metavar="FRACTION",
        help="fraction of each label spread over all classes, such as 0.1 (default: 0)",
    )
    add(
        "--class-weights",
        action="store_true",
        help="weight the loss so that rare classes count as much as frequent ones",
    )
    arguments.add_augment(command)
    add(
        "--validation",
        type=arguments.fraction,
        metavar="FRACTION",
        help="fraction of the training images held out for validation, of each class alike, or 0 (default: "
        "0.05, or the validation part of your own data)",
    )
    add("--no-stratify", action="store_true", help="hold them out at random, of all classes together")
    add(
        "--seed",
        type=arguments.integer(0),
        default=0,
        metavar="N",
        help="seed for initial weights and shuffling; same seed, same model (default: %(default)s)",
    )
    arguments.add_threads(command)
    add(
        "--float16",
        action="store_true",
        help="write the weights as 16-bit numbers: half of the file size, results equal to three digits",
    )
    add(
        "--out",
        metavar="FILE",
        help="model file, replaced if it exists (default: cnnfast-DATA-MODEL.safetensors, for your own "
        "data and color images cnnfast-DATA.safetensors, in this folder)",
    )
    train_options.add_to(command)


def _description() -> str:
    summaries = [(name, recipes.summary(name)) for name in recipes.names()]
    return DESCRIPTION.format(recipes=_terminal.listed(summaries, "  "))


def run(options: argparse.Namespace) -> int:
    out = options.out or _default_out(options)
    check_writable("train", out)
    train_options.check(options)
    steps = train_options.checkpoint_steps(options)
    if options.threads is not None:
        set_num_threads(options.threads)
    train, test = data_source.load(options.data, options.root, options.seed, options.on_error, lazy=True)
    _choose_validation(options, train)
    _ = test.images  # a file that is not readable is an error before the training, not after it
    arguments.check_augmentation(options.augment, train)
    train_options.check_metrics(options, len(train.classes))
    options.model, model = data_source.model_for(
        options.model, options.data, train, options.seed, options.dropout
    )
    if options.epochs is None and options.time is None:
        options.epochs = data_source.epochs_for(options.data, train)
    check_writable("train", out, _METADATA_BYTES + model.flat_parameters.nbytes)
    _report_setup(options, train, test, model)
    if options.lr_find:
        return _find_rate(options, model, train)
    if options.checkpoint is not None:
        begins = "starts, as there is none" if steps is None else f"continues after {steps:,} steps"
        _report("state", f"checkpoints in {options.checkpoint}: {begins}")
    with Interrupt():  # signals stop the training; the model file is still written
        return _train(options, model, train, test, out)


def _default_out(options: argparse.Namespace) -> str:
    data = data_source.short_name(options.data)
    if options.model is None and not data_source.has_letters_shape(options.data):
        return model_files.PATTERN.replace("*", data)
    return model_files.default_name(data, options.model or "hello-dl-letters")


def _choose_validation(options: argparse.Namespace, train: ImageDataset) -> None:
    """Sets `options.held_out`, the images of your own data for validation, or else `options.validation`, the
    fraction of the training images."""
    options.held_out = None
    if options.validation is None:
        options.held_out = data_source.validation_part(options.data, train, options.on_error)
        options.validation = _VALIDATION if options.held_out is None else 0.0
    if options.held_out is not None:
        _ = options.held_out.images  # an unreadable file is an error before the training


def _train(
    options: argparse.Namespace, model: Module, train: ImageDataset, test: ImageDataset, out: str
) -> int:
    held_out: ImageDataset | None = options.held_out
    try:
        history = fit(
            model,
            train,
            batch_size=options.batch_size,
            seed=options.seed,
            validation=held_out if held_out is not None else options.validation or None,
            stratify=False if options.no_stratify else None,
            loss=_loss(options, train),
            augment=options.augment,
            **train_options.fit_arguments(options),
        )
    except NonFiniteError as error:
        if isinstance(error.history, History) and error.history.epochs:
            try:
                _write_incomplete(options, model, train, out, error.history)
            except (CnnfastError, OSError) as other:
                fail(describe(other))
        raise
    if history.stopped == "interrupted":
        return _interrupted(options, model, train, out, history)
    result = _test(options, model, test)
    if result is None:
        _write_incomplete(options, model, train, out, history)
        return 1
    check_learned(result.accuracy, test, result.n, train_options.rate(options))
    write(model, out, _training(options, train, history, result), complete=True, half=options.float16)
    example = "image.png" if data_source.style_of(options.data, train) else "letter.png"
    tell(_terminal.with_command("try    ", f"cnnfast predict --model {shlex.quote(out)} {example}"))
    return 0


def _interrupted(
    options: argparse.Namespace, model: Module, train: ImageDataset, out: str, history: History
) -> int:
    if options.checkpoint is not None:
        tell(f"interrupted; the same command with --resume continues from {options.checkpoint}")
    if not history.epochs:
        if options.checkpoint is None:
            tell("interrupted in the first epoch; no file was written")
        return 1
    kept = f"epoch {history.best_epoch}, the best" if history.best_epoch else "the last step"
    of = f" of {options.epochs or 5}" if options.time is None else ""
    tell(f"interrupted after {len(history.epochs)}{of} epochs; weights of {kept}")
    _write_incomplete(options, model, train, out, history)
    return 1


def _find_rate(options: argparse.Namespace, model: Module, train: ImageDataset) -> int:
    """Suggest a learning rate, without training the model."""
    optimizer = train_options.optimizer(options)
    found = lr_find(model, train, optimizer, options.batch_size, options.seed, _loss(options, train))
    tell(str(found))
    return 0


def _test(options: argparse.Namespace, model: Module, test: ImageDataset) -> Evaluation | None:
    """The test result; None if interrupted, so that the trained weights are still written."""
    try:
        result = evaluate(model, test)
    except KeyboardInterrupt:
        return None
    assert isinstance(result, Evaluation)
    _report(
        "test",
        f"accuracy {result.accuracy:.2%}, top-2 {result.top2_accuracy:.2%}, loss {result.loss:.4f}"
        f" on {result.n:,} unseen {_kind(options.data)}",
    )
    return result


def _write_incomplete(
    options: argparse.Namespace, model: Module, train: ImageDataset, out: str, history: History
) -> None:
    """Write the weights of the best or else the last epoch, without a test result."""
    record = history.epochs[history.best_epoch - 1 if history.best_epoch else -1]
    count, held = _counts(options, train)
    if record.val_accuracy is None:
        accuracy = record.accuracy
    else:
        accuracy, count = record.val_accuracy, held
    check_learned(accuracy or 0.0, train, count, train_options.rate(options))
    write(model, out, _training(options, train, history, None), complete=False, half=options.float16)


def _counts(options: argparse.Namespace, train: ImageDataset) -> tuple[int, int]:
    """Number of images to train, and to validate."""
    if options.held_out is not None:
        return len(train), len(options.held_out)
    held: int = round(len(train) * options.validation)
    return len(train) - held, held


def _report_setup(
    options: argparse.Namespace, train: ImageDataset, test: ImageDataset, model: Module
) -> None:
    count, held = _counts(options, train)
    if held == 0 and options.validation > 0:
        raise CnnfastError(
            f"--validation {options.validation:g} of {len(train):,} images holds out none; "
            "use 0 to train on all of them"
        )
    if count == 0:
        raise CnnfastError(f"--validation {options.validation:g} of {held:,} images leaves none to train on")
    if options.recipe is not None:
        _report("recipe", f"{options.recipe}: {shlex.join(recipes.options(options.recipe))}")
    _report(
        "data",
        f"{options.data}: {count:,} images to train, {held:,} to validate, "
        f"{len(test):,} to test; {model_files.class_list(train.classes)}",
    )
    _report("", train.description)
    macs = sum(row.macs or 0 for row in rows(model))
    _report(
        "model", f"{options.model}: {model.num_parameters():,} parameters, {macs:,} multiply-adds per image"
    )
    _report("engine", f"threads {get_num_threads()}, instruction set {build_info()['isa']}")


def _report(what: str, text: str) -> None:
    tell(_terminal.listed([(f"{what:<6}", text)]))


def _loss(options: argparse.Namespace, train: ImageDataset) -> losses.Loss:
    weights = train.class_weights() if options.class_weights else None
    return losses.CrossEntropy(weights, label_smoothing=options.label_smoothing)


def _training(
    options: argparse.Namespace, train: ImageDataset, history: History, test: Evaluation | None
) -> dict[str, Any]:
    """Metadata of the training run, for the model file."""
    return {
        "data": os.path.abspath(expand(options.data)) if data_source.is_path(options.data) else options.data,
        "style": data_source.style_of(options.data, train),
        "model": options.model,
        **({} if options.dropout is None else {"dropout": options.dropout}),
        "recipe": options.recipe,
        **train_options.described(options),
        "loss": _loss(options, train).to_config(),
        "batch_size": options.batch_size,
        "seed": options.seed,
        "validation": options.validation if options.held_out is None else "folder",
        "stratify": not options.no_stratify,
        "augment": None if options.augment is None else repr(options.augment),
        "history": history.to_dict(),
        "test": None if test is None else {"accuracy": test.accuracy, "loss": test.loss, "n": test.n},
    }


def _kind(data: str) -> str:
    return "synthetic letters" if data == "glyphs" else "images"

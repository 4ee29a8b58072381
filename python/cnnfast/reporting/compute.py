"""`report`: computes a `Report`."""

from __future__ import annotations

import time

import numpy as np

from .._checks import check_integer, type_of
from .._files import PathName, check_writable
from .._types import Array, Labels
from ..datasets import ImageDataset
from ..losses import IGNORED
from ..nn import Module
from ..training.evaluation import Evaluation
from ..training.history import History
from ..training.samples import evaluation_samples
from .results import Report
from .robustness import robustness
from .statistics import confusion_counts, log_softmax, reliability, wilson
from .temperature import fit_temperature, logits_of, scaled_by_halves


def report(
    model: Module,
    data: ImageDataset,
    out: PathName | None = None,
    *,
    compare: Module | None = None,
    history: History | None = None,
    names: tuple[str, str] = ("model", "other model"),
    seed: int = 0,
) -> Report:
    """Evaluate a classifier thoroughly: accuracy, confusions, calibration, robustness.

    Args:
        model: A network of the task "multiclass" that ends in a row of outputs.
        data: Images the model was not trained on.
        out: A file for the HTML page, which needs matplotlib; None writes none.
        compare: Another model, whose robustness is shown beside.
        history: What `fit` returned, for the learning curves.
        names: Names of the two models.
        seed: Of the shifts and inverted pixels.

    Returns:
        The report; `print` shows it as text, `save` writes the page, `figures` draws.

    Raises:
        TypeError, ValueError: Data that does not fit a model; a model of another task; no images.
        OSError: `out` cannot be written, which is found before anything is computed.

    Cost: some 11 inference passes over the data.

    Example:
        >>> import cnnfast as cf
        >>> found = cf.report(cf.models.hello_dl_letters(seed=0), cf.datasets.glyphs(64, seed=1))
        >>> found.evaluation.n
        64
    """
    began = time.perf_counter()
    if out is not None:
        check_writable("report", out)
    seed = check_integer("report", "seed", seed, 0)
    _check("model", model, data)
    if compare is not None:
        _check("compare", compare, data)
    logits = logits_of(model, data.images)
    evaluation, predicted, confidence = _evaluation(logits, data)
    correct = predicted == data.labels
    scaled = np.exp(log_softmax(scaled_by_halves(logits, data.labels)).max(axis=1))
    measured = robustness(model, data.images, data.labels, seed)
    compared = None
    if compare is not None:
        other = robustness(compare, data.images, data.labels, seed)
        compared = (names[1], other.shift_accuracy[0], other)
    found = Report(
        name=names[0],
        data=data,
        evaluation=evaluation,
        interval=wilson(int(correct.sum()), len(data)),
        predicted=predicted,
        confidence=confidence,
        reliability=reliability(confidence, correct),
        temperature=fit_temperature(logits, data.labels),
        scaled=reliability(scaled, correct),
        robustness=measured,
        compared=compared,
        history=history,
        seconds=time.perf_counter() - began,
    )
    if out is not None:
        found.save(out)
    return found


def _check(name: str, model: Module, data: ImageDataset) -> None:
    if not isinstance(model, Module):
        raise TypeError(f"report: {name} must be a Module, got {type_of(model)}")
    if not isinstance(data, ImageDataset):
        raise TypeError(f"report: data must be an ImageDataset, got {type_of(data)}")
    _, task, _ = evaluation_samples("report", data, model, IGNORED)
    if task != "multiclass":
        raise ValueError(f'report: {name} must have the task "multiclass", got "{task}"')


def _evaluation(logits: Array, data: ImageDataset) -> tuple[Evaluation, Labels, Array]:
    """The metrics, and the predicted class and its probability for each image."""
    began = time.perf_counter()
    log_p, labels = log_softmax(logits), data.labels
    if not np.isfinite(log_p).all():
        raise ValueError("report: outputs of the model are NaN or infinite")
    predicted = logits.argmax(axis=1)
    of_label = logits[np.arange(len(labels)), labels][:, None]
    rank = (logits > of_label).sum(axis=1)
    evaluation = Evaluation(
        loss=float(-log_p[np.arange(len(labels)), labels].mean()),
        accuracy=float((predicted == labels).mean()),
        top2_accuracy=float((rank < 2).mean()),
        confusion=confusion_counts(labels, predicted, logits.shape[1]),
        n=len(labels),
        classes=data.classes,
        seconds=time.perf_counter() - began,
    )
    return evaluation, predicted, np.exp(log_p.max(axis=1))

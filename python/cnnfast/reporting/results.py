"""`report`: what `cnnfast.report` computes, as numbers; pages and figures are made from it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _terminal
from .._checks import check_integer, type_of
from .._files import PathName, check_writable
from .._json import plain
from .._types import Array, Labels
from ..datasets import ImageDataset
from ..losses import IGNORED
from ..nn import Module
from ..training.evaluation import Evaluation
from ..training.history import History
from ..training.samples import evaluation_samples
from .robustness import Robustness, robustness
from .statistics import Reliability, confusion_counts, log_softmax, reliability, wilson
from .temperature import fit_temperature, logits_of, scaled_by_halves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PAIRS = 12


@dataclass(frozen=True, eq=False)
class Report:
    """What a classifier does on labeled images.

    Args:
        name: Name of the model.
        data: The images and labels.
        evaluation: Accuracy, top-2 accuracy, confusion matrix, precision, recall, F1.
        interval: The 95 % interval of the accuracy (Wilson).
        predicted: (n,) predicted class of each image.
        confidence: (n,) its probability.
        reliability: Accuracy by confidence.
        temperature: The number to divide the logits by, fitted to all images; see `calibrated`.
        scaled: Accuracy by confidence with a temperature fitted to the other half of the images.
        robustness: Accuracy on shifted images and on images with inverted pixels.
        compared: Name, accuracy and robustness of another model; None without one.
        history: The training of the model; None if unknown.
        seconds: Duration.
    """

    name: str
    data: ImageDataset
    evaluation: Evaluation
    interval: tuple[float, float]
    predicted: Labels
    confidence: Array
    reliability: Reliability
    temperature: float
    scaled: Reliability
    robustness: Robustness
    compared: tuple[str, float, Robustness] | None
    history: History | None
    seconds: float

    @property
    def missing(self) -> tuple[str, ...]:
        """Classes without images."""
        found = self.evaluation.confusion.sum(axis=1)
        return tuple(name for name, n in zip(self.data.classes, found, strict=True) if n == 0)

    def worst(self, count: int) -> Labels:
        """Rows of the wrong predictions, the most confident first."""
        wrong = np.flatnonzero(self.predicted != self.data.labels)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")][:count]

    def confused(self, true: str, predicted: str) -> Labels:
        """Rows of the images of a class that are taken for another one, the most confident first."""
        t, p = self.data.classes.index(true), self.data.classes.index(predicted)
        rows = np.flatnonzero((self.data.labels == t) & (self.predicted == p))
        return rows[np.argsort(-self.confidence[rows], kind="stable")]

    def figures(self) -> dict[str, Figure]:
        """All figures by name; needs matplotlib."""
        from .figures import figures

        return figures(self)

    def save(self, path: PathName) -> None:
        """Write the report as one HTML file, atomically; needs matplotlib."""
        from .page import save

        save(self, path)

    def save_images(self, folder: PathName) -> list[str]:
        """Write each figure as a PNG file into an existing folder; needs matplotlib.

        Returns:
            The names of the files.
        """
        from .page import save_images

        return save_images(self, folder)

    def to_dict(self) -> dict[str, Any]:
        """A dict for JSON."""
        pairs = [{"true": t, "predicted": p, "count": n} for t, p, n in self.evaluation.most_confused(_PAIRS)]
        return plain(
            {
                "model": self.name,
                "data": self.data.name,
                **self.evaluation.to_dict(),
                "interval": list(self.interval),
                "most_confused": pairs,
                "missing": list(self.missing),
                "calibration": {
                    "error": self.reliability.error,
                    "temperature": self.temperature,
                    "error_scaled": self.scaled.error,
                    "bins": {key: value.tolist() for key, value in self.reliability._asdict().items()},
                },
                "robustness": _points(self.robustness),
                "compared": None
                if self.compared is None
                else {
                    "model": self.compared[0],
                    "accuracy": self.compared[1],
                    "robustness": _points(self.compared[2]),
                },
                "seconds": self.seconds,
            }
        )

    def __str__(self) -> str:
        found, (low, high) = self.evaluation, self.interval
        lines = [
            f"accuracy  {found.accuracy:.2%}  (95 % interval {low:.2%} to {high:.2%}, {found.n:,} images)",
            f"top-2     {found.top2_accuracy:.2%}",
            f"calibration error {self.reliability.error:.2%}; {self.scaled.error:.2%} with a temperature "
            f"(fitted to all images: {self.temperature:.3f})",
        ]
        worst = [f"{t} as {p} {n:,}x" for t, p, n in found.most_confused(_PAIRS)] or ["none"]
        lines.append(_terminal.packed(["most confused:", *worst]))
        if self.missing:
            lines.append(_terminal.wrapped(f"classes without images: {', '.join(self.missing)}"))
        return "\n".join([*lines, "", self.robustness_table(), "", found.by_class()])

    def robustness_table(self) -> str:
        """Accuracy by shift and by inverted pixels, one column for each model."""
        columns = [(self.name, self.robustness)]
        if self.compared is not None:
            columns.append((self.compared[0], self.compared[2]))
        rows = [["accuracy", *(name for name, _ in columns)]]
        found = columns[0][1]
        for k, shift in enumerate(found.shifts):
            rows.append([f"shift up to {shift} px", *(f"{r.shift_accuracy[k]:.2%}" for _, r in columns)])
        for k, flips in enumerate(found.flips):
            rows.append([f"{flips} inverted pixels", *(f"{r.flip_accuracy[k]:.2%}" for _, r in columns)])
        return "\n".join(_terminal.aligned(rows))


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


def _points(found: Robustness) -> dict[str, Any]:
    return {
        "shift": dict(zip(map(str, found.shifts), found.shift_accuracy, strict=True)),
        "flipped_pixels": dict(zip(map(str, found.flips), found.flip_accuracy, strict=True)),
    }

"""`Report`: what `cnnfast.report` computes, as numbers; pages and figures are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _terminal
from .._files import PathName
from .._json import plain
from .._types import Array, Labels
from ..datasets import ImageDataset
from ..training.evaluation import Evaluation
from ..training.history import History
from .robustness import Robustness
from .statistics import Reliability

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


def _points(found: Robustness) -> dict[str, Any]:
    return {
        "shift": dict(zip(map(str, found.shifts), found.shift_accuracy, strict=True)),
        "flipped_pixels": dict(zip(map(str, found.flips), found.flip_accuracy, strict=True)),
    }

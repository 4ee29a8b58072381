"""`evaluate`: how well a model does on labelled images it may or may not have seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core, terminal
from .border import Array, Labels, ieee_arithmetic, refuse_targets_apart, whole_number
from .labelled import Labelled, labelled
from .losses import Loss
from .nn import Module
from .plain import plain

if TYPE_CHECKING:
    from .datasets import ImageDataset

_WORST = 5
_WORST_WITHOUT_MATRIX = 12


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `evaluate` found.

    Args:
        loss: Mean cross entropy.
        accuracy: Share of images whose likeliest class is the right one, 0 to 1.
        top2_accuracy: Share of images whose right class is among the two likeliest.
        confusion: (classes, classes) int64; row: the right class, column: what the model said.
        n: Number of images.
        classes: Name of each class; its number, if no names are known.
        seconds: How long it took.
    """

    loss: float
    accuracy: float
    top2_accuracy: float
    confusion: Labels
    n: int
    classes: tuple[str, ...]
    seconds: float

    def most_confused(self, count: int = _WORST) -> list[tuple[str, str, int]]:
        """The most frequent mistakes: (right class, what the model said, how often)."""
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        order = np.argsort(wrong, axis=None, kind="stable")[::-1][:count]
        pairs = ((int(i) // len(wrong), int(i) % len(wrong)) for i in order)
        return [(self.classes[t], self.classes[p], int(wrong[t, p])) for t, p in pairs if wrong[t, p] > 0]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON: None in the place of what is not finite, and then "finite" is False."""
        return plain(
            {
                "loss": self.loss,
                "accuracy": self.accuracy,
                "top2_accuracy": self.top2_accuracy,
                "confusion": self.confusion.tolist(),
                "n": self.n,
                "classes": list(self.classes),
                "seconds": self.seconds,
            }
        )

    def __str__(self) -> str:
        lines = [
            terminal.packed(
                [
                    f"accuracy {self.accuracy:.2%}",
                    f"top-2 {self.top2_accuracy:.2%}",
                    f"loss {self.loss:.4f}",
                    f"({self.n:,} images in {self.seconds:.1f} s)",
                ]
            ),
            *self._matrix(),
        ]
        pairs = self.most_confused(_WORST if len(lines) > 2 else _WORST_WITHOUT_MATRIX)
        worst = [f"{t} as {p} {times:,} times" for t, p, times in pairs] or ["nothing"]
        texts = [f"{text}," for text in worst[:-1]] + worst[-1:]
        return "\n".join([*lines, terminal.packed(["most confused:", *texts], gap=" ")])

    def _matrix(self) -> list[str]:
        """The confusion matrix, where it fits the terminal; otherwise where to find it."""
        names = [name[:10] for name in self.classes]
        cells = [[str(v) if v else "." for v in row] for row in self.confusion]
        width = max(len(text) for text in [*names, *(cell for row in cells for cell in row)])
        if (len(names) + 1) * (width + 1) - 1 > terminal.width():
            return [
                terminal.wrapped(
                    f"confusion matrix: {len(names)} classes are too wide for {terminal.width()} columns; "
                    "it is in .confusion, and in what `cnnfast evaluate --json` prints"
                )
            ]
        rows = zip(["", *names], [names, *cells], strict=True)
        lines = [" ".join(text.rjust(width) for text in [name, *row]) for name, row in rows]
        return ["confusion (row: right class, column: what the model said)", *lines]


def evaluate(model: Module, data: ImageDataset | tuple[Array, Labels], batch_size: int = 1024) -> Evaluation:
    """Loss, accuracy, top-2 accuracy and confusion matrix of a classifier.

    Args:
        model: Puts out one number for each class: logits, log-probabilities or probabilities.
        data: An ImageDataset or a pair (x, y); classes in y are numbers, or names of `model.classes`.
        batch_size: Images at a time; it does not change the result, and memory grows with it.

    Raises:
        TypeError, ValueError: Data that does not fit the model.

    Cost: one pass of inference; besides the data, memory for one batch of outputs and the confusion matrix.

    Example:
        >>> import cnnfast as cf
        >>> result = cf.evaluate(cf.models.hello_dl_letters(seed=0), cf.datasets.glyphs(64, seed=1))
        >>> int(result.confusion.sum())
        64
    """
    refuse_targets_apart("evaluate", "batch_size", batch_size)
    batch_size = whole_number("evaluate", "batch_size", batch_size, 1)
    part = labelled("evaluate", data, model)
    result = measure(model, part, batch_size, lambda: False)
    assert result is not None
    return result


@ieee_arithmetic
def measure(model: Module, part: Labelled, batch_size: int, stop: Callable[[], bool]) -> Evaluation | None:
    """`evaluate` on checked data; None if `stop` said so between two batches."""
    began = time.perf_counter()
    loss, top2 = 0.0, 0
    confusion: Labels | None = None
    for start in range(0, len(part), batch_size):
        if stop():
            return None
        y = part.y[start : start + batch_size]
        logits = _logits(model, part.x[start : start + batch_size])
        k = logits.shape[1]
        loss += float(_core.cross_entropy(logits, y)[0].sum(dtype=np.float64))
        said = logits.argmax(axis=1)
        top2 += int(((said == y) | _among_two_largest(logits, y)).sum())
        pairs = np.bincount(y * k + said, minlength=k * k).reshape(k, k)
        confusion = pairs if confusion is None else confusion + pairs
    assert confusion is not None
    n = len(part)
    classes = part.classes or model.classes or tuple(map(str, range(len(confusion))))
    seconds = time.perf_counter() - began
    return Evaluation(loss / n, int(confusion.trace()) / n, top2 / n, confusion, n, classes, seconds)


@ieee_arithmetic
def measure_loss(
    model: Module, part: Labelled, loss: Loss, batch_size: int, stop: Callable[[], bool]
) -> tuple[float, float | None] | None:
    """Mean loss where targets are numbers, or maps of classes; and accuracy where they are classes or their
    probabilities. None if `stop` said so between two batches.
    """
    total, divisor, right, answers = 0.0, 0.0, 0, 0
    for start in range(0, len(part), batch_size):
        if stop():
            return None
        y, target = model(part.x[start : start + batch_size]), part.y[start : start + batch_size]
        each, _, count = _core.row_losses(loss._engine(), y, target)
        total += float(each.sum(dtype=np.float64))
        divisor += count
        if loss.of_classes:
            shares = target.dtype != np.int64
            wanted = target.argmax(axis=1) if shares else target
            known = np.full(wanted.shape, shares) | (wanted != getattr(loss, "ignore_index", None))
            right += int((y.argmax(axis=1) == wanted)[known].sum())
            answers += int(known.sum())
    return total / divisor, right / answers if loss.of_classes else None


def _logits(model: Module, x: Array) -> Array:
    """Outputs whose softmax are the probabilities; log-probabilities are such."""
    y = model(x)
    if model._output_kind == "probabilities":
        np.log(y, out=y)
    return y


def _among_two_largest(logits: Array, y: Labels) -> Array:
    """Whether at most one class comes before the right one; the first of equal logits counts as larger."""
    mine = logits[np.arange(len(y)), y][:, None]
    later = np.arange(logits.shape[1]) > y[:, None]
    behind = (mine > logits) | ((mine == logits) & later)
    return behind.sum(axis=1) >= logits.shape[1] - 2  # type: ignore[no-any-return]

"""Loss functions for training, as objects with their settings.

Each loss is an immutable dataclass with a name: "cross_entropy" is short for ``CrossEntropy()``, and so on.
The functions on arrays, forward and backward, are in `cnnfast.functional`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from . import _core
from ._checks import check_array, check_number, dtype_cure, ieee_arithmetic, labels, refuse_masked, type_of
from ._names import did_you_mean, find
from ._types import Array

#: Label of rows to ignore; PyTorch's default
IGNORED = -100


@dataclass(frozen=True)
class Loss:
    """Base class of losses."""

    #: the name accepted in place of an object
    name: ClassVar[str] = ""
    #: whether targets are classes or their probabilities, rather than floats of the output's shape
    is_classification: ClassVar[bool] = False
    #: whether targets may be probabilities, 0 to 1
    takes_probabilities: ClassVar[bool] = False

    def to_config(self) -> dict[str, Any]:
        """A dict for JSON; `from_config` restores the loss."""
        settings = {k: list(v) if isinstance(v, tuple) else v for k, v in self._settings().items()}
        return {"type": type(self).__name__, **settings}

    def _settings(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def engine_loss(self) -> _core.Loss:
        """The engine's loss object."""
        return _core.Loss(self.name)

    @ieee_arithmetic
    def num_counted(self, target: Array) -> float:
        """Total weight of these targets, up to a constant factor: the divisor of a mean over several
        batches."""
        if not self.is_classification or target.dtype != np.int64:
            return len(target)
        weight, ignored = getattr(self, "weight", None), getattr(self, "ignore_index", IGNORED)
        kept = target[target != ignored]
        return len(kept) if weight is None else float(np.asarray(weight)[kept].sum())


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """-log softmax(x)[target], for networks that output logits; includes the softmax.

    If the output is a map of logits (c, h, w), each position has a target and counts as a row. The mean of a
    batch is the weighted sum over its rows, divided by the sum of the weights (by the number of rows if
    targets are probabilities). Rows with the label `ignore_index` are left out; if no row is left, the mean
    is NaN.

    Args:
        weight: One weight per class, at least 0; None: all 1.
        label_smoothing: Fraction of each target that is spread evenly over all classes, 0 to 1. Szegedy et
            al. 2016, arXiv:1512.00567.
        ignore_index: Label of rows to ignore.

    Raises:
        TypeError, ValueError: Invalid settings.

    Example:
        >>> from cnnfast import losses
        >>> losses.CrossEntropy(label_smoothing=0.1).to_config()
        {'type': 'CrossEntropy', 'weight': None, 'label_smoothing': 0.1, 'ignore_index': -100}
    """

    name = "cross_entropy"
    is_classification = True
    takes_probabilities = True
    weight: Sequence[float] | None = None
    _: KW_ONLY
    label_smoothing: float = 0.0
    ignore_index: int = IGNORED

    def __post_init__(self) -> None:
        _set(self, weight=_weights("CrossEntropy", "weight", self.weight))
        _set(
            self, label_smoothing=check_number("CrossEntropy", "label_smoothing", self.label_smoothing, 0, 1)
        )
        _set(self, ignore_index=as_class("CrossEntropy", self.ignore_index))

    def engine_loss(self) -> _core.Loss:
        return _core.Loss(self.name, self.weight or (), self.label_smoothing, self.ignore_index)


@dataclass(frozen=True)
class NLL(Loss):
    """-x[target], for networks that end in LogSoftmax. Weights, `ignore_index` and mean as in
    `CrossEntropy`."""

    name = "nll"
    is_classification = True
    weight: Sequence[float] | None = None
    _: KW_ONLY
    ignore_index: int = IGNORED

    def __post_init__(self) -> None:
        _set(
            self,
            weight=_weights("NLL", "weight", self.weight),
            ignore_index=as_class("NLL", self.ignore_index),
        )

    def engine_loss(self) -> _core.Loss:
        return _core.Loss(self.name, self.weight or (), ignore_index=self.ignore_index)


@dataclass(frozen=True)
class MSE(Loss):
    """(x - target)^2, mean over all elements."""

    name = "mse"


@dataclass(frozen=True)
class L1(Loss):
    """|x - target|, mean over all elements; its derivative is 0 where both are equal."""

    name = "l1"


@dataclass(frozen=True)
class Huber(Loss):
    """d^2 / 2 up to |d| = delta, delta * (|d| - delta / 2) beyond, d = x - target. Huber 1964.

    Args:
        delta: Above 0.
    """

    name = "huber"
    _: KW_ONLY
    delta: float = 1.0

    def __post_init__(self) -> None:
        _set(self, delta=check_number("Huber", "delta", self.delta, 0, math.inf))
        if self.delta == 0:
            raise ValueError("Huber: delta must be above 0, got 0")

    def engine_loss(self) -> _core.Loss:
        return _core.Loss(self.name, delta=self.delta)


@dataclass(frozen=True)
class SmoothL1(Loss):
    """d^2 / (2 beta) up to |d| = beta, |d| - beta / 2 beyond, d = x - target: Huber / beta. Girshick 2015,
    arXiv:1504.08083.

    Args:
        beta: At least 0; 0 is `L1`.
    """

    name = "smooth_l1"
    _: KW_ONLY
    beta: float = 1.0

    def __post_init__(self) -> None:
        _set(self, beta=check_number("SmoothL1", "beta", self.beta, 0, math.inf))

    def engine_loss(self) -> _core.Loss:
        return _core.Loss("l1") if self.beta == 0 else _core.Loss(self.name, delta=self.beta)


@dataclass(frozen=True)
class BCEWithLogits(Loss):
    """-t log s(x) - (1 - t) log s(-x), s the logistic function: binary cross entropy of each output.

    Mean over all elements. Targets may be floats from 0 to 1, integers or booleans.

    Args:
        pos_weight: Weight of positive targets for each output (each channel), at least 0. None: all 1.
    """

    name = "bce_with_logits"
    takes_probabilities = True
    _: KW_ONLY
    pos_weight: Sequence[float] | None = None

    def __post_init__(self) -> None:
        _set(self, pos_weight=_weights("BCEWithLogits", "pos_weight", self.pos_weight))

    def engine_loss(self) -> _core.Loss:
        return _core.Loss(self.name, self.pos_weight or ())


KINDS: dict[str, type[Loss]] = {
    kind.name: kind for kind in (CrossEntropy, NLL, MSE, L1, SmoothL1, Huber, BCEWithLogits)
}


def as_loss(who: str, loss: object) -> Loss:
    """The loss itself, or the loss of that name with its default settings."""
    if isinstance(loss, Loss) and loss.name:
        return loss
    if (name := find(loss, KINDS)) is not None:
        return KINDS[name]()
    if isinstance(loss, type) and issubclass(loss, Loss):
        raise TypeError(f"{who}: loss is the class {loss.__name__}; write {loss.__name__}()")
    known = ", ".join(f'"{name}"' for name in KINDS)
    hint = did_you_mean(loss, KINDS)
    raise ValueError(f"{who}: loss must be one of {known} or an object of cnnfast.losses, got {loss!r}{hint}")


def from_config(config: Mapping[str, Any]) -> Loss:
    """The loss from the result of `Loss.to_config`.

    Raises:
        ValueError: An unknown type or setting.

    Example:
        >>> from cnnfast import losses
        >>> losses.from_config({"type": "Huber", "delta": 0.5})
        Huber(delta=0.5)
    """
    kinds = {kind.__name__: kind for kind in KINDS.values()}
    name = config.get("type")
    if name not in kinds:
        hint = did_you_mean(name, kinds)
        raise ValueError(f"losses.from_config: unknown type {name!r}; known are {', '.join(kinds)}{hint}")
    kind, settings = kinds[name], {key: value for key, value in config.items() if key != "type"}
    known = [field.name for field in dataclasses.fields(kind)]
    for key in settings:
        if key not in known:
            hint = did_you_mean(key, known)
            raise ValueError(f"{name}: has no setting {key!r}; it takes {', '.join(known) or 'none'}{hint}")
    return kind(**settings)


def targets(
    who: str, name: str, value: object, loss: Loss, output: tuple[int, ...], dtype: Any, n: int
) -> Array:
    """The targets of n rows as the engine takes them: int64 classes, (n,) or one for each position of an
    output (c, ...); or floats of the output's shape.

    Raises:
        TypeError: A dtype that the loss does not support.
        ValueError: Another shape; probabilities outside of 0 .. 1.
    """
    if loss.is_classification:
        floats = isinstance(value, np.ndarray) and value.ndim > len(output) and value.dtype.kind == "f"
        if not (loss.takes_probabilities and floats):
            return labels(who, name, value, n, output[1:])
    if loss.takes_probabilities and not loss.is_classification:
        value = _binary_as_floats(value, dtype)
    value = check_array(who, name, value, np.dtype(dtype))
    if output[:1] == (1,) and value.shape == (n, *output[1:]):
        value = value[:, None]  # of a single output
    if value.dtype != dtype:
        cure = dtype_cure(name, value, np.dtype(dtype))
        raise TypeError(f"{who}: {name} must be {np.dtype(dtype)} like the output, got {value.dtype}; {cure}")
    if value.shape != (n, *output):
        raise ValueError(
            f"{who}: {name} must have shape {(n, *output)}, that of the output, got {value.shape}"
        )
    if loss.takes_probabilities:
        _check_probabilities(who, name, value)
    return np.ascontiguousarray(value)


@ieee_arithmetic
def _binary_as_floats(value: object, dtype: Any) -> object:
    """Integers and booleans as floats, which binary cross entropy also accepts."""
    array = np.asarray(value) if isinstance(value, list | tuple) else value
    return array.astype(dtype) if isinstance(array, np.ndarray) and array.dtype.kind in "biu" else value


def _check_probabilities(who: str, name: str, value: Array) -> None:
    slack = 1e-5  # for rounding of sums of probabilities
    wrong = ~((value >= -slack) & (value <= 1 + slack))
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"{who}: {name} must be from 0 to 1, got {value[at]} at {at}")


def _set(loss: Loss, **settings: object) -> None:
    for name, value in settings.items():
        object.__setattr__(loss, name, value)


def _weights(who: str, name: str, value: object) -> tuple[float, ...] | None:
    if value is None:
        return None
    refuse_masked(who, name, value)
    if not isinstance(value, Sequence | np.ndarray) or isinstance(value, str) or np.ndim(value) != 1:
        raise TypeError(f"{who}: {name} must be a sequence of numbers, one for each output, got {value!r}")
    if len(value) == 0:
        raise ValueError(f"{who}: {name} must not be empty; None stands for all 1")
    return tuple(check_number(who, f"{name}[{i}]", entry, 0, math.inf) for i, entry in enumerate(value))


def as_class(who: str, value: object) -> int:
    """A class index, which need not be one of the network's."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{who}: ignore_index must be an integer, got {type_of(value)} {value!r}")
    return int(value)

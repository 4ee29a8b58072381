"""`check_gradients`: compares backward with central differences of forward, for any module.

The error of (f(v + h) - f(v - h)) / 2h in float64 is h^2 f'''/6 plus rounding / h, so h near 1e-5 leaves nine
or ten digits: any error in a formula, an index or a factor shows. Differences are not meaningful where the
derivative is discontinuous (a kink).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import _core
from .._checks import check_integer, check_label_range, check_number, ieee_arithmetic, refuse_masked, type_of
from .._types import Array
from ..errors import GradientError
from ..losses import Loss, as_loss, targets
from ..nn import Module

#: y -> (a scalar, its derivative by y)
Objective = Callable[[Array], tuple[float, Array]]

_ROUNDING = 2.0**-53
#: Rounding errors that may accumulate in an output, including Winograd's algorithm.
_NOISE = 64.0
#: Factors by which the step is reduced if there is a kink near the value.
_SHORTER = (1.0, 0.1, 0.01)


@dataclass(frozen=True)
class GradientEntry:
    """Result for one array: its worst entry, and the number of entries compared.

    Attributes:
        name: "x" for the input, else the parameter.
        size: Number of entries of the array.
        checked: Number of entries that were compared.
        kinks: Number of entries left out because of a kink.
        index: Index of the worst entry.
        analytic, numeric: Its derivative by backward and by differences.
        error, allowed: Its |analytic - numeric| and the limit for that.
    """

    name: str
    size: int
    checked: int
    kinks: int
    index: tuple[int, ...]
    analytic: float
    numeric: float
    error: float
    allowed: float

    @property
    def ok(self) -> bool:
        return self.checked > 0 and self.error <= self.allowed  # NaN is not

    def __str__(self) -> str:
        if self.checked == 0:
            return f"all {self.kinks} sampled entries lie on a kink; try another x"
        at = f"[{', '.join(map(str, self.index))}]"
        return (
            f"worst at {at}: backward {self.analytic:.9g}, differences {self.numeric:.9g}, "
            f"error {self.error:.2g} of {self.allowed:.2g} allowed"
        )


@dataclass(frozen=True)
class GradientReport:
    """Result of `check_gradients`; `print` shows a line for each array."""

    entries: dict[str, GradientEntry]

    @property
    def ok(self) -> bool:
        return all(entry.ok for entry in self.entries.values())

    def __getitem__(self, name: str) -> GradientEntry:
        return self.entries[name]

    def __str__(self) -> str:
        width = max(map(len, self.entries), default=0)
        lines = []
        for name, entry in self.entries.items():
            kinks = f", {entry.kinks} on kinks" if entry.kinks and entry.checked else ""
            verdict = "ok   " if entry.ok else "WRONG"
            lines.append(
                f"{verdict} {name:<{width}}  {entry.checked} of {entry.size} entries{kinks}; {entry}"
            )
        return "\n".join(lines)


@ieee_arithmetic
def check_gradients(
    module: Module,
    x: Array,
    target: Array | list[int] | None = None,
    loss: Loss | str | Objective | None = None,
    *,
    eps: float = 1e-5,
    rtol: float = 1e-5,
    samples: int = 64,
    seed: int = 0,
    raises: bool = True,
) -> GradientReport:
    """Compare the gradients of `backward` with central differences of `forward`, in float64.

    The module is not changed: a float64 copy is used. The differentiated function is the loss; without a
    target it is a random linear combination of the outputs. Both derivatives of an entry must agree within
    `rtol` and rounding errors. With a target the gradients of parameters are those of `loss_and_grad`, which
    training uses, else those of `backward`.

    Kinks: where a ReLU's input is exactly 0, or two maxima of a pool are equal, the derivative is
    discontinuous, and `backward` uses one side by convention. Such entries (the left and right derivatives
    stay different as the step shrinks) are counted but not compared. If a kink is only near, a smaller step
    avoids it.

    Args:
        module: Any module, in training mode: batch normalization uses the statistics of `x`, and dropout uses
            the same mask in every pass.
        x: A batch of a few rows; uint8 images are used as they are and not differentiated.
        target: The targets, as in `loss_and_grad`; numbers of any float type.
        loss: With a target a name or an object of `cnnfast.losses`, default "cross_entropy"; without, a
            function of the output that returns a scalar and its derivative by the output.
        eps: Step size, multiplied by the magnitude of the value if that is above 1.
        rtol: Largest permitted relative error.
        samples: Number of random entries to compare in each array, in addition to the one with the largest
            gradient; smaller arrays are compared completely.
        seed: Seed for sampling, the linear combination and dropout.
        raises: False returns the report instead of raising GradientError.

    Returns:
        A GradientReport with an entry for "x" and each parameter.

    Raises:
        GradientError: They disagree; has the report.
        TypeError, ValueError: Invalid arguments, an empty batch, an output that is not finite.

    Cost: two forward passes for each compared entry.

    Example:
        >>> import cnnfast as cf
        >>> from cnnfast import nn
        >>> model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.GELU(), nn.Flatten(), nn.Linear(8, 3), seed=0)
        >>> x = np.random.default_rng(0).standard_normal((2, 1, 4, 4))
        >>> report = cf.check_gradients(model, x, [0, 2])
        >>> report.ok, list(report.entries)
        (True, ['x', '0.weight', '0.bias', '3.weight', '3.bias'])
    """
    who = "check_gradients"
    if not isinstance(module, Module):
        raise TypeError(f"{who}: module must be a Module, got {type_of(module)}")
    eps = check_number(who, "eps", eps, 1e-12, 1e-1)
    rtol = check_number(who, "rtol", rtol, 0, 1)
    samples = check_integer(who, "samples", samples, 1)
    seed = check_integer(who, "seed", seed, 0)
    refuse_masked(who, "x", x)
    refuse_masked(who, "target", target)
    rng = np.random.default_rng(seed)
    twin = module.copy().to("float64")
    if isinstance(x, np.ndarray) and x.dtype.kind == "f":
        x = np.array(x, np.float64)
    y = Module.forward(twin, x, seed)  # a PythonLayer has another
    if not y.size or not np.isfinite(y).all():
        what = "is not finite" if y.size else "is empty"
        raise ValueError(f"{who}: the output {what}; there is nothing to compare")
    if isinstance(target, np.ndarray) and target.dtype.kind == "f":
        target = target.astype(np.float64)
    value_of = _objective(who, y, target, loss, rng)
    value, dy, scale = value_of(y)
    dx = Module.backward(twin, dy)
    slopes = {name: slope.copy() for name, slope in twin.gradients().items()}
    difference = of_parameters = _Differences(
        lambda: value_of(Module.forward(twin, x, seed))[0], value, scale, eps, rtol
    )
    if target is not None:
        rows, kind = np.asarray(target), as_loss(who, loss or "cross_entropy")
        total, slopes = twin.loss_and_grad(x, rows, kind, seed)
        if weights := twin.auxiliary_outputs():  # they are part of this loss, but not of the output
            scale *= 1 + sum(weights.values())
            whole = functools.partial(twin.loss_and_grad, x, rows, kind, seed)
            of_parameters = _Differences(lambda: whole()[0], total, scale, eps, rtol)
    entries = {}
    if x.dtype == np.float64:
        entries["x"] = difference.examine("x", x, dx, samples, rng)
    for name, array in twin.parameters().items():
        entries[name] = of_parameters.examine(name, array, slopes[name], samples, rng)
    report = GradientReport(entries)
    if raises and not report.ok:
        wrong = [f"{name}: {entry}" for name, entry in entries.items() if not entry.ok]
        text = "\n  ".join([f"{who}: backward and central differences disagree", *wrong])
        raise GradientError(text, report)
    return report


def _objective(
    who: str,
    y: Array,
    target: Array | list[int] | None,
    loss: Loss | str | Objective | None,
    rng: np.random.Generator,
) -> Callable[[Array], tuple[float, Array, float]]:
    """y -> (scalar, its derivative by y, magnitude of the summed terms)."""
    if target is not None:
        if callable(loss):
            raise ValueError(f"{who}: a custom loss function has no target; omit target")
        kind = as_loss(who, "cross_entropy" if loss is None else loss)
        rows = targets(who, "target", target, kind, y.shape[1:], y.dtype, len(y))
        if rows.dtype == np.int64:
            classes = y.shape[1] if y.ndim > 1 else 0
            check_label_range(who, "target", rows, classes, getattr(kind, "ignore_index", None))
        return lambda y: _mean(kind, y, rows)
    if callable(loss):
        return lambda y: _custom(who, loss, y)
    if loss is not None:
        raise ValueError(f"{who}: the loss {loss!r} needs a target")
    weights = rng.standard_normal(y.shape)
    return lambda y: (float((weights * y).sum()), weights, float(np.abs(weights * y).sum()))


def _mean(loss: Loss, y: Array, target: Array) -> tuple[float, Array, float]:
    each, dy, count = _core.row_losses(loss.engine_loss(), np.ascontiguousarray(y), target)
    terms = 1 + float(np.abs(y).max()) + float(np.abs(each).max())
    return float(each.sum()) / count, dy / count, terms


def _custom(who: str, loss: Objective, y: Array) -> tuple[float, Array, float]:
    got = loss(y.copy())
    if not isinstance(got, tuple) or len(got) != 2 or np.shape(got[1]) != y.shape:
        raise ValueError(f"{who}: loss must return a number and its derivative by y, of shape {y.shape}")
    value, dy = float(got[0]), np.asarray(got[1], np.float64)
    return value, dy, abs(value) + float(np.abs(dy * y).sum())


@dataclass(frozen=True)
class _Slopes:
    """One-sided and central differences at one entry with one step size."""

    left: float
    right: float
    central: float
    noise: float


class _Differences:
    """Finite differences of a scalar function by entries of writeable arrays."""

    def __init__(
        self, value: Callable[[], float], here: float, scale: float, eps: float, rtol: float
    ) -> None:
        self._value, self._here, self._eps, self._rtol = value, here, eps, rtol
        self._noise = _NOISE * _ROUNDING * scale

    def examine(
        self, name: str, array: Array, slope: Array, samples: int, rng: np.random.Generator
    ) -> GradientEntry:
        """The result for an array, from the sampled entries."""
        places = np.arange(array.size)
        if array.size > samples:
            largest = int(np.abs(slope).argmax())
            places = np.unique([largest, *rng.choice(array.size, samples - 1, replace=False)])
        worst, checked, kinks = (0, 0.0, 0.0, 0.0, 1.0), 0, 0
        for place in places.tolist():
            analytic = float(slope.flat[place])
            slopes = self._compare(array, place, analytic)
            if slopes is None:
                kinks += 1
                continue
            numeric, allowed = slopes
            error = abs(analytic - numeric)
            if checked == 0 or not error / allowed <= worst[3] / worst[4]:
                worst = (place, analytic, numeric, error, allowed)
            checked += 1
        place, analytic, numeric, error, allowed = worst
        index = tuple(int(i) for i in np.unravel_index(place, array.shape))
        return GradientEntry(name, array.size, checked, kinks, index, analytic, numeric, error, allowed)

    def _compare(self, array: Array, place: int, analytic: float) -> tuple[float, float] | None:
        """(derivative by differences, permitted error); None at a kink."""
        tried: list[tuple[_Slopes, float]] = []
        for shorter in _SHORTER:
            slopes = self._slopes(array, place, shorter)
            allowed = self._rtol * max(abs(analytic), abs(slopes.central)) + slopes.noise
            if abs(analytic - slopes.central) <= allowed:
                return slopes.central, allowed
            tried.append((slopes, allowed))
        if _is_kink([slopes for slopes, _ in tried]):
            return None
        best, allowed = min(tried, key=lambda pair: abs(analytic - pair[0].central) / pair[1])
        return best.central, allowed

    def _slopes(self, array: Array, place: int, shorter: float) -> _Slopes:
        middle = array.flat[place]
        step = shorter * self._eps * max(1.0, abs(float(middle)))
        array.flat[place] = middle + step
        right, up = float(array.flat[place] - middle), self._value()
        array.flat[place] = middle - step
        left, down = float(middle - array.flat[place]), self._value()
        array.flat[place] = middle
        return _Slopes(
            (self._here - down) / left,
            (up - self._here) / right,
            (up - down) / (right + left),
            self._noise / step,
        )


def _is_kink(slopes: list[_Slopes]) -> bool:
    """Whether the left and right derivatives stay different as the step shrinks."""
    wide, close = slopes[0], slopes[-1]
    gap = abs(close.right - close.left)
    return gap > 0.5 * abs(wide.right - wide.left) and gap > 4 * close.noise

"""Checks of arguments: arrays, integers, numbers, seeds, labels.

Errors name the called function, the argument, its value and what was expected. Code after a check relies on
it.
"""

from __future__ import annotations

import functools
import inspect
import math
import numbers
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any, ParamSpec, TypeVar

import numpy as np

from ._types import FLOATS, Array, Labels, Seed, Shape

_P = ParamSpec("_P")
_R = TypeVar("_R")


def type_of(value: object) -> str:
    """Type for error messages: the dtype of an array, or the name of any other type."""
    if value is None:
        return "None"
    return f"{value.dtype} array" if isinstance(value, np.ndarray) else type(value).__name__


def _type_and_value(value: object) -> str:
    """Type and value for error messages about something that is not a number."""
    return "None" if value is None else f"{type_of(value)} {value!r}"


def ieee_arithmetic(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Decorator for functions that compute with NumPy: underflow gives 0, overflow infinity and an invalid
    operation NaN, without warnings or errors, regardless of the caller's `np.seterr`, which is restored.
    """

    @functools.wraps(function)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return wrapper


def warn_caller(text: str) -> None:
    """Warns with `text`, at the line outside of this package that made the call."""
    frame: FrameType | None = inspect.currentframe()
    level = 1
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, UserWarning, stacklevel=level)


def refuse_masked(who: str, name: str, value: object, cure: str = "") -> None:
    """Raises TypeError for a masked array, whose mask would be lost."""
    if type(value) is not np.ndarray and isinstance(value, np.ma.MaskedArray):
        cure = cure or f"use {name}.filled(...) with a value of your choice"
        raise TypeError(f"{who}: {name} is a masked array, which is not supported; {cure}")


def check_array(who: str, name: str, value: object, dtype: object = "float32") -> Array:
    """The value as a plain `np.ndarray`: a view of a `np.memmap`, `np.matrix` or another subclass. Anything
    else is an error, whose message suggests a conversion to `dtype`.
    """
    if type(value) is np.ndarray:
        return value
    refuse_masked(who, name, value)
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    cure = f"; use {_conversion(name, value, dtype)}" if value is not None else ""
    raise TypeError(f"{who}: {name} must be a NumPy array, got {type_of(value)}{cure}")


def _conversion(name: str, value: object, dtype: object) -> str:
    """Code that converts `value` to an array."""
    if hasattr(value, "toarray"):  # SciPy's sparse matrices
        return f"{name}.toarray()"
    if hasattr(value, "detach"):  # tensors of PyTorch
        return f"{name}.detach().cpu().numpy()"
    return f'np.asarray({name}, dtype="{dtype}")'


def dtype_cure(name: str, value: Array, dtype: object) -> str:
    """Code that converts an array to this dtype."""
    if value.dtype == object and value.ndim == 1 and value.size and np.ndim(value[0]) > 0:  # array of arrays
        return f'use np.stack({name}).astype("{dtype}")'
    return f'use {name}.astype("{dtype}")'


def check_integer(who: str, name: str, value: object, minimum: int) -> int:
    """A Python int of at least `minimum`; bools and floats are errors."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{who}: {name} must be an integer, got {_type_and_value(value)}")
    if value < minimum:
        raise ValueError(f"{who}: {name} must be at least {minimum}, got {value}")
    return int(value)


def check_number(
    who: str, name: str, value: object, low: float, high: float, *, below: bool = False
) -> float:
    """A finite Python float in [low, high], or in [low, high) with `below`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{who}: {name} must be a number, got {_type_and_value(value)}")
    number = float(value)
    fits = low <= number < high if below else low <= number <= high
    if not fits or not math.isfinite(number):
        if math.isinf(high):
            expected = "finite" if math.isinf(low) else f"finite and at least {low:g}"
        else:
            expected = f"at least {low:g} and {'below' if below else 'at most'} {high:g}"
        raise ValueError(f"{who}: {name} must be {expected}, got {value!r}")
    return number


def takes_a_pair(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Decorator of functions (model, data, ...): reports inputs and targets passed as two arguments with a
    clear message.
    """

    @functools.wraps(function)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        third = args[2] if len(args) > 2 else kwargs.get("y")
        if isinstance(third, list | tuple) or getattr(third, "ndim", 0) > 0:
            who = function.__name__
            raise TypeError(f"{who}: inputs and targets are one argument, a pair: {who}(model, (x, y))")
        return function(*args, **kwargs)

    return wrapper


def seed_sequence(who: str, seed: Seed) -> np.random.SeedSequence:
    """The seed as NumPy's SeedSequence; None uses OS entropy."""
    if seed is None:
        return np.random.SeedSequence()
    if isinstance(seed, np.random.SeedSequence):
        return seed
    return np.random.SeedSequence(check_integer(who, "seed", seed, 0))


def check_dtype(who: str, dtype: Any) -> np.dtype[Any]:
    """float32 or float64, written as a string, a NumPy type or a dtype."""
    for known in FLOATS:
        try:
            if dtype is not None and np.dtype(dtype) == known:
                return known
        except TypeError:
            break
    raise TypeError(f'{who}: dtype must be "float32" or "float64", got {dtype!r}')


def labels(who: str, name: str, value: object, n: int, positions: Shape = ()) -> Labels:
    """Class indices as a contiguous int64 array of shape (n, *positions); their range is checked on use."""
    ready = type(value) is np.ndarray and value.dtype == np.int64
    array: Labels = value if ready else _integers(who, name, value)  # type: ignore[assignment]
    if array.shape != (n, *positions):
        each = "position of the output" if positions else "row"
        raise ValueError(
            f"{who}: {name} must have shape {(n, *positions)}, one class for each {each}, got {array.shape}"
        )
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def _integers(who: str, name: str, value: object) -> Labels:
    refuse_masked(who, name, value, f"use {name}.filled(-100), the label that losses ignore (ignore_index)")
    if value is None:
        raise TypeError(f"{who}: {name} must be integers, got None")
    try:
        array = np.asarray(value)
    except ValueError:
        raise TypeError(f"{who}: {name} must be integers, got rows of different lengths") from None
    if array.size == 0:
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        if array.dtype == object:
            _refuse_mixed(who, name, array)
        if is_strings(array):
            cure = f"; use np.unique({name}, return_inverse=True)[1] for numbers in the order of the names"
        else:
            cure = f"; use {name}.astype(np.int64)" if isinstance(value, np.ndarray) else ""
        raise TypeError(f"{who}: {name} must be integers, got {array.dtype}{cure}")
    return array.astype(np.int64)


def _refuse_mixed(who: str, name: str, array: Array) -> None:
    """Raises TypeError if not all entries are names, e.g. if one is missing (NaN)."""
    others = [(row, entry) for row, entry in enumerate(array.flat) if not isinstance(entry, str)]
    if 0 < len(others) < array.size:
        row, entry = others[0]
        raise TypeError(f"{who}: {name} must be all integers or all names, got {entry!r} at row {row}")


def is_strings(array: Array) -> bool:
    """Whether an array holds strings, in NumPy's own dtypes or as objects (pandas)."""
    if array.dtype.kind == "O":
        return array.size > 0 and all(isinstance(entry, str) for entry in array.flat)
    return array.dtype.kind in "UST"


def check_label_range(
    who: str, name: str, target: Labels, n_classes: int, ignored: int | None = None
) -> None:
    """Every label must be in 0 .. n_classes - 1, or equal to `ignored`."""
    wrong = ((target < 0) | (target >= n_classes)) & (target != ignored)
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        where = f"row {first[0]}" if len(first) == 1 else f"{first}"
        raise ValueError(
            f"{who}: label {target[first]} at {where} of {name} is outside of "
            f"0 .. {n_classes - 1} ({n_classes} classes, {wrong.sum()} such labels)"
        )

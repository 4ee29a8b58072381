"""Loads parameters from named arrays; every name, shape and type is checked before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .._checks import ieee_arithmetic, type_of
from .._types import Array

#: a buffer, integers in PyTorch's states
_COUNT = "num_batches_tracked"


class Unmatched(NamedTuple):
    """Names on which a module and a state differ; the fields are called as in PyTorch."""

    missing_keys: list[str]
    unexpected_keys: list[str]


@ieee_arithmetic
def load_state(who: str, targets: Mapping[str, Array], state: Mapping[str, Any], strict: bool) -> Unmatched:
    """Copies `state` into the arrays of `targets`; see `Module.load_state_dict`."""
    if not isinstance(state, Mapping):
        raise TypeError(f"{who}: state must be a dict of arrays by name, got {type_of(state)}")
    missing = [name for name in targets if name not in state]
    unknown = [str(name) for name in state if name not in targets and not _is_spare(str(name), targets)]
    arrays, kinds = _arrays(targets, state)
    shapes = [_wrong_shape(name, array, targets[name]) for name, array in arrays.items()]
    names = _wrong_names(missing, unknown) if strict else ""
    if not strict and targets and len(missing) == len(targets):
        raise ValueError(f"{who}: {_nothing_matches(list(targets), [str(name) for name in state])}")
    complaints = [text for text in (names, *shapes, *kinds) if text]
    if complaints:
        only_kinds = not names and not any(shapes)
        raise (TypeError if only_kinds else ValueError)(f"{who}: {'; '.join(complaints)}")
    for name, array in arrays.items():
        targets[name][...] = array
    return Unmatched(missing, unknown)


def _is_spare(name: str, targets: Mapping[str, Array]) -> bool:
    """Whether it is an unneeded `num_batches_tracked`: PyTorch always stores it, cnnfast only without
    momentum."""
    return name.endswith(_COUNT) and name.removesuffix(_COUNT) + "running_mean" in targets


def _wrong_names(missing: list[str], unknown: list[str]) -> str:
    parts = [f"lacks {', '.join(missing)}"] if missing else []
    if unknown:
        parts.append(f"has unknown {', '.join(unknown)}")
    return f"the state {' and '.join(parts)}; strict=False would skip them" if parts else ""


def _nothing_matches(names: list[str], given: list[str]) -> str:
    """Message for a state without matching names, with a prefix that would make them match, if any."""
    if not given:
        return f"the state is empty, expected some of {_some(names)}"
    text = f"nothing in the state matches: it has {_some(given)}, the module has {_some(names)}"
    for name in given:
        for wanted in names:
            if name.endswith(f".{wanted}"):
                return f"{text}; remove the prefix {name.removesuffix(wanted)!r} from its names"
            if wanted.endswith(f".{name}"):
                return f"{text}; add the prefix {wanted.removesuffix(name)!r} to its names"
    return text


def _some(names: list[str]) -> str:
    """The first few names."""
    rest = f" and {len(names) - 4} more" if len(names) > 5 else ""
    return ", ".join(names[:4] if rest else names) + rest


def _wrong_shape(name: str, array: Array, target: Array) -> str:
    if array.shape == target.shape:
        return ""
    return f"{name} must have shape {target.shape}, got {array.shape} in the state"


def _arrays(targets: Mapping[str, Array], state: Mapping[str, Any]) -> tuple[dict[str, Array], list[str]]:
    """The arrays of the state for the targets, and errors about others that are not float arrays."""
    arrays, complaints = {}, []
    for name in targets:
        if name not in state:
            continue
        try:
            array = _array(state[name])
        except (TypeError, ValueError, RuntimeError) as error:  # bfloat16, rows of different lengths
            why = (str(error).splitlines() or [type(error).__name__])[0]
            complaints.append(f"{name} cannot be read as an array: {why}")
            continue
        if array.dtype.kind == "f" or (name.endswith(_COUNT) and array.dtype.kind in "iu"):
            arrays[name] = array
        else:
            complaints.append(f"{name} must be floating point, got {array.dtype} in the state")
    return arrays, complaints


def _array(value: Any) -> Array:
    """A NumPy array from anything convertible: a PyTorch tensor (also one that requires a gradient or is on
    another device), a TensorFlow or JAX array.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError("masked arrays are not supported; use .filled(...) with a value of your choice")
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    if callable(getattr(value, "numpy", None)):
        value = value.numpy()
    return np.asarray(value)

"""Sets parameters from named arrays: checks every name, shape and type before it changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..border import Array


def load_state(who: str, parameters: Mapping[str, Array], state: Mapping[str, Any], strict: bool) -> None:
    """Copies `state` into `parameters`; see `Module.load_state_dict`."""
    if not isinstance(state, Mapping):
        raise TypeError(f"{who}: state must be a dict of arrays by name, got {type(state).__name__}")
    if strict:
        _check_names(who, parameters, state)
    arrays = {name: _as_floats(who, name, state[name]) for name in parameters if name in state}
    for name, array in arrays.items():
        if array.shape != parameters[name].shape:
            raise ValueError(
                f"{who}: {name} must have shape {parameters[name].shape}, got {array.shape} in the state"
            )
    for name, array in arrays.items():
        parameters[name][...] = array


def _check_names(who: str, parameters: Mapping[str, Array], state: Mapping[str, Any]) -> None:
    missing = [name for name in parameters if name not in state]
    unknown = [str(name) for name in state if name not in parameters]
    complaints = [f"lacks {', '.join(missing)}"] if missing else []
    if unknown:
        complaints.append(f"has unknown {', '.join(unknown)}")
    if complaints:
        raise ValueError(f"{who}: the state {' and '.join(complaints)}; strict=False would skip them")


def _as_floats(who: str, name: str, value: Any) -> Array:
    array: Array = np.asarray(value)
    if array.dtype.kind != "f":
        raise TypeError(f"{who}: {name} must be floating point, got {array.dtype} in the state")
    return array

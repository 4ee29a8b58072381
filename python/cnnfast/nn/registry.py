"""The list of layer types that a description may name, and the way from plain data back to modules.

Only what is registered here is ever built, so a description read from a file can run no foreign code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from .._checks import type_of
from .._names import did_you_mean
from .._types import Seed, Shape

if TYPE_CHECKING:
    from .module import Module

_TYPES: dict[str, type[Module]] = {}
_MAX_NESTING = 64

M = TypeVar("M", bound="type[Module]")


def register(cls: M) -> M:
    """Class decorator: descriptions may name this type."""
    _TYPES[cls.__name__] = cls
    return cls


def layer_types() -> dict[str, type[Module]]:
    """Every type `from_config` builds, by name.

    Example:
        >>> from cnnfast import nn
        >>> nn.layer_types()["ReLU"]
        <class 'cnnfast.nn.activation.ReLU'>
    """
    return dict(_TYPES)


def from_config(config: Mapping[str, Any], seed: Seed = None) -> Module:
    """Build the module that `Module.to_config` described, with freshly drawn parameters.

    Args:
        config: Plain nested data, ``{"type": "Linear", "in_features": 3, "out_features": 2, "bias": True}``.
        seed: For the parameters; the same seed draws the same values.

    Raises:
        ValueError: An unknown type, a missing or unknown setting, or one that does not make sense.
        TypeError: Something that is not plain data of the right kind.

    Example:
        >>> from cnnfast import nn
        >>> nn.from_config({"type": "Sequential", "layers": {"0": {"type": "ReLU"}}})
        Sequential(
          (0): ReLU()
        )
    """
    module = blank(config)
    module.initialize(seed)
    return module


def blank(config: Mapping[str, Any], depth: int = 0) -> Module:
    """The described module with all parameters zero."""
    cls, settings = _typed(config, depth)
    return cls._from_settings(settings, depth + 1)


def parameter_shapes(config: Mapping[str, Any], prefix: str = "", depth: int = 0) -> list[tuple[str, Shape]]:
    """Names and shapes of the parameters the description asks for, without allocating any of them."""
    cls, settings = _typed(config, depth)
    return cls._shapes_of(settings, prefix, depth + 1)


def _typed(config: Mapping[str, Any], depth: int) -> tuple[type[Module], dict[str, Any]]:
    if depth > _MAX_NESTING:
        raise ValueError(f"from_config: more than {_MAX_NESTING} containers inside each other")
    if not isinstance(config, Mapping):
        raise TypeError(f"from_config: a layer must be described by a dict, got {type_of(config)}")
    name = config.get("type")
    if not isinstance(name, str) or name not in _TYPES:
        hint = did_you_mean(name, _TYPES) or "; nn.layer_types() has the known ones"
        raise ValueError(f"from_config: unknown layer type {name!r}{hint}")
    return _TYPES[name], {key: value for key, value in config.items() if key != "type"}

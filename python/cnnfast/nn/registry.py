"""Registry of layer types, and construction of modules from plain data.

Only registered types are built, so that a model file cannot run other code.
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
    """Class decorator that registers a layer type."""
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
    """Build a module from the result of `Module.to_config`, with newly initialized parameters.

    Args:
        config: Plain nested data, ``{"type": "Linear", "in_features": 3, "out_features": 2, "bias": True}``.
        seed: Seed for parameter initialization.

    Raises:
        ValueError: An unknown type, or a missing, unknown or invalid setting.
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
    """Names and shapes of the described module's parameters, without allocating them."""
    cls, settings = _typed(config, depth)
    return cls._shapes_of(settings, prefix, depth + 1)


def _typed(config: Mapping[str, Any], depth: int) -> tuple[type[Module], dict[str, Any]]:
    if depth > _MAX_NESTING:
        raise ValueError(f"from_config: more than {_MAX_NESTING} containers inside each other")
    if not isinstance(config, Mapping):
        raise TypeError(f"from_config: a layer must be described by a dict, got {type_of(config)}")
    name = config.get("type")
    if not isinstance(name, str) or name not in _TYPES:
        hint = did_you_mean(name, _TYPES) or (
            "; nn.layer_types() has the known ones, a class of your own needs @nn.register_layer"
        )
        raise ValueError(f"from_config: unknown layer type {name!r}{hint}")
    return _TYPES[name], {key: value for key, value in config.items() if key != "type"}

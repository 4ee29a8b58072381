"""`apply`: initializers for the parameters of a model, by their names."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np

from ..._checks import seed_sequence, type_of
from ..._types import Array, Seed
from ..parameter_tree import ParameterTree
from .initializer import Initializer

if TYPE_CHECKING:
    from ..module import Module


def apply(model: Module, rules: Mapping[str, Initializer], seed: Seed = None) -> None:
    """Fill the parameters whose names match a pattern; the others do not change.

    Args:
        model: Any module.
        rules: Initializers by pattern, as in `fnmatch`: "*.weight", "features.*". If several patterns match a
            parameter, the last one wins.
        seed: Each parameter has its own random stream, independent of the rules for others.

    Raises:
        TypeError: Not a module, or not an initializer.
        ValueError: A pattern that matches no parameter, or an initializer that does not fit one; nothing is
            changed then.

    Example:
        >>> from cnnfast import nn
        >>> from cnnfast.nn import init
        >>> model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
        >>> init.apply(model, {"*.weight": init.kaiming_normal(), "*.bias": init.zeros()}, seed=0)
        >>> model[3].bias
        array([0., 0.], dtype=float32)
    """
    if not isinstance(model, ParameterTree):
        raise TypeError(f"init.apply: model must be a Module, got {type_of(model)}")
    if not isinstance(rules, Mapping):
        raise TypeError(f"init.apply: rules must be a dict of pattern to initializer, got {type_of(rules)}")
    buffers = set(model.buffer_names())
    shapes = {name: shape for name, shape in model.named_shapes() if name not in buffers}
    chosen: dict[str, Initializer] = {}
    for pattern, rule in rules.items():
        if not isinstance(rule, Initializer):
            raise TypeError(f"init.apply: rules[{pattern!r}] must be an Initializer, got {_what(rule)}")
        matching = [name for name in shapes if fnmatchcase(name, pattern)]
        if not matching:
            raise ValueError(
                f"init.apply: the pattern {pattern!r} matches no parameter; there are {', '.join(shapes)}"
            )
        chosen |= dict.fromkeys(matching, rule)
    root = seed_sequence("init.apply", seed)
    drawn: dict[str, Array] = {}  # a single parameter in place: an error changes nothing of it
    for position, (name, shape) in enumerate(shapes.items()):
        if name in chosen:
            key = (*root.spawn_key, position)
            stream = np.random.SeedSequence(root.entropy, spawn_key=key, pool_size=root.pool_size)
            try:
                drawn[name] = model.views()[name] if len(chosen) == 1 else np.empty(shape, model.dtype)
                chosen[name].fill(drawn[name], stream)
            except ValueError as error:
                raise ValueError(f"{error} (parameter {name})") from None
    model.load_state_dict(drawn, strict=False)


def _what(rule: object) -> str:
    return f"function; write init.{rule.__name__}()" if inspect.isfunction(rule) else type_of(rule)

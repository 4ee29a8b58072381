"""`Container`: a module made of modules. A kind of container says how values flow between its children."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import indent
from typing import TYPE_CHECKING, Any

import numpy as np

from ..border import Shape, type_of
from .module import Module

if TYPE_CHECKING:
    from typing_extensions import Self


class Container(Module):
    """Owns its children: their parameters live in the container's block, so a child has but one."""

    def __init__(self, children: Mapping[str, Module]) -> None:
        _check_children(type(self).__name__, children)
        self._assemble(children)

    def children(self) -> dict[str, Module]:
        return dict(self._children)

    def __repr__(self) -> str:
        inside = "".join(indent(f"({name}): {child!r}\n", "  ") for name, child in self._children.items())
        return f"{type(self).__name__}(\n{inside})"

    def _assemble(self, children: Mapping[str, Module]) -> None:
        self._children = dict(children)
        self._set_up()
        self._take_in(self._children)

    def _named_shapes(self, prefix: str = "") -> list[tuple[str, Shape]]:
        return [
            pair
            for name, child in self._children.items()
            for pair in child._named_shapes(dotted(prefix, name))
        ]

    def _buffer_names(self, prefix: str = "") -> list[str]:
        return [
            buffer
            for name, child in self._children.items()
            for buffer in child._buffer_names(dotted(prefix, name))
        ]

    def _initialize(self, seed: np.random.SeedSequence) -> None:
        for position, child in enumerate(self._children.values()):
            # what seed.spawn() would give the first time, without counting up inside of `seed`
            key = (*seed.spawn_key, position)
            child._initialize(np.random.SeedSequence(seed.entropy, spawn_key=key, pool_size=seed.pool_size))

    def _blank_copy(self) -> Self:
        twin = type(self).__new__(type(self))
        twin._assemble({name: child._blank_copy() for name, child in self._children.items()})
        return twin


def dotted(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def only_setting(who: str, settings: Mapping[str, Any], name: str) -> Any:
    """The value of the one setting a container has."""
    if set(settings) != {name}:
        raise ValueError(f"{who}: takes the setting {name!r}, got {', '.join(map(repr, settings)) or 'none'}")
    return settings[name]


def _check_children(who: str, children: Mapping[str, Module]) -> None:
    if not children:
        raise ValueError(f"{who}: needs at least one layer")
    seen: dict[int, str] = {}
    for name, child in children.items():
        _check_child(who, name, child)
        if id(child) in seen:
            raise ValueError(
                f"{who}: layer {name!r} is the same object as layer {seen[id(child)]!r}; "
                "build it twice, or use copy() for another one that starts with equal weights"
            )
        seen[id(child)] = name
    dtypes = {str(child.dtype) for child in children.values()}
    if len(dtypes) > 1:
        raise ValueError(f"{who}: all layers must have one dtype, got {' and '.join(sorted(dtypes))}")


def _check_child(who: str, name: object, child: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{who}: names of layers must be strings, got {type_of(name)} {name!r}")
    if not name or "." in name:
        raise ValueError(f"{who}: a layer's name must not be empty or hold a dot, got {name!r}")
    if isinstance(child, type):
        raise TypeError(f"{who}: layer {name!r} is the class {child.__name__}; write {child.__name__}(...)")
    if not isinstance(child, Module):
        cure = "; unpack it: Sequential(*layers)" if isinstance(child, list | tuple) else ""
        raise TypeError(f"{who}: layer {name!r} must be a module, got {type_of(child)}{cure}")
    if child._in_container():
        raise ValueError(
            f"{who}: layer {name!r} ({type(child).__name__}) is already part of another container; "
            "use copy() for an independent one"
        )

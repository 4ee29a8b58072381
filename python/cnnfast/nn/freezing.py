"""Frozen parameters and running averages: `Module.freeze` and `unfreeze`.

Each layer stores the names of its frozen parameters; a container collects them from its layers, so that
freezing a submodule freezes it in the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .._flat import slices
from .._types import Labels

if TYPE_CHECKING:
    from .parameter_tree import ParameterTree


class Window(NamedTuple):
    """A parameter's position in the flat block of a module: elements start to end."""

    name: str
    start: int
    end: int


def set_frozen(who: str, tree: ParameterTree, patterns: tuple[str, ...], frozen: bool) -> list[str]:
    """Freezes or unfreezes the parameters and buffers that match; returns their names."""
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise TypeError(f"{who}: a pattern must be a string, got {type(pattern).__name__} {pattern!r}")
    places = list(_places(tree, buffers=True))
    names = [name for name, _, _ in places]
    for pattern in patterns:
        if not any(_matches(name, pattern) for name in names):
            raise ValueError(
                f"{who}: no parameter matches {pattern!r}; there are {', '.join(names) or 'none at all'}"
            )
    chosen = []
    for name, layer, own in places:
        if not patterns or any(_matches(name, pattern) for pattern in patterns):
            layer.own_frozen = layer.own_frozen | {own} if frozen else layer.own_frozen - {own}
            chosen.append(name)
            if own in layer.buffer_names():
                layer.forget_plans()
    tree.count_frozen_change()
    return chosen


def frozen_names(tree: ParameterTree) -> tuple[str, ...]:
    return tuple(name for name, layer, own in _places(tree, buffers=True) if own in layer.own_frozen)


def copy_frozen(source: ParameterTree, twin: ParameterTree) -> None:
    """Freezes the same parameters in `twin`, of the same architecture, as in `source`."""
    pairs = zip(_places(source, buffers=True), _places(twin, buffers=True), strict=True)
    for (_, layer, _), (_, other, _) in pairs:
        other.own_frozen = layer.own_frozen


def windows_of(tree: ParameterTree, frozen: bool) -> list[Window]:
    """Positions of the parameters that are (or are not) frozen, without buffers."""
    wanted = {name for name, layer, own in _places(tree) if (own in layer.own_frozen) == frozen}
    return [
        Window(name, where.start, where.stop)
        for name, _, where in slices(tree.named_shapes())
        if name in wanted
    ]


def buffer_places(tree: ParameterTree) -> Labels:
    """Indices of the buffers' elements in the flat block."""
    buffers = set(tree.buffer_names())
    found = [np.arange(w.start, w.stop) for name, _, w in slices(tree.named_shapes()) if name in buffers]
    return np.concatenate(found) if found else np.arange(0)


def merged(windows: list[Window]) -> list[tuple[int, int]]:
    """The windows as ranges (start, end), with adjacent ones merged."""
    ranges: list[tuple[int, int]] = []
    for _, start, end in windows:
        if ranges and ranges[-1][1] == start:
            ranges[-1] = (ranges[-1][0], end)
        elif end > start:
            ranges.append((start, end))
    return ranges


def _places(
    tree: ParameterTree, prefix: str = "", *, buffers: bool = False
) -> Iterator[tuple[str, ParameterTree, str]]:
    """(whole name, layer, its own name) of each parameter, and each buffer if asked, in the order of the
    block.
    """
    children = tree.children()
    for name, child in children.items():
        yield from _places(child, f"{prefix}{name}.", buffers=buffers)
    if not children:
        left_out = () if buffers else tree.buffer_names()
        yield from ((prefix + own, tree, own) for own, _ in tree.named_shapes() if own not in left_out)


def _matches(name: str, pattern: str) -> bool:
    """A module's name matches everything in it."""
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")

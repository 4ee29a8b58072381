"""Divides a parameter block into parts that are updated together: neighbors with equal settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._flat import count, slices
from .._types import Array, Shape
from .group import Group


class Window(NamedTuple):
    """One parameter or buffer, and its position in the block."""

    name: str
    shape: Shape
    where: slice
    learned: bool


class Choice(NamedTuple):
    """The settings of one parameter (one dict for all with the same groups), and which of the optimizer's
    learning rates it uses."""

    settings: dict[str, Any]
    rate: int


@dataclass(slots=True)
class Part:
    """Neighboring parameters, `first` up to `last`, that are updated together."""

    first: int
    last: int
    where: slice
    settings: dict[str, Any]
    rate: int
    steps: int
    params: Array
    memory: dict[str, Array]


def windows_of(
    who: str, size: int, shapes: Sequence[tuple[str, Shape]] | None, buffers: Collection[str]
) -> list[Window]:
    """The position of each parameter; without shapes, one window without a name."""
    if shapes is None:
        return [Window("", (size,), slice(0, size), True)]
    total = count(shape for _, shape in shapes)
    if total != size:
        raise ValueError(f"{who}: the shapes are of {total} parameters, the block has {size}")
    return [Window(name, tuple(shape), where, name not in buffers) for name, shape, where in slices(shapes)]


def choices(windows: Sequence[Window], own: Mapping[str, Any], groups: Sequence[Group]) -> list[Choice]:
    """For each parameter the optimizer's settings, overridden by those of its groups in order."""
    rates = [0] * len(groups)
    for rate, index in enumerate((i for i, group in enumerate(groups) if "lr" in group.settings), 1):
        rates[index] = rate
    known: dict[tuple[int, ...], Choice] = {}
    found = []
    for window in windows:
        member = tuple(i for i, group in enumerate(groups) if group.takes(window.name, window.shape))
        if member not in known:
            settings = dict(own)
            for i in member:
                settings |= groups[i].settings
            known[member] = Choice(settings, max((rates[i] for i in member), default=0))
        found.append(known[member])
    return found


def parts_of(
    windows: Sequence[Window],
    chosen: Sequence[Choice],
    steps: Sequence[int],
    frozen: Collection[str],
    params: Array,
    memory: Mapping[str, Array],
) -> list[Part]:
    """The parts of the block, without frozen parameters and buffers. Parameters with different step counts
    are in different parts."""
    parts: list[Part] = []
    for i, (window, choice) in enumerate(zip(windows, chosen, strict=True)):
        if window.name in frozen or not window.learned:
            continue
        before = parts[-1] if parts else None
        if (
            before is not None
            and before.last == i
            and (before.settings, before.rate, before.steps) == (choice.settings, choice.rate, steps[i])
        ):
            before.last, before.where = i + 1, slice(before.where.start, window.where.stop)
        else:
            parts.append(Part(i, i + 1, window.where, *choice, steps[i], params, {}))
    for part in parts:
        part.params = params[part.where]
        part.memory = {name: value[part.where] for name, value in memory.items()}
    return parts

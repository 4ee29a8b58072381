"""The networks by name: `models.list`, `models.get`."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import TypeVar

from .. import _names, _terminal
from .._types import Seed
from ..nn import Sequential
from ..nn.summary import rows

_Build = TypeVar("_Build", bound=Callable[..., Sequential])

_MODELS: dict[str, Callable[..., Sequential]] = {}


def register(name: str) -> Callable[[_Build], _Build]:
    """Decorator that registers a function ``build(seed, *, num_classes)`` under a name."""

    def add(build: _Build) -> _Build:
        _MODELS[name] = build
        return build

    return add


class ModelList(builtins.list[str]):
    """Names of the networks; `print` shows a table."""

    def __str__(self) -> str:
        lines = [["model", "input", "outputs", "parameters", "MACs"]]
        for name in self:
            model = get(name)
            macs = sum(row.macs or 0 for row in rows(model))
            shapes = str(model.input_shape), str(model.output_shape)
            lines.append([name, *shapes, f"{model.num_parameters():,}", f"{macs:,}"])
        return "\n".join(_terminal.aligned(lines, left=2))


def list() -> ModelList:
    """Names of all networks; `print(models.list())` shows their sizes.

    Example:
        >>> from cnnfast import models
        >>> models.list()
        ['d4', 'hello-dl-letters', 'numpy-mnist']
    """
    return ModelList(_MODELS)


def get(name: str, seed: Seed = 0, *, num_classes: int | None = None) -> Sequential:
    """The network of that name ("hello-dl-letters", "hello_dl_letters").

    Args:
        name: One of `list()`.
        seed: Seed of the parameter initialization; None uses OS entropy.
        num_classes: Number of outputs; None uses the network's default.

    Raises:
        ValueError: An unknown name.

    Example:
        >>> from cnnfast import models
        >>> models.get("d4", num_classes=26).output_shape
        (26,)
    """
    found = _names.find(name, _MODELS)
    if found is None:
        hint = _names.did_you_mean(name, _MODELS)
        raise ValueError(f"models: unknown model {name!r}; known are {', '.join(_MODELS)}{hint}")
    build = _MODELS[found]
    return build(seed) if num_classes is None else build(seed, num_classes=num_classes)

"""The networks by name: `models.list`, `models.get`, `models.info`."""

from __future__ import annotations

import builtins
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from .. import _names
from .._types import Seed, Shape
from ..nn import Module, blank_parameters
from ..nn.summary import rows
from .listing import ModelInfo, listing

_Build = TypeVar("_Build", bound=Callable[..., Module])


@dataclass(frozen=True)
class _Entry:
    build: Callable[..., Module]
    source: str
    year: int | None


_MODELS: dict[str, _Entry] = {}


def register(name: str, *, source: str, year: int | None = None) -> Callable[[_Build], _Build]:
    """Decorator that registers a function ``build(seed, *, num_classes)`` under a name.

    Args:
        source: Authors and short title.
        year: Year of the source, if it is known.
    """

    def add(build: _Build) -> _Build:
        if name in _MODELS:
            raise ValueError(f"models: {name!r} is registered twice")
        _MODELS[name] = _Entry(build, source, year)
        return build

    return add


class ModelList(builtins.list[str]):
    """Names of the networks; `print` shows a table."""

    def __str__(self) -> str:
        return listing([info(name) for name in self])


def list() -> ModelList:
    """Names of all networks, by the year of their source; `print(models.list())` shows their sizes.

    Example:
        >>> from cnnfast import models
        >>> "lenet5" in models.list()
        True
    """
    return ModelList(sorted(_MODELS, key=lambda name: _MODELS[name].year or 0))


def get(
    name: str,
    seed: Seed = 0,
    *,
    num_classes: int | None = None,
    dropout: float | None = None,
    size: int | None = None,
) -> Module:
    """The network of that name ("hello-dl-letters", "hello_dl_letters").

    Args:
        name: One of `list()`.
        seed: Seed of the parameter initialization; None uses OS entropy.
        num_classes: Number of outputs; None uses the network's default.
        dropout: Probability of the dropout layers, for networks that have this argument; None uses the
            default.
        size: Height and width of the images, for networks that have this argument; None uses the default.

    Raises:
        ValueError: An unknown name, or `dropout` or `size` for a network without this argument.

    Example:
        >>> from cnnfast import models
        >>> models.get("d4", num_classes=26).output_shape
        (26,)
    """
    found = _find(name)
    for argument, value in (("dropout", dropout), ("size", size)):
        if value is not None and not _takes(found, argument):
            having = ", ".join(each for each in list() if _takes(each, argument))
            raise ValueError(f"models: {found} has no {argument} to set; these have: {having}")
    given = {"num_classes": num_classes, "dropout": dropout, "size": size}
    return _MODELS[found].build(seed, **{key: value for key, value in given.items() if value is not None})


def info(name: str) -> ModelInfo:
    """Source and cost of the network of that name, without its parameters' memory.

    Args:
        name: One of `list()`.

    Raises:
        ValueError: An unknown name.

    Example:
        >>> from cnnfast import models
        >>> models.info("d4").macs
        333056
    """
    return _info(_find(name))


@functools.cache
def _info(found: str) -> ModelInfo:
    entry = _MODELS[found]
    with blank_parameters():
        model = entry.build(0)
    plan = model.plan()
    values = plan.arena_bytes(False) // plan.tile(False)
    return ModelInfo(
        name=found,
        source=entry.source,
        year=entry.year,
        input_shape=_known(model.input_shape),
        output_shape=_known(model.output_shape),
        parameters=model.num_parameters(),
        macs=sum(row.macs or 0 for row in rows(model)),
        memory=model.flat_parameters.nbytes + values,
    )


def _find(name: object) -> str:
    found = _names.find(name, _MODELS)
    if found is None:
        hint = _names.did_you_mean(name, _MODELS)
        raise ValueError(f"models: unknown model {name!r}{hint or '; models.list() has the known ones'}")
    return found


def takes_size(name: str) -> bool:
    """Whether the height and width of the images are an argument of the network of that name."""
    return _takes(_find(name), "size")


def _takes(name: str, argument: str) -> bool:
    """Whether the probability of dropout, or the size of the images, is an argument of a network."""
    found = inspect.signature(_MODELS[name].build).parameters.get(argument)
    return found is not None and not isinstance(found.default, bool)


def _known(shape: Any) -> Shape:
    assert shape is not None
    return tuple(shape)

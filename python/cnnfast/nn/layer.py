"""`Layer`: a module of one engine operation; subclasses define the signature and the initialization."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .._names import did_you_mean
from .._types import Array, Seed, Shape
from .blank_parameters import is_blank
from .module import Module
from .planned import GraphBuilder
from .settings import as_lists, as_tuples, shortest

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._core import Op


class Parameter:
    """Descriptor for the live view of one parameter or buffer; assignment copies values into it.

    None if the layer was built without it (``bias=False``).
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, layer: Layer | None, owner: type | None = None) -> Any:
        return self if layer is None else layer.views().get(self._name)

    def __set__(self, layer: Layer, value: Any) -> None:
        if self._name not in layer.views():
            raise AttributeError(f"{type(layer).__name__}: was built without {self._name}")
        layer.load_state_dict({self._name: value}, strict=False)


class Layer(Module):
    """One operation and its parameters, without other state."""

    _operation: ClassVar[Callable[..., Op]]

    def __init__(self, op: Op, seed: Seed = None) -> None:
        self.set_operation(op)
        if not is_blank():
            self.initialize(seed)

    def children(self) -> dict[str, Module]:
        return {}

    def to_config(self) -> dict[str, Any]:
        return {"type": type(self).__name__, **as_lists(self._settings())}

    def __repr__(self) -> str:
        """The constructor call, without defaults."""
        required = self.required_settings()
        settings = self._settings()
        usual = self.default_settings(settings)
        parts = [repr(shortest(settings[name])) for name in required]
        parts += [
            f"{name}={shortest(value)!r}"
            for name, value in settings.items()
            if name not in required and value != usual[name]
        ]
        return f"{type(self).__name__}({', '.join(parts)})"

    def _settings(self) -> dict[str, Any]:
        """Arguments of the constructor, by name."""
        return self._op.settings()

    def _draw(self, rng: np.random.Generator) -> None:
        """Initializes the parameters, if any."""

    def initialize_from(self, seed: np.random.SeedSequence) -> None:
        self._draw(np.random.default_rng(seed))

    def set_operation(self, op: Op) -> None:
        self._op = op
        self._set_up()
        self._own_block()

    def blank_copy(self) -> Self:
        return self._from_op(self._op)

    def named_shapes(self, prefix: str = "") -> list[tuple[str, Shape]]:
        return _named(self._op, prefix)

    def buffer_names(self, prefix: str = "") -> list[str]:
        return [f"{prefix}.{name}" if prefix else name for name in self._op.buffers()]

    def add_to(self, graph: GraphBuilder, value: int, prefix: str) -> int:
        return graph.add(self._op, [value], prefix)

    @classmethod
    def _from_op(cls, op: Op) -> Self:
        layer = cls.__new__(cls)
        layer.set_operation(op)
        return layer

    @classmethod
    def _from_settings(cls, settings: Mapping[str, Any], depth: int) -> Module:
        return cls._from_op(cls._op_of(settings))

    @classmethod
    def _shapes_of(cls, settings: Mapping[str, Any], prefix: str, depth: int) -> list[tuple[str, Shape]]:
        return _named(cls._op_of(settings), prefix)

    @classmethod
    @functools.cache
    def _arguments(cls) -> Mapping[str, inspect.Parameter]:
        signature = inspect.signature(cls.__init__)
        return {name: p for name, p in signature.parameters.items() if name not in ("self", "seed")}

    @classmethod
    def required_settings(cls) -> list[str]:
        return [name for name, p in cls._arguments().items() if p.default is p.empty]

    @classmethod
    def default_settings(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings with all optional ones at their defaults."""
        return cls._operation(*(settings[name] for name in cls.required_settings())).settings()

    @classmethod
    def _op_of(cls, settings: Mapping[str, Any]) -> Op:
        """The operation from plain data."""
        known = cls._arguments()
        for name in settings:
            if name not in known:
                raise ValueError(
                    f"{cls.__name__}: has no setting {name!r}; it takes {', '.join(known) or 'none'}"
                    f"{did_you_mean(name, known)}"
                )
        for name in cls.required_settings():
            if name not in settings:
                raise ValueError(f"{cls.__name__}: the setting {name!r} is missing")
        return cls._operation(**{name: as_tuples(value) for name, value in settings.items()})


def fill_uniform(
    weight: Array, bias: Array | None, rng: np.random.Generator, fan_in: int | None = None
) -> None:
    """Uniform in +-1/sqrt(fan_in), for weight and bias: PyTorch's default for Conv2d and Linear.

    Always drawn in float32, so that float32 and float64 networks get equal values.
    He et al. 2015, arXiv:1502.01852, with a = sqrt(5).
    """
    bound = np.float32(1 / math.sqrt(math.prod(weight.shape[1:]) if fan_in is None else fan_in))
    for view in (weight,) if bias is None else (weight, bias):
        values = view if view.dtype == np.float32 else np.empty(view.shape, np.float32)
        rng.random(dtype=np.float32, out=values)
        values *= 2 * bound
        values -= bound
        if values is not view:
            view[...] = values


def _named(op: Op, prefix: str) -> list[tuple[str, Shape]]:
    return [(f"{prefix}.{name}" if prefix else name, shape) for name, shape in op.parameter_shapes().items()]

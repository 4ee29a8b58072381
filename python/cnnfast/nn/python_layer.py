"""`PythonLayer`: base class of layers that their user writes in Python with NumPy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .._checks import type_of
from .._core import PythonOp
from .._types import Array, Seed, Shape
from .blank_parameters import blank_parameters, is_blank
from .layer import fill_uniform
from .module import Module
from .planned import GraphBuilder
from .python_pass import Caller
from .python_settings import arguments, check_settings, parameter_shape, settings_of
from .registry import layer_types, register
from .settings import as_lists, as_tuples

if TYPE_CHECKING:
    from typing_extensions import Self

#: What a subclass may define although the base class has it.
_REPLACEABLE = {
    "forward",
    "backward",
    "compute_output_shape",
    "initialize_parameters",
    "output_kind",
    "keeps_output_kind",
}

C = TypeVar("C", bound="type[PythonLayer]")


class PythonLayer(Module):
    """A layer of your own, in Python: derive from it and define `forward` and `backward`.

    It takes part in a network like any other layer. Python is called once for each pass over a batch, with
    arrays of the whole batch, which are copies: it may change or keep them. Inference of a large input
    computes 256 images at a time.

    Every pass runs on a copy of the object, so that several threads may use the layer: what `forward` stores
    on `self` is there in the `backward` of the same pass, and is not seen outside of it. `self.training` is
    True in a training pass. Parameters are attributes, as ``self.weight``: read-only in a pass, else live
    views.

    Args:
        parameters: Shape of each parameter, by name.
        seed: Seed for parameter initialization; None uses OS entropy.

    To be defined:
        forward(x): y for x (n, ...), images in NCHW, of the network's dtype, which y must have too.
        backward(dy): After `forward`: (dx, gradients), d loss / d x and a dict of d loss / d parameter by
            name; only dx if there are no parameters.
        compute_output_shape(input_shape): Optional: the shape of one output for inputs of this shape. By
            default `forward` is tried with one input of zeros.
        initialize_parameters(rng): Optional: assigns initial values, drawn from a NumPy generator; called in
            `__init__` of this class. By default parameters are uniform in +-1/sqrt(fan_in), in the order of
            their names, as those of a `Linear` or `Conv2d` of the same seed.

    For pickles and files, each argument of `__init__` except `seed` must be an attribute of the same name and
    plain data, and the class must be registered with `register_layer`.

    Raises:
        TypeError, ValueError: In a pass, a result of another shape or dtype. Exceptions in `forward` and
            `backward` are passed on with a note that names the layer.

    Cost: a barrier of all threads, copies of the batch, and what Python takes on one thread.

    Example:
        >>> from cnnfast import nn
        >>> @nn.register_layer
        ... class Scale(nn.PythonLayer):
        ...     def __init__(self, features, seed=None):
        ...         self.features = features
        ...         super().__init__({"weight": (features,)}, seed=seed)
        ...
        ...     def forward(self, x):
        ...         self.x = x
        ...         return x * self.weight
        ...
        ...     def backward(self, dy):
        ...         return dy * self.weight, {"weight": (dy * self.x).sum(0)}
        >>> model = nn.Sequential(nn.Linear(4, 3), Scale(3), input_shape=(4,), seed=0)
        >>> model(np.zeros((2, 4), dtype=np.float32)).shape
        (2, 3)
    """

    #: In a pass: whether it is a training pass.
    training = False
    _shapes: dict[str, Shape]
    #: In a pass: the parameters by name, read-only.
    _values: dict[str, Array] | None = None

    def __init__(self, parameters: Mapping[str, Sequence[int]] | None = None, *, seed: Seed = None) -> None:
        who = type(self).__name__
        shapes = {} if parameters is None else parameters
        if not isinstance(shapes, Mapping):
            raise TypeError(f"{who}: parameters must be a dict of name to shape, got {type_of(shapes)}")
        self._shapes = {name: parameter_shape(type(self), name, shape) for name, shape in shapes.items()}
        self._set_up()
        self._own_block()
        if not is_blank():
            self.initialize(seed)

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        for name in cls.__dict__:
            if name not in _REPLACEABLE and not _is_special(name) and hasattr(PythonLayer, name):
                cure = "define compute_output_shape" if name == "output_shape" else "choose another name"
                raise TypeError(f"{cls.__name__}: {name} would replace an attribute of every layer; {cure}")
        known = layer_types().get(cls.__name__)
        if known is not None and not issubclass(known, PythonLayer):
            raise ValueError(f"{cls.__name__}: cnnfast has a layer of that name; choose another one")

    # ---------------------------------------------------------------- to be defined by subclasses

    def forward(self, x: Array) -> Array:  # type: ignore[override]
        """The output for a batch; see the class."""
        raise NotImplementedError(f"{type(self).__name__}: needs a method forward(self, x)")

    def backward(self, dy: Array) -> Any:
        """The gradients for the batch of the last `forward`; see the class."""
        raise NotImplementedError(f"{type(self).__name__}: needs a method backward(self, dy)")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Shape of one output for inputs of this shape."""
        values = {name: value.copy() for name, value in self.views().items()}
        y = self.in_pass(False, values).forward(np.zeros((1, *input_shape), self.dtype))
        if not isinstance(y, np.ndarray) or y.ndim < 2 or len(y) != 1:
            what = f"shape {y.shape}" if isinstance(y, np.ndarray) else type_of(y)
            raise ValueError(f"forward must return an array (n, ...) for n inputs, got {what} for one")
        return y.shape[1:]

    def initialize_parameters(self, rng: np.random.Generator) -> None:
        """Assigns the initial values of all parameters."""
        matrix = next((shape for shape in self._shapes.values() if len(shape) > 1), (1, 1))
        views = self.views()
        for name, shape in self._shapes.items():
            weight = views[name]
            fill_uniform(weight, None, rng, fan_in=math.prod((shape if len(shape) > 1 else matrix)[1:]))

    # ---------------------------------------------------------------- parameters as attributes

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__.get("_shapes", ()):
            return self.views()[name] if self._values is None else self._values[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.__dict__.get("_shapes", ()):
            if callable(getattr(PythonLayer, name, None)):
                raise AttributeError(
                    f"{type(self).__name__}: {name} is a method of every layer; choose another name for the "
                    "attribute"
                )
            object.__setattr__(self, name, value)
        elif self._values is not None:
            raise AttributeError(f"{type(self).__name__}: the parameter {name} cannot be assigned in a pass")
        else:
            self.load_state_dict({name: value}, strict=False)

    def in_pass(self, training: bool, values: dict[str, Array] | None = None) -> Self:
        """A copy of the object for one pass, with these parameters."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.__dict__.update(_plans={}, _tape=None, _values=values, training=training)
        return twin

    # ---------------------------------------------------------------- as a module

    def children(self) -> dict[str, Module]:
        return {}

    def named_shapes(self, prefix: str = "") -> list[tuple[str, Shape]]:
        return [(f"{prefix}.{name}" if prefix else name, shape) for name, shape in self._shapes.items()]

    def buffer_names(self, prefix: str = "") -> list[str]:
        return []

    def initialize_from(self, seed: np.random.SeedSequence) -> None:
        self.initialize_parameters(np.random.default_rng(seed))

    def add_to(self, graph: GraphBuilder, value: int, prefix: str) -> int:
        op = PythonOp(type(self).__name__, self._shapes, Caller(self, prefix))
        return graph.add(op, [value], prefix)

    def __repr__(self) -> str:
        try:
            settings = self.own_settings()
        except TypeError:  # some are not attributes
            settings = {}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in settings.items())})"

    def own_settings(self) -> dict[str, Any]:
        """Arguments of the constructor but the seed, by name: the attributes of these names."""
        return settings_of(self, arguments(type(self), PythonLayer))

    def to_config(self) -> dict[str, Any]:
        return {"type": type(self).__name__, **as_lists(self.own_settings())}

    def blank_copy(self) -> Self:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin._set_up()
        twin._own_block()
        twin.own_frozen = frozenset()
        return twin

    @classmethod
    def _from_settings(cls, settings: Mapping[str, Any], depth: int) -> Module:
        check_settings(cls.__name__, settings, arguments(cls, PythonLayer))
        with blank_parameters():
            return cls(**{name: as_tuples(value) for name, value in settings.items()})

    @classmethod
    def _shapes_of(cls, settings: Mapping[str, Any], prefix: str, depth: int) -> list[tuple[str, Shape]]:
        return cls._from_settings(settings, depth).named_shapes(prefix)


def register_layer(cls: C) -> C:
    """Class decorator that registers a layer of your own by its name, for files, pickles and `from_config`.
    Another one of that name is replaced, so that a cell of a notebook can be run again.

    Raises:
        TypeError: Not a class derived from `PythonLayer`.
    Example:
        >>> from cnnfast import nn
        >>> @nn.register_layer
        ... class Negative(nn.PythonLayer):
        ...     def forward(self, x):
        ...         return -x
        ...
        ...     def backward(self, dy):
        ...         return -dy
        >>> nn.from_config({"type": "Negative"})(np.ones((1, 2), dtype=np.float32))
        array([[-1., -1.]], dtype=float32)
    """
    if not isinstance(cls, type) or not issubclass(cls, PythonLayer):
        raise TypeError(f"register_layer: needs a class derived from PythonLayer, got {cls!r}")
    return register(cls)


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")

"""`LazyLinear`, `LazyConv2d` and `LazyConv1d`: layers whose number of inputs follows from the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np

from .._checks import seed_sequence
from .._core import Graph
from .._types import Ends, Padding, PaddingName, Pair, Seed, Shape
from .blank_parameters import is_blank
from .convolution import Conv1d, Conv2d
from .layer import Layer
from .linear import Linear
from .parameter_tree import ParameterTree
from .planned import GraphBuilder
from .settings import shortest

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._core import Op


class _Lazy(Layer):
    """A layer without a number of inputs, and without parameters until `fill_in` makes it an ordinary one."""

    _ordinary: ClassVar[type[Layer]]
    #: Shape of an input, for messages.
    _input: ClassVar[tuple[str, ...]]

    def __init__(self, seed: Seed, **given: Any) -> None:
        self._given = given
        self._op_for(given.get("groups", 1))  # checks the settings
        self._found: Op | None = None
        self._seed = None if is_blank() else seed_sequence(type(self).__name__, seed)
        self._set_up()
        self._own_block()

    def __repr__(self) -> str:
        """The constructor call, without defaults."""
        parts = []
        for name, argument in self._arguments().items():
            value = self._given[name]
            if argument.default is argument.empty:
                parts.append(repr(shortest(value)))
            elif value != argument.default:
                parts.append(f"{name}={shortest(value)!r}")
        return f"{type(self).__name__}({', '.join(parts)})"

    def _op_for(self, inputs: int) -> Op:
        return self._operation(inputs, **self._given)

    def is_lazy(self) -> bool:
        return True

    def num_entries(self) -> int:
        return 0

    def initialize_from(self, seed: np.random.SeedSequence) -> None:
        self._seed = seed

    def add_to(self, graph: GraphBuilder, value: int, prefix: str) -> int:
        if not isinstance(graph, Graph):
            self._refuse()
        shape = graph.shape(value)
        if len(shape) != len(self._input):
            cure = "; put a Flatten before it" if len(self._input) == 1 else ""
            needed = ", ".join(self._input) if len(self._input) > 1 else f"{self._input[0]},"
            raise ValueError(
                f"{_title(prefix)}{type(self).__name__}: needs an input ({needed}), got {shape}{cure}"
            )
        try:
            self._found = self._op_for(shape[0])
        except ValueError as error:
            raise ValueError(f"{_title(prefix)}{error}") from None
        return graph.add(self._found, [value], prefix)

    def fill_in(self) -> list[tuple[ParameterTree, np.random.SeedSequence | None]]:
        assert self._found is not None
        self._op = self._found
        found = [(self, self._seed)]
        del self._given, self._found, self._seed
        self.__class__ = self._ordinary  # type: ignore[assignment]
        return found  # type: ignore[return-value]

    def named_shapes(self, prefix: str = "") -> list[tuple[str, Shape]]:
        self._refuse()

    def buffer_names(self, prefix: str = "") -> list[str]:
        return []

    def to_config(self) -> dict[str, Any]:
        self._refuse()

    def blank_copy(self) -> Self:
        self._refuse()

    def _refuse(self) -> NoReturn:
        who = f"{_title(self.whole_name())}{type(self).__name__}"
        raise RuntimeError(
            f"{who}: has no parameters before the shape of its input is known; set input_shape of the "
            "network, call it, or fit it"
        )


def _title(name: str) -> str:
    """The layer's name at the beginning of a message."""
    return f'layer "{name}": ' if name else ""


class LazyLinear(_Lazy, Linear):
    """A `Linear` whose `in_features` follow from its input.

    It becomes a `Linear` when the shape of the network's input is known: with `input_shape` of a container,
    or at the first call, `fit` or `materialize`. It is initialized from the same seed as a `Linear` in its
    place. Until then, whatever needs its parameters (`parameters`, `num_parameters`, `copy`, `save`, a
    `Trainer`) raises RuntimeError.

    Args:
        out_features, bias, seed: As of `Linear`.

    Shapes:
        As `Linear`.

    Raises:
        ValueError: As `Linear`; when it becomes one, an input of more axes than (n, features).

    Source: PyTorch's LazyLinear.

    Example:
        >>> from cnnfast import nn
        >>> nn.Sequential(nn.Flatten(), nn.LazyLinear(10), input_shape=(1, 28, 28))
        Sequential(
          (0): Flatten()
          (1): Linear(784, 10)
        )
    """

    _ordinary = Linear
    _input = ("features",)

    def __init__(self, out_features: int, bias: bool = True, *, seed: Seed = None) -> None:
        super().__init__(seed, out_features=out_features, bias=bias)


class LazyConv2d(_Lazy, Conv2d):
    """A `Conv2d` whose `in_channels` follow from its input, as `LazyLinear`.

    Args:
        out_channels, kernel_size, stride, padding, dilation, groups, bias, seed: As of `Conv2d`.

    Shapes:
        As `Conv2d`.

    Raises:
        ValueError: As `Conv2d`; when it becomes one, an input that is no image, or groups that do not divide
            its channels.

    Source: PyTorch's LazyConv2d.

    Example:
        >>> from cnnfast import nn
        >>> nn.Sequential(nn.LazyConv2d(8, 3, padding=1), nn.ReLU(), input_shape=(3, 32, 32))
        Sequential(
          (0): Conv2d(3, 8, 3, padding=1)
          (1): ReLU()
        )
    """

    _ordinary = Conv2d
    _input = ("c", "h", "w")

    def __init__(
        self,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Padding | PaddingName = 0,
        dilation: Pair = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        seed: Seed = None,
    ) -> None:
        super().__init__(
            seed,
            out_channels=out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bias,
        )


class LazyConv1d(_Lazy, Conv1d):
    """A `Conv1d` whose `in_channels` follow from its input, as `LazyLinear`.

    Args:
        out_channels, kernel_size, stride, padding, dilation, groups, bias, seed: As of `Conv1d`.

    Shapes:
        As `Conv1d`.

    Raises:
        ValueError: As `Conv1d`; when it becomes one, an input that is no sequence, or groups that do not
            divide its channels.

    Source: PyTorch's LazyConv1d.

    Example:
        >>> from cnnfast import nn
        >>> nn.Sequential(nn.LazyConv1d(8, 5), nn.ReLU(), input_shape=(24, 15))
        Sequential(
          (0): Conv1d(24, 8, 5)
          (1): ReLU()
        )
    """

    _ordinary = Conv1d
    _input = ("c", "l")

    def __init__(
        self,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: Ends | PaddingName = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        seed: Seed = None,
    ) -> None:
        super().__init__(
            seed,
            out_channels=out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bias,
        )

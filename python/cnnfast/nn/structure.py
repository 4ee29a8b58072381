"""Layers that reshape, select or combine values, among them the joins of a `Graph`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._types import Shape
from .layer import Layer
from .module import Module
from .planned import GraphBuilder
from .registry import register

if TYPE_CHECKING:
    from typing_extensions import Self


@register
class Flatten(Layer):
    """Flattens several axes into one; by default all but the batch axis, in NCHW order.

    Args:
        start_dim, end_dim: First and last axis to flatten; the batch is axis 0, negative numbers count from
            the end. The batch axis cannot be flattened.

    Shapes:
        (n, c, h, w) to (n, c * h * w); with ``start_dim=2`` to (n, c, h * w).

    Raises:
        ValueError: `start_dim` is 0; when called, an axis the input does not have.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Flatten()(np.zeros((2, 3, 4, 5), dtype=np.float32)).shape
        (2, 60)
        >>> nn.Flatten(start_dim=2)(np.zeros((2, 3, 4, 5), dtype=np.float32)).shape
        (2, 3, 20)
    """

    _operation = _core.Flatten
    keeps_output_kind = True

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__(_core.Flatten(start_dim, end_dim))


@register
class Reshape(Layer):
    """The same values in the same order under another shape, as PyTorch's ``x.reshape(len(x), *shape)``.

    Args:
        shape: Shape of one image, one to three axes without the batch; one extent may be -1 and is inferred.

    Shapes:
        (n, ...) to (n, *shape), with an equal number of elements.

    Raises:
        ValueError: Extents out of range, more than one -1; when called, an input of another number of
            elements.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Reshape((3, 2, -1))(np.zeros((5, 24), dtype=np.float32)).shape
        (5, 3, 2, 4)
    """

    _operation = _core.Reshape
    keeps_output_kind = True

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__(_core.Reshape(shape))

    def __repr__(self) -> str:
        return f"Reshape({self._op.settings()['shape']})"


@register
class SelectChannels(Layer):
    """Copies the channels at the given indices, in their order, as ``x[:, indices]``.

    With a grouped convolution after it, channels of the output read any channels of the input: a table of
    connections.

    Args:
        indices: Channels of the input, counted from 0; each may be selected several times.

    Shapes:
        (n, c, ...) to (n, len(indices), ...).

    Raises:
        ValueError: No index, or a negative one; when called, an input without one of the channels.

    Source: the connections of C3 in LeCun et al. 1998, Gradient-based learning applied to document
    recognition, table I.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> pairs = nn.Sequential(nn.SelectChannels((0, 1, 1, 2, 2, 0)), nn.Conv2d(6, 3, 5, groups=3))
        >>> pairs(np.zeros((2, 3, 5, 5), dtype=np.float32)).shape
        (2, 3, 1, 1)
    """

    _operation = _core.SelectChannels

    def __init__(self, indices: Sequence[int]) -> None:
        super().__init__(_core.SelectChannels(indices))

    def __repr__(self) -> str:
        return f"SelectChannels({self._op.settings()['indices']})"


@register
class Identity(Module):
    """Returns its input: a placeholder, or a branch without operations.

    Shapes:
        Any to the same.

    Cost: none; it is not passed to the engine.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Identity()(np.array([[1.0, 2.0]], dtype=np.float32))
        array([[1., 2.]], dtype=float32)
    """

    keeps_output_kind = True

    def __init__(self) -> None:
        self._set_up()
        self._own_block()

    def __repr__(self) -> str:
        return "Identity()"

    def children(self) -> dict[str, Module]:
        return {}

    def to_config(self) -> dict[str, Any]:
        return {"type": "Identity"}

    def initialize_from(self, seed: np.random.SeedSequence) -> None:
        """It has no parameters."""

    def named_shapes(self, prefix: str = "") -> list[tuple[str, Shape]]:
        return []

    def buffer_names(self, prefix: str = "") -> list[str]:
        return []

    def add_to(self, graph: GraphBuilder, value: int, prefix: str) -> int:
        return value

    def blank_copy(self) -> Self:
        return type(self)()

    @classmethod
    def _from_settings(cls, settings: Mapping[str, Any], depth: int) -> Module:
        cls._check_settings(settings)
        return cls()

    @classmethod
    def _shapes_of(cls, settings: Mapping[str, Any], prefix: str, depth: int) -> list[tuple[str, Shape]]:
        cls._check_settings(settings)
        return []

    @classmethod
    def _check_settings(cls, settings: Mapping[str, Any]) -> None:
        for name in settings:
            raise ValueError(f"Identity: has no setting {name!r}; it takes none")


class Join(Layer):
    """A layer with several inputs, for use in a `Graph`."""

    #: Minimum number of inputs.
    min_inputs = 1
    #: The container that has one built in, if there is one.
    _container = ""

    def join(self, graph: GraphBuilder, values: Sequence[int], prefix: str) -> int:
        return graph.add(self._op, values, prefix)

    def add_to(self, graph: GraphBuilder, value: int, prefix: str) -> int:
        who = type(self).__name__
        where = f'layer "{prefix}": ' if prefix else ""
        built_in = f"; nn.{self._container} has one built in" if self._container else ""
        raise ValueError(f"{where}{who}: has several inputs, so it must be in an nn.Graph{built_in}")


class PairwiseJoin(Join):
    """A layer whose operation has two inputs; more are combined from left to right."""

    min_inputs = 2

    def join(self, graph: GraphBuilder, values: Sequence[int], prefix: str) -> int:
        joined = values[0]
        for value in values[1:]:
            joined = graph.add(self._op, [joined, value], prefix)
        return joined


@register
class Add(PairwiseJoin):
    """Sum of two or more values in a `Graph`; see also `Residual`.

    Shapes:
        (n, ...), (n, ...), … all equal, to the same.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> twice = nn.Graph({"sum": (nn.Add(), "input", "input")})
        >>> twice(np.array([[1.0, 2.0]], dtype=np.float32))
        array([[2., 4.]], dtype=float32)
    """

    _operation = _core.Add
    _container = "Residual"

    def __init__(self) -> None:
        super().__init__(_core.Add())


@register
class Mul(PairwiseJoin):
    """Elementwise product of two or more values in a `Graph`, such as a gate.

    Shapes:
        (n, ...), (n, ...), … all equal, to the same.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> silu = nn.Graph({"gate": (nn.Sigmoid(), "input"), "y": (nn.Mul(), "input", "gate")})
        >>> silu(np.array([[-1.0, 0.0, 1.0]], dtype=np.float32)).round(4)
        array([[-0.2689,  0.    ,  0.7311]], dtype=float32)
    """

    _operation = _core.Mul

    def __init__(self) -> None:
        super().__init__(_core.Mul())


@register
class MatMul(PairwiseJoin):
    """Matrix product of two or more values in a `Graph`, image by image.

    Shapes:
        (n, i, k), (n, k, j) to (n, i, j).

    Cost: i * k * j multiply-accumulates an image.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> square = nn.Graph({"y": (nn.MatMul(), "input", "input")})
        >>> square(np.array([[[1.0, 2.0], [0.0, 3.0]]], dtype=np.float32))
        array([[[1., 8.],
                [0., 9.]]], dtype=float32)
    """

    _operation = _core.MatMul

    def __init__(self) -> None:
        super().__init__(_core.MatMul())


@register
class Concat(Join):
    """Concatenates values in a `Graph` along the channels, as ``torch.cat(values, dim=1)``; see also
    `Branches`.

    Shapes:
        (n, c1, ...), (n, c2, ...), … to (n, c1 + c2 + …, ...): they may differ only in their channels.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> twice = nn.Graph({"both": (nn.Concat(), "input", "input")})
        >>> twice(np.array([[1.0, 2.0]], dtype=np.float32))
        array([[1., 2., 1., 2.]], dtype=float32)
    """

    _operation = _core.Concat
    _container = "Branches"

    def __init__(self) -> None:
        super().__init__(_core.Concat())

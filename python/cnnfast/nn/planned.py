"""`Planned`: what the engine runs for a module: operations, the plans made of them, and prepared input."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from .._checks import check_array, dtype_cure
from .._core import Graph, Op, Plan, Reshape, Tape
from .._flat import slices
from .._types import Array, Shape
from .block import Block
from .described import Described
from .image_axes import axes_cure, refuse_channels_last
from .memory import Memory, memory_of

if TYPE_CHECKING:
    from ..optim import Optimizer

#: Size of each module's cache of plans.
_MAX_PLANS = 32


class GraphBuilder(Protocol):
    """What a module adds its operations to: the engine's Graph, or a recorder."""

    def add(self, op: Op, inputs: Sequence[int], name: str = "") -> int: ...

    def set_auxiliary(self, value: int, weight: float) -> None:
        """Adds the loss of a value that nothing reads, times the weight, to that of the output."""


class Operation(NamedTuple):
    """One operation of a network.

    Attributes:
        op: Its settings.
        inputs: The values it reads: 0 is the network's input, k what the k-th operation computes.
        name: Of the layer it belongs to; its parameters are ``f"{name}.weight"`` and so on.
    """

    op: Op
    inputs: tuple[int, ...]
    name: str


class _Recorder:
    """Records added operations, in place of a Graph."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.auxiliary: dict[int, float] = {}

    def add(self, op: Op, inputs: Sequence[int], name: str = "") -> int:
        self.operations.append(Operation(op, tuple(inputs), name))
        return len(self.operations)

    def set_auxiliary(self, value: int, weight: float) -> None:
        self.auxiliary[value] = weight


def values_of_inference(operations: Sequence[Operation]) -> set[int]:
    """The values that inference computes: those that the last one depends on."""
    needed = {len(operations)}
    for value in range(len(operations), 0, -1):
        if value in needed:
            needed.update(operations[value - 1].inputs)
    return needed


class Planned(Described):
    """The part of a `Module` that interfaces with the engine."""

    _tape: tuple[Plan, Tape, Shape] | None

    @abstractmethod
    def add_to(self, graph: GraphBuilder, value: int, prefix: str) -> int:
        """Adds this module's operations on `value` to the graph and returns the output value."""

    def operations(self) -> list[Operation]:
        """The operations that the engine runs, in order.

        Example:
            >>> from cnnfast import nn
            >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
            >>> [(operation.op.name, operation.inputs, operation.name) for operation in model.operations()]
            [('Linear', (0,), '0'), ('ReLU', (1,), '1')]
        """
        return self._recorded().operations

    def auxiliary_outputs(self) -> dict[int, float]:
        """Weight of the loss of each auxiliary output (see `Graph`), by value: k is what the k-th operation
        computes.
        """
        return self._recorded().auxiliary

    def _recorded(self) -> _Recorder:
        recorder = _Recorder()
        self.add_to(recorder, 0, "")
        return recorder

    def plan(self, input_shape: Sequence[int] | None = None, *, exact: bool = False) -> Plan:
        """The engine's plan for this module: ``print(model.plan())`` shows which layers are fused, the
        algorithms, FLOPs and memory.

        Args:
            input_shape: Shape of one input; None uses the module's own.
            exact: As in a call.

        Raises:
            ValueError: The shape is unknown or does not fit.

        Example:
            >>> from cnnfast import models
            >>> "winograd 4x4" in str(models.hello_dl_letters().plan())
            True
        """
        shape = self._input_shape if input_shape is None else tuple(input_shape)
        if shape is None:
            raise ValueError(
                f"{type(self).__name__}: plan needs an input_shape, this module has none of its own"
            )
        return self.plan_for(shape, exact)

    def memory(self, batch: int = 1, training: bool = False, optimizer: Optimizer | None = None) -> Memory:
        """The memory that inference or a training step needs at its peak, predicted without running it.

        It is that of the process beyond what Python and its modules take, for floats as input, with the
        present number of threads. Measured peaks differ by less than 10 %. Building a network takes up to
        three times its parameters for a moment; validation within `fit` needs the memory of inference besides
        that of training; frozen parameters, which need less in training, are counted like the others.

        Args:
            batch: Number of images.
            training: True for `Trainer.step`, False for a call of the network.
            optimizer: The optimizer of the training; None: one without state, as SGD without momentum.

        Raises:
            ValueError: The network has no `input_shape`; an optimizer without training.
            TypeError: Not an Optimizer.

        Example:
            >>> from cnnfast import models, optim
            >>> memory = models.d4().memory(64, training=True, optimizer=optim.Adam(lr=1e-3))
            >>> memory.optimizer == 2 * memory.parameters
            True
        """
        return memory_of(self, batch, training, optimizer)

    def place(self, block: Block, start: int) -> int:
        self._plans = {}
        self._tape = None
        return super().place(block, start)

    def materialize(self, input_shape: Sequence[int]) -> None:
        """Make lazy layers (`LazyLinear` and others) ordinary ones, for inputs of this shape; nothing happens
        without them. Setting `input_shape`, a call and `fit` do it, too.

        Args:
            input_shape: Shape of one input, (c, h, w) or (features,). Other sizes may still be used later,
                unless it is set as `input_shape`.

        Raises:
            ValueError: The layers do not fit the shape.

        Example:
            >>> from cnnfast import nn
            >>> model = nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU())
            >>> model.materialize((3, 8, 8))
            >>> model[0]
            Conv2d(3, 4, 3)
        """
        if not self.is_lazy():
            return
        self._output_shape(tuple(input_shape))  # each layer sees its input
        filled = self.fill_in()
        self.repack()
        for layer, seed in filled:
            if seed is not None:
                layer.initialize_from(seed)

    def _output_shape(self, input_shape: Shape) -> Shape:
        graph = Graph(input_shape)
        value = self.add_to(graph, 0, "")
        graph.check_auxiliary()
        return graph.shape(value)

    def takes_other_sizes(self, shape: Shape) -> bool:
        """Whether the network also accepts images much larger than `shape`. A Linear after a Flatten does
        not; one additional pixel would not be enough to tell, as a pool may drop it.
        """
        return len(shape) > 1 and self._layers_take((shape[0], *(2 * extent for extent in shape[1:])))

    def _layers_take(self, shape: Shape) -> bool:
        """Whether an input of this shape would fit, regardless of `input_shape`."""
        try:
            self._output_shape(shape)
        except ValueError:
            return False
        return True

    def prepare(self, x: Array, exact: bool = False) -> tuple[Plan, Array]:
        """The plan for an input, and the input as the engine takes it: checked, with channels, contiguous.

        Args:
            x: As in a call.
            exact: As in a call.

        Returns:
            The cached plan for inputs of this shape; x itself if it need not be converted.

        Raises:
            TypeError, ValueError: As in a call.
        """
        if type(x) is not np.ndarray:
            x = check_array(type(self).__name__, "x", x, self.dtype)
        given = x
        if x.dtype == np.uint8:
            if x.ndim == 3:
                if self._input_shape is None:
                    refuse_channels_last(type(self).__name__, x.shape)
                x = x[:, None]
            elif x.ndim != 4:
                raise ValueError(
                    f"{type(self).__name__}: uint8 x must be images, (n, h, w) or (n, c, h, w), "
                    f"got {x.shape}{axes_cure(x.shape, self._takes)}"
                )
        elif x.dtype != self.flat_parameters.dtype:
            raise TypeError(
                f"{type(self).__name__}: x must be {self.dtype} or uint8, got {x.dtype}; "
                f"{dtype_cure('x', x, self.dtype)}"
            )
        plan = None if exact else self._plans.get(x.shape[1:])
        if plan is None:
            plan = self._make_plan(x.shape[1:], given.shape, exact)
        if not x.flags.c_contiguous:
            x = np.ascontiguousarray(x)
        return plan, x

    def _make_plan(self, shape: Shape, given: Shape, exact: bool) -> Plan:
        """The Plan for rows of this shape; `given` is the array's original shape, for messages."""
        expected = self._input_shape
        if len(given) < 2 or 0 in shape or (expected is not None and shape != expected):
            rows = "(n, ...)" if expected is None else f"(n, {', '.join(map(str, expected))})"
            cure = axes_cure(given, self._takes)
            if not cure and expected is not None and 0 not in shape and self._layers_take(shape):
                free = self.takes_other_sizes(expected)
                cure = "; the layers take any size: set input_shape to None to allow it" if free else ""
            raise ValueError(f"{type(self).__name__}: x must have shape {rows}, got {given}{cure}")
        try:
            return self.plan_for(shape, exact)
        except ValueError as error:
            cure = axes_cure(given, self._takes)
            if not cure:
                raise
            raise ValueError(f"{error}{cure}") from None

    def _takes(self, shape: Shape) -> bool:
        """Whether an input of this shape fits."""
        if self._input_shape is not None or 0 in shape or len(shape) == 0:
            return shape == self._input_shape
        return self._layers_take(shape)

    def plan_for(self, shape: Shape, exact: bool = False) -> Plan:
        """The plan for inputs of this shape (without the batch axis), cached.

        Raises:
            ValueError: The layers do not fit the shape.
        """
        key: tuple[int | str, ...] = ("exact", *shape) if exact else shape
        with self._lock:
            if key not in self._plans:
                self.materialize(shape)
            plans = self._plans
            if key not in plans:
                plan = self._build_plan(shape, exact)
                if len(plans) >= _MAX_PLANS:
                    del plans[next(iter(plans))]
                plans[key] = plan
            return plans[key]

    def _build_plan(self, shape: Shape, exact: bool) -> Plan:
        graph = Graph(shape)
        self.add_to(graph, 0, "")
        if len(graph) == 0:  # only Identity; a plan needs at least one operation
            graph.add(Reshape(shape), [0])
        plan = Plan(graph, self.dtype.name, *self._preprocessing.affine(shape), exact=exact)
        for (name, shape, where), window in zip(slices(self.named_shapes()), plan.parameters, strict=True):
            assert window == (name, where.start, shape), (window, name, where, shape)
        return plan

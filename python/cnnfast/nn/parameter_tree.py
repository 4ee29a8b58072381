"""`ParameterTree`: modules inside modules, whose parameters are named windows into one flat block.

A layer starts with a block of its own. A container makes one block for all its children, copies their values
in and points them, recursively, at their parts of it.
"""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import check_dtype, ieee_arithmetic, seed_sequence
from .._core import all_finite
from .._types import Array, Seed, Shape
from .block import Block, count, windows
from .freezing import Window, frozen_names, set_frozen, windows_of
from .state import Unmatched, load_state

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._core import Plan


class ParameterTree(ABC):
    """The part of a module that owns parameters; it knows nothing of what they are for."""

    _block: Block
    _values: Array
    _start: int
    #: Own parameters and buffers (of a layer) that training leaves alone.
    _frozen: frozenset[str] = frozenset()
    #: What the engine has made of the module, by input shape, or "exact" and input shape; it depends on what
    #: is frozen.
    _plans: dict[tuple[int | str, ...], Plan]

    @abstractmethod
    def children(self) -> Mapping[str, ParameterTree]:
        """The modules directly inside this one, by name; empty for a layer."""

    @abstractmethod
    def _named_shapes(self, prefix: str = "") -> list[tuple[str, Shape]]:
        """Names and shapes of all parameters and buffers, in the order they lie in the block."""

    @abstractmethod
    def _buffer_names(self, prefix: str = "") -> list[str]:
        """Names of those that no gradient changes."""

    @abstractmethod
    def _initialize(self, seed: np.random.SeedSequence) -> None:
        """Draws all parameters again."""

    def parameters(self) -> dict[str, Array]:
        """Live views of the parameters by name: ``m.parameters()["0.bias"][:] = 0`` changes the model.

        Inference on single images is slower while such views are held: each call has to expect new values.
        """
        return self._without_buffers(self._views())

    def buffers(self) -> dict[str, Array]:
        """Live views by name of what belongs to the state, but is not learned: running averages."""
        views = self._views()
        return {name: views[name] for name in self._buffer_names()}

    def gradients(self) -> dict[str, Array]:
        """Live views by name of the gradients of the last `backward` or `loss_and_grad`; zeros before."""
        return self._without_buffers(dict(windows(self._flat_gradients, self._named_shapes())))

    def num_parameters(self, only_trainable: bool = False) -> int:
        """How many numbers the parameters hold; buffers are not counted, see `num_buffers`.

        Args:
            only_trainable: Leave frozen parameters out.

        Example:
            >>> from cnnfast import nn
            >>> model = nn.Sequential(nn.Conv2d(1, 8, 3, bias=False), nn.BatchNorm2d(8))
            >>> _ = model.freeze("0")
            >>> model.num_parameters(), model.num_parameters(only_trainable=True), model.num_buffers()
            (88, 16, 16)
        """
        counted = windows_of(self, frozen=False) + ([] if only_trainable else windows_of(self, frozen=True))
        return sum(end - start for _, start, end in counted)

    def num_buffers(self) -> int:
        """How many numbers the buffers hold: running averages, which no gradient changes."""
        return self._values.size - self.num_parameters()

    def non_finite(self) -> list[str]:
        """Names of the parameters and buffers that hold NaN or infinity.

        Example:
            >>> from cnnfast import nn
            >>> model = nn.Linear(2, 3)
            >>> model.bias[1] = float("nan")
            >>> model.non_finite()
            ['bias']
        """
        if all_finite(self._values):
            return []
        return [name for name, value in self._windows().items() if not all_finite(value)]

    def state_dict(self) -> dict[str, Array]:
        """Copies of parameters and buffers by name; names, shapes and order of axes are PyTorch's."""
        return {name: value.copy() for name, value in self._windows().items()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> Unmatched:
        """Set parameters and buffers from arrays or tensors by name; on any error nothing is changed.

        Args:
            state: Name to array, or to anything that can become one: a tensor of PyTorch as it is in a
                ``state_dict()``, of JAX, a list. Floats of another width are converted; a
                `num_batches_tracked` that no momentum needs is left out.
            strict: False skips what is missing or unknown, as long as something matches.

        Returns:
            Names that are missing in the state, and names it has that the module has not: both empty if
                strict.

        Raises:
            ValueError: Names are missing or unknown (if strict), none matches, or shapes differ; all of them
                are told.
            TypeError: Not floating point.

        Example:
            >>> from cnnfast import nn
            >>> nn.Linear(2, 3).load_state_dict({"bias": [1.0, 2.0, 3.0]}, strict=False)
            Unmatched(missing_keys=['weight'], unexpected_keys=[])
        """
        return load_state(type(self).__name__, self._views(), state, strict)

    def freeze(self, *patterns: str) -> list[str]:
        """Keep parameters and running averages as they are: training will not change a bit of them.

        Gradients are still computed and returned. A batch normalization whose running averages are frozen
        uses them in training too, in place of the batch's mean and variance, and does not move them: what
        PyTorch calls the evaluation mode of the layer. Freezing the layer, or all, freezes them as well;
        ``freeze("*.running_*")`` freezes nothing else.

        What is frozen survives `copy`, pickling and being put into a container; model files do not keep it.
        Loading a state and `initialize` set what is frozen like all else.

        Args:
            patterns: Names of parameters or buffers, of modules (for all that is in them), or patterns with
                ``*``, ``?`` and ``[…]``: "features", "*.bias". None at all takes everything.

        Returns:
            The names that matched.

        Raises:
            TypeError: A pattern that is no string.
            ValueError: A pattern that matches nothing.

        Example:
            >>> from cnnfast import nn
            >>> model = nn.Sequential({"features": nn.Conv2d(1, 4, 3), "head": nn.Linear(4, 2)})
            >>> model.freeze("features")
            ['features.weight', 'features.bias']
            >>> model.unfreeze("*.bias")
            ['features.bias', 'head.bias']
            >>> model.frozen
            ('features.weight',)
        """
        return set_frozen(f"{type(self).__name__}.freeze", self, patterns, True)

    def unfreeze(self, *patterns: str) -> list[str]:
        """Let training change parameters again. Arguments, result and errors as `freeze`."""
        return set_frozen(f"{type(self).__name__}.unfreeze", self, patterns, False)

    @property
    def frozen(self) -> tuple[str, ...]:
        """Names of the parameters and buffers that training leaves alone."""
        return frozen_names(self)

    def trainable_windows(self) -> list[Window]:
        """(name, start, end) of each parameter that is not frozen: its place in the flat block."""
        return windows_of(self, frozen=False)

    @ieee_arithmetic
    def initialize(self, seed: Seed = None) -> None:
        """Draw all parameters again, PyTorch's default distributions; the same seed draws the same values."""
        self._initialize(seed_sequence(type(self).__name__, seed))

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64: of the parameters, of float input and of all arithmetic."""
        return self._values.dtype

    @ieee_arithmetic
    def to(self, dtype: Any) -> Self:
        """Convert the parameters to "float32" or "float64", in place; returns the module itself."""
        who = type(self).__name__
        wanted = check_dtype(who, dtype)
        if wanted != self.dtype:
            if self._in_container():
                raise ValueError(f"{who}: is part of a container; call to() on the whole network")
            block = Block(self._values.size, wanted)
            block.values[:] = self._values
            self._place(block, 0)
        return self

    def _own_block(self) -> None:
        """Gives the tree a float32 block of zeros."""
        self._owner: weakref.ref[ParameterTree] | None = None
        self._place(Block(count(shape for _, shape in self._named_shapes()), np.dtype(np.float32)), 0)

    def _place(self, block: Block, start: int) -> int:
        """Makes `block`, from `start` on, the home of the parameters; returns where they end."""
        stop = start + count(shape for _, shape in self._named_shapes())
        self._block, self._start = block, start
        self._values = block.values[start:stop]
        self._gradient_window: Array | None = None
        for child in self.children().values():
            start = child._place(block, start)
        return stop

    def _take_in(self, children: Mapping[str, ParameterTree]) -> None:
        """One block for all children, with the values they have; they belong to this tree from now on."""
        dtype = next(iter(children.values())).dtype
        block = Block(sum(child._values.size for child in children.values()), dtype)
        np.concatenate([child._values for child in children.values()], out=block.values)
        self._owner = None
        self._place(block, 0)
        for child in children.values():
            child._owner = weakref.ref(self)

    def _in_container(self) -> bool:
        return self._owner is not None and self._owner() is not None

    def _windows(self) -> dict[str, Array]:
        return dict(windows(self._values, self._named_shapes()))

    def _views(self) -> dict[str, Array]:
        """As `_windows`, to hand out."""
        return dict(windows(self._block.lend(self._values), self._named_shapes()))

    def _without_buffers(self, views: dict[str, Array]) -> dict[str, Array]:
        buffers = set(self._buffer_names())
        return {name: view for name, view in views.items() if name not in buffers} if buffers else views

    @property
    def _flat_gradients(self) -> Array:
        if self._gradient_window is None:
            stop = self._start + self._values.size
            self._gradient_window = self._block.gradients[self._start : stop]
        return self._gradient_window

"""`ParameterTree`: nested modules whose parameters are named views of one flat block.

A layer starts with its own block. A container allocates one block for all its children, copies their values
into it, and makes them, recursively, use their parts of it.
"""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import check_dtype, ieee_arithmetic, seed_sequence
from .._core import all_finite
from .._flat import count, windows
from .._types import Array, Seed, Shape
from .blank_parameters import is_blank
from .block import Block
from .freezing import Window, frozen_names, set_frozen, windows_of
from .state import Unmatched, load_state

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._core import Plan


class ParameterTree(ABC):
    """The part of a module that owns parameters, independent of their meaning."""

    _block: Block
    #: All parameters and buffers, one behind the other, in the order of `named_shapes`: (size,), live. After
    #: writing to it, call `mark_changed`.
    flat_parameters: Array
    _start: int
    #: Own parameters and buffers (of a layer) that are frozen.
    own_frozen: frozenset[str] = frozenset()
    #: Plans of the module, by input shape, or "exact" and input shape; they depend on what is frozen.
    _plans: dict[tuple[int | str, ...], Plan]

    @abstractmethod
    def children(self) -> Mapping[str, ParameterTree]:
        """The modules directly inside this one, by name; empty for a layer."""

    @abstractmethod
    def named_shapes(self, prefix: str = "") -> list[tuple[str, Shape]]:
        """Names and shapes of all parameters and buffers, in the order of the block."""

    @abstractmethod
    def buffer_names(self, prefix: str = "") -> list[str]:
        """Names of the buffers, which have no gradient."""

    @abstractmethod
    def initialize_from(self, seed: np.random.SeedSequence) -> None:
        """Initializes all parameters."""

    def parameters(self) -> dict[str, Array]:
        """Live views of the parameters by name: ``m.parameters()["0.bias"][:] = 0`` changes the model.

        Inference on single images is slower while such views exist, since their values may have changed.
        """
        return self._without_buffers(self.views())

    def buffers(self) -> dict[str, Array]:
        """Live views by name of the state that is not trained: running averages."""
        views = self.views()
        return {name: views[name] for name in self.buffer_names()}

    def gradients(self) -> dict[str, Array]:
        """Live views by name of the gradients of the last `backward` or `loss_and_grad`; zeros before."""
        return self._without_buffers(dict(windows(self.flat_gradients, self.named_shapes())))

    def num_parameters(self, only_trainable: bool = False) -> int:
        """Total number of parameter entries, without buffers; see `num_buffers`.

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
        """Total number of buffer entries: running averages, which have no gradient."""
        return self.flat_parameters.size - self.num_parameters()

    def non_finite(self) -> list[str]:
        """Names of the parameters and buffers that contain NaN or infinity.

        Example:
            >>> from cnnfast import nn
            >>> model = nn.Linear(2, 3)
            >>> model.bias[1] = float("nan")
            >>> model.non_finite()
            ['bias']
        """
        if all_finite(self.flat_parameters):
            return []
        return [name for name, value in self._windows().items() if not all_finite(value)]

    def state_dict(self) -> dict[str, Array]:
        """Copies of parameters and buffers by name; names, shapes and order of axes are PyTorch's."""
        return {name: value.copy() for name, value in self._windows().items()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> Unmatched:
        """Set parameters and buffers from arrays or tensors by name; on any error nothing is changed.

        Args:
            state: Name to array, or to anything convertible: a PyTorch tensor as in a ``state_dict()``, a JAX
                array, a list. Other float types are converted; an unneeded `num_batches_tracked` is ignored.
            strict: False skips missing and unknown names, as long as something matches.

        Returns:
            Names that are missing in the state, and names that the module does not have: both empty if
            strict.

        Raises:
            ValueError: Names are missing or unknown (if strict), none matches, or shapes differ; the message
                lists all of them.
            TypeError: Not floating point.

        Example:
            >>> from cnnfast import nn
            >>> nn.Linear(2, 3).load_state_dict({"bias": [1.0, 2.0, 3.0]}, strict=False)
            Unmatched(missing_keys=['weight'], unexpected_keys=[])
        """
        return load_state(type(self).__name__, self.views(), state, strict)

    def freeze(self, *patterns: str) -> list[str]:
        """Exclude parameters and running averages from training.

        Gradients are still computed and returned. A batch normalization whose running averages are frozen
        uses them in training too, instead of the batch's mean and variance, and does not update them, like a
        PyTorch layer in evaluation mode. Freezing the layer, or everything, includes them;
        ``freeze("*.running_*")`` freezes only them.

        Frozen parameters stay frozen in copies, pickles and containers; model files do not store it. Loading
        a state and `initialize` change frozen parameters too.

        Args:
            patterns: Names of parameters or buffers, of modules (for everything in them), or patterns with
                ``*``, ``?`` and ``[…]``: "features", "*.bias". Without patterns, everything is frozen.

        Returns:
            The names that matched.

        Raises:
            TypeError: A pattern that is not a string.
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
        """Make parameters trainable again. Arguments, result and errors as in `freeze`."""
        return set_frozen(f"{type(self).__name__}.unfreeze", self, patterns, False)

    @property
    def frozen(self) -> tuple[str, ...]:
        """Names of the frozen parameters and buffers."""
        return frozen_names(self)

    def trainable_windows(self) -> list[Window]:
        """(name, start, end) of each trainable parameter: its position in the flat block."""
        return windows_of(self, frozen=False)

    @ieee_arithmetic
    def initialize(self, seed: Seed = None) -> None:
        """Initialize all parameters from PyTorch's default distributions; the same seed gives the same
        values."""
        self.initialize_from(seed_sequence(type(self).__name__, seed))

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64, the dtype of parameters, float inputs and arithmetic."""
        return self.flat_parameters.dtype

    @ieee_arithmetic
    def to(self, dtype: Any) -> Self:
        """Convert the parameters to "float32" or "float64", in place; returns the module itself."""
        who = type(self).__name__
        wanted = check_dtype(who, dtype)
        if wanted != self.dtype:
            if self.in_container():
                raise ValueError(f"{who}: is part of a container; call to() on the whole network")
            block = Block(self.flat_parameters.size, wanted)
            block.values[:] = self.flat_parameters
            self.place(block, 0)
        return self

    def _own_block(self) -> None:
        """Gives the tree a float32 block of zeros."""
        self._owner: weakref.ref[ParameterTree] | None = None
        self.place(Block(self.num_entries(), np.dtype(np.float32)), 0)

    def num_entries(self) -> int:
        """Number of elements in the block; a lazy layer has none yet."""
        children = self.children().values()
        if children:
            return sum(child.num_entries() for child in children)
        return count(shape for _, shape in self.named_shapes())

    def place(self, block: Block, start: int) -> int:
        """Moves the parameters to `block`, from `start` on; returns their end."""
        stop = start + self.num_entries()
        self._block, self._start = block, start
        self.flat_parameters = block.values[start:stop]
        self._gradient_window: Array | None = None
        for child in self.children().values():
            start = child.place(block, start)
        return stop

    def _take_in(self, children: Mapping[str, ParameterTree]) -> None:
        """Moves all children's parameters into one block; the children belong to this tree from now on."""
        dtype = next(iter(children.values())).dtype
        block = Block(sum(child.flat_parameters.size for child in children.values()), dtype)
        if not is_blank():
            np.concatenate([child.flat_parameters for child in children.values()], out=block.values)
        self._owner = None
        self.place(block, 0)
        for child in children.values():
            child.set_owner(self)

    def is_lazy(self) -> bool:
        """Whether there is a layer whose parameters do not exist before the shape of the input is known."""
        return any(child.is_lazy() for child in self.children().values())

    def fill_in(self) -> list[tuple[ParameterTree, np.random.SeedSequence | None]]:
        """Makes lazy layers ordinary ones, without space in the block; returns them and their seeds."""
        return [found for child in self.children().values() for found in child.fill_in()]

    def repack(self) -> None:
        """Moves the parameters of the whole network to a block of the right size, after `fill_in`."""
        owner = self.container()
        if owner is not None:
            owner.repack()
            return
        before = [(leaf, leaf.flat_parameters) for leaf in self.leaves()]
        block = Block(self.num_entries(), self.dtype)
        block.frozen_changes = self._block.frozen_changes
        self.place(block, 0)
        for leaf, values in before:
            if not is_blank() and values.size == leaf.flat_parameters.size:
                leaf.flat_parameters[:] = values

    def leaves(self) -> list[ParameterTree]:
        """The layers, in the order of the block."""
        children = self.children().values()
        return [leaf for child in children for leaf in child.leaves()] if children else [self]

    def whole_name(self) -> str:
        """The name in the whole network, containers included; empty outside of a container."""
        owner = self.container()
        if owner is None:
            return ""
        (own,) = (name for name, child in owner.children().items() if child is self)
        return f"{owner.whole_name()}.{own}".removeprefix(".")

    def set_owner(self, container: ParameterTree) -> None:
        self._owner = weakref.ref(container)

    def release(self) -> None:
        """Moves the parameters to a block of their own: the module leaves its container."""
        self._owner = None
        self.repack()

    def container(self) -> ParameterTree | None:
        """The container that the module is part of."""
        return None if self._owner is None else self._owner()

    def in_container(self) -> bool:
        """Whether the module is part of a container."""
        return self.container() is not None

    def forget_plans(self) -> None:
        """Discards the plans of this module and of its containers: what they run has changed."""
        self._plans = {}
        owner = self.container()
        if owner is not None:
            owner.forget_plans()

    def mark_changed(self) -> None:
        """To be called after a write to `flat_parameters`: the engine packs the weights again."""
        self._block.touch()

    @property
    def frozen_changes(self) -> int:
        """Counts how often parameters of the network were frozen or unfrozen."""
        return self._block.frozen_changes

    def count_frozen_change(self) -> None:
        self._block.frozen_changes += 1

    def _windows(self) -> dict[str, Array]:
        return dict(windows(self.flat_parameters, self.named_shapes()))

    def views(self) -> dict[str, Array]:
        """As `_windows`, to hand out."""
        return dict(windows(self._block.lend(self.flat_parameters), self.named_shapes()))

    def _without_buffers(self, views: dict[str, Array]) -> dict[str, Array]:
        buffers = set(self.buffer_names())
        return {name: view for name, view in views.items() if name not in buffers} if buffers else views

    @property
    def flat_gradients(self) -> Array:
        """Gradients of all parameters, in the order of `flat_parameters`: (size,), live."""
        if self._gradient_window is None:
            stop = self._start + self.flat_parameters.size
            self._gradient_window = self._block.gradients[self._start : stop]
        return self._gradient_window

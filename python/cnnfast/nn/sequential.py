"""`Sequential`: a chain of modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .._types import Seed
from .activation import Sigmoid
from .container import Listed, dotted, ending
from .module import Module
from .planned import GraphBuilder
from .registry import register
from .softmax import LogSoftmax, Softmax
from .task import OutputKind

#: Layers after which outputs still belong to the same classes.
_ENDS = (Softmax, LogSoftmax, Sigmoid)


@register
class Sequential(Listed):
    """A chain: the output of each module is the input of the next.

    Args:
        layers: The modules in order, named "0", "1", …; or one dict of name to module.
        named: The modules in order, by name, instead of `layers`. In a dict they may also be named
            "input_shape" or "seed".
        input_shape: Shape of one input, (c, h, w) or (features,). If given, all shapes are checked at
            construction, `print` shows them, and only such inputs are accepted.
        seed: Seed to initialize all parameters again, each layer from its own stream; None keeps them.

    `preprocessing` is inherited from the layers that read the input, `classes` from the last module that has
    them (followed by at most a Softmax, LogSoftmax or Sigmoid).

    Raises:
        TypeError: Something that is not a module; layers given in two ways.
        ValueError: No layers; a layer used twice or already inside another container; shapes that do not fit.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> model = nn.Sequential(
        ...     nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 10), input_shape=(1, 4, 4), seed=0
        ... )
        >>> model(np.zeros((5, 1, 4, 4), dtype=np.float32)).shape
        (5, 10)
        >>> model[0].weight.shape
        (4, 1, 3, 3)
        >>> list(model.parameters())
        ['0.weight', '0.bias', '3.weight', '3.bias']
        >>> model[3] = nn.Linear(16, 26)
        >>> model.output_shape
        (26,)
        >>> model = nn.Sequential(hidden=nn.Linear(4, 8), relu=nn.ReLU(), output=nn.Linear(8, 2))
        >>> list(model.parameters())
        ['hidden.weight', 'hidden.bias', 'output.weight', 'output.bias']
    """

    _described_as = "layers"

    def __init__(
        self,
        *layers: Module | Mapping[str, Module],
        input_shape: Sequence[int] | None = None,
        seed: Seed = None,
        **named: Module,
    ) -> None:
        super().__init__(*layers, input_shape=input_shape, seed=seed, **named)

    def _readers(self) -> dict[str, Module]:
        """The first child that computes anything."""
        readers = {}
        for name, child in self._children.items():
            readers[name] = child
            if not child.keeps_output_kind:
                break
        return readers

    def _deciding(self) -> list[str]:
        """The last child that changes the kind of the outputs."""
        for name, child in reversed(self._children.items()):
            if not (child.keeps_output_kind or type(child) in _ENDS):
                return [name]
        return list(self._children)

    def _inherit(self) -> None:
        """Inherits also the classes of the last child that changes the kind of the outputs."""
        super()._inherit()
        for child in reversed(self._children.values()):
            if child.classes is not None or not (child.keeps_output_kind or type(child) in _ENDS):
                self._classes = child.classes
                break

    @property
    def output_kind(self) -> OutputKind:  # type: ignore[override]
        return ending(reversed(self._children.values()))

    @property
    def keeps_output_kind(self) -> bool:  # type: ignore[override]
        return all(child.keeps_output_kind for child in self._children.values())

    def add_to(self, graph: GraphBuilder, value: int, prefix: str) -> int:
        for name, child in self._children.items():
            value = child.add_to(graph, value, dotted(prefix, name))
        return value

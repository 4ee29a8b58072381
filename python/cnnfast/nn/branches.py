"""`Branches`: modules with the same input, whose outputs are concatenated along the channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .. import _core
from .._types import Seed
from .container import Listed, dotted
from .module import Module
from .planned import GraphBuilder
from .registry import register


@register
class Branches(Listed):
    """Applies every branch to the same input and concatenates the outputs along the channels: an inception
    module, or with `Identity` as one of the branches, a dense block.

    Args:
        branches: Modules, named "0", "1", …; or one dict of name to module.
        input_shape, seed, named: As in `Sequential`.

    Shapes:
        (n, c, h, w) to (n, c1 + c2 + …, h', w'): outputs may differ only in their channels.

    Raises:
        TypeError: Something that is not a module.
        ValueError: No branches; a module used twice or already inside another container; shapes that do not
            fit.

    Source: Szegedy et al. 2014, Going deeper with convolutions, arXiv:1409.4842; Huang et al. 2016, Densely
    connected convolutional networks, arXiv:1608.06993.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> block = nn.Branches({"pixel": nn.Conv2d(3, 4, 1), "window": nn.Conv2d(3, 8, 3, padding=1)})
        >>> block(np.zeros((2, 3, 5, 5), dtype=np.float32)).shape
        (2, 12, 5, 5)
        >>> list(block.parameters())
        ['pixel.weight', 'pixel.bias', 'window.weight', 'window.bias']
    """

    _described_as = "branches"

    def __init__(
        self,
        *branches: Module | Mapping[str, Module],
        input_shape: Sequence[int] | None = None,
        seed: Seed = None,
        **named: Module,
    ) -> None:
        super().__init__(*branches, input_shape=input_shape, seed=seed, **named)

    def add_to(self, graph: GraphBuilder, value: int, prefix: str) -> int:
        ends = [child.add_to(graph, value, dotted(prefix, name)) for name, child in self._children.items()]
        return graph.add(_core.Concat(), ends, dotted(prefix, "concat"))

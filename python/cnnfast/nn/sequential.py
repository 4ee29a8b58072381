"""`Sequential`: modules one behind the other."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..border import Seed, Shape
from .container import Container, dotted, only_setting
from .module import GraphBuilder, Module, OutputKind
from .registry import blank, parameter_shapes, register


@register
class Sequential(Container):
    """A chain: the output of each module is the input of the next.

    Args:
        layers: The modules in order, named "0", "1", …; or one dict of name to module.
        input_shape: Shape of one input, (c, h, w) or (features,). If given, all shapes are checked now,
            `print` shows them, and only such inputs are taken.
        seed: Draw all parameters anew, each layer from its own stream; None leaves them as the layers have
            them.

    Raises:
        TypeError: Something that is not a module.
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
    """

    def __init__(
        self,
        *layers: Module | Mapping[str, Module],
        input_shape: Sequence[int] | None = None,
        seed: Seed = None,
    ) -> None:
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            named: Mapping[str, Any] = layers[0]
        else:
            named = {str(position): layer for position, layer in enumerate(layers)}
        super().__init__(named)
        self.input_shape = input_shape
        if seed is not None:
            self.initialize(seed)

    def __len__(self) -> int:
        return len(self._children)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._children.values())

    def __getitem__(self, key: int | str) -> Module:
        """The layer at a position, or of a name."""
        if isinstance(key, str):
            if key not in self._children:
                raise KeyError(f"Sequential: has no layer {key!r}; it has {', '.join(self._children)}")
            return self._children[key]
        try:
            position = operator.index(key)
        except TypeError:
            raise TypeError(
                f"Sequential: a layer is taken by its position or name, got {key!r}; for a part of the model "
                "use Sequential(*[layer.copy() for layer in list(model)[a:b]])"
            ) from None
        return list(self._children.values())[position]

    def to_config(self) -> dict[str, Any]:
        layers = {name: child.to_config() for name, child in self._children.items()}
        return {"type": "Sequential", "layers": layers}

    @property
    def _output_kind(self) -> OutputKind:  # type: ignore[override]
        return self[-1]._output_kind

    def _add_to(self, graph: GraphBuilder, value: int, prefix: str) -> int:
        for name, child in self._children.items():
            value = child._add_to(graph, value, dotted(prefix, name))
        return value

    @classmethod
    def _from_settings(cls, settings: Mapping[str, Any], depth: int) -> Module:
        layers = _layers_of(settings)
        return cls({name: blank(config, depth) for name, config in layers.items()})

    @classmethod
    def _shapes_of(cls, settings: Mapping[str, Any], prefix: str, depth: int) -> list[tuple[str, Shape]]:
        return [
            pair
            for name, config in _layers_of(settings).items()
            for pair in parameter_shapes(config, dotted(prefix, name), depth)
        ]


def _layers_of(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    layers = only_setting("Sequential", settings, "layers")
    if not isinstance(layers, Mapping):
        raise TypeError(f"Sequential: layers must be a dict of name to layer, got {type(layers).__name__}")
    return layers

"""`Residual`: a module with a shortcut around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import _core
from ..border import Shape
from .container import Container, dotted, only_setting
from .module import GraphBuilder, Module
from .registry import blank, parameter_shapes, register


@register
class Residual(Container):
    """y = body(x) + x: the body learns only the difference.

    Args:
        body: The module beside the shortcut; it must keep the shape.

    Raises:
        TypeError: `body` is not a module.
        ValueError: `body` is already inside another container; when called, a body that changes the shape.

    Source: He et al. 2015, Deep residual learning for image recognition, arXiv:1512.03385.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> block = nn.Residual(nn.ReLU())
        >>> block(np.array([[-1.0, 2.0]], dtype=np.float32))
        array([[-1.,  4.]], dtype=float32)
    """

    def __init__(self, body: Module) -> None:
        super().__init__({"body": body})

    @property
    def body(self) -> Module:
        """The module beside the shortcut."""
        return self._children["body"]

    def to_config(self) -> dict[str, Any]:
        return {"type": "Residual", "body": self.body.to_config()}

    def _add_to(self, graph: GraphBuilder, value: int, prefix: str) -> int:
        out = self.body._add_to(graph, value, dotted(prefix, "body"))
        return graph.add(_core.Add(), [out, value], dotted(prefix, "add"))

    @classmethod
    def _from_settings(cls, settings: Mapping[str, Any], depth: int) -> Module:
        return cls(blank(only_setting("Residual", settings, "body"), depth))

    @classmethod
    def _shapes_of(cls, settings: Mapping[str, Any], prefix: str, depth: int) -> list[tuple[str, Shape]]:
        return parameter_shapes(only_setting("Residual", settings, "body"), dotted(prefix, "body"), depth)

"""`Residual`: a module with a shortcut connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import _core
from .._types import Shape
from .container import Container, dotted, only_setting
from .module import Module
from .planned import GraphBuilder
from .registry import blank, parameter_shapes, register


@register
class Residual(Container):
    """y = body(x) + x, or body(x) + shortcut(x).

    Args:
        body: The residual branch.
        shortcut: A projection, such as a 1x1 convolution, if the body changes the shape. None is the
            identity.

    Raises:
        TypeError: Something that is not a module.
        ValueError: A module that is already inside another container; when called, shapes that differ.

    Source: He et al. 2015, Deep residual learning for image recognition, arXiv:1512.03385.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> block = nn.Residual(nn.ReLU())
        >>> block(np.array([[-1.0, 2.0]], dtype=np.float32))
        array([[-1.,  4.]], dtype=float32)
        >>> body = nn.Conv2d(4, 8, 3, stride=2, padding=1)
        >>> block = nn.Residual(body, shortcut=nn.Conv2d(4, 8, 1, stride=2))
        >>> block(np.zeros((1, 4, 6, 6), dtype=np.float32)).shape
        (1, 8, 3, 3)
    """

    def __init__(self, body: Module, shortcut: Module | None = None) -> None:
        super().__init__({"body": body} if shortcut is None else {"body": body, "shortcut": shortcut})

    @property
    def body(self) -> Module:
        """The residual branch."""
        return self._children["body"]

    @property
    def shortcut(self) -> Module | None:
        """The shortcut module; None for the identity."""
        return self._children.get("shortcut")

    def to_config(self) -> dict[str, Any]:
        return {"type": "Residual", **{name: child.to_config() for name, child in self._children.items()}}

    def add_to(self, graph: GraphBuilder, value: int, prefix: str) -> int:
        out = self.body.add_to(graph, value, dotted(prefix, "body"))
        if self.shortcut is not None:
            value = self.shortcut.add_to(graph, value, dotted(prefix, "shortcut"))
        return graph.add(_core.Add(), [out, value], dotted(prefix, "add"))

    @classmethod
    def _from_settings(cls, settings: Mapping[str, Any], depth: int) -> Module:
        return cls(*(blank(config, depth) for config in _parts_of(settings).values()))

    @classmethod
    def _shapes_of(cls, settings: Mapping[str, Any], prefix: str, depth: int) -> list[tuple[str, Shape]]:
        return [
            pair
            for name, config in _parts_of(settings).items()
            for pair in parameter_shapes(config, dotted(prefix, name), depth)
        ]


def _parts_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The described children in the order of the constructor."""
    rest = {name: value for name, value in settings.items() if name != "shortcut"}
    parts = {"body": only_setting("Residual", rest, "body")}
    return {**parts, "shortcut": settings["shortcut"]} if "shortcut" in settings else parts

"""`Graph`: modules connected as a directed acyclic graph, and its builder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import indent
from typing import TYPE_CHECKING, Any

from .._checks import type_of
from .._types import Seed, Shape
from .blank_parameters import is_blank
from .container import Container, dotted, ending
from .graph_nodes import INPUT, check_nodes, check_read, checked_auxiliary, nodes_of
from .module import Module
from .planned import GraphBuilder
from .registry import blank, parameter_shapes, register
from .structure import Join
from .task import OutputKind

if TYPE_CHECKING:
    from typing_extensions import Self


@register
class Graph(Container):
    """A directed acyclic graph of modules; the last one is the output.

    Args:
        nodes: Name to (module, names of its inputs): "input" is the graph's input, other names are those of
            earlier nodes. `Add`, `Mul`, `MatMul` and `Concat` have several inputs, every other module one.
        input_shape, seed: As in `Sequential`.
        auxiliary: Name of a node that no other reads to the weight of its loss: auxiliary classifiers, of the
            same shape as the output. In training, their losses with the same targets are added to the loss
            (Szegedy et al. 2014, arXiv:1409.4842); they are not computed in inference.

    Raises:
        TypeError: Something that is not a module, or not a tuple like ``(module, "input")``.
        ValueError: An unknown or later name, an unused value, a module used twice; an auxiliary node that is
            read, or a weight that is not above 0; with an `input_shape`, shapes that do not fit.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> block = nn.Graph({
        ...     "stem": (nn.Conv2d(1, 4, 3, padding=1), "input"),
        ...     "left": (nn.ReLU(), "stem"),
        ...     "right": (nn.Conv2d(4, 2, 1), "stem"),
        ...     "join": (nn.Concat(), "left", "right"),
        ... })
        >>> block(np.zeros((2, 1, 5, 5), dtype=np.float32)).shape
        (2, 6, 5, 5)

        `builder` constructs the same step by step:

        >>> g = nn.Graph.builder()
        >>> stem = g.add(nn.Conv2d(1, 4, 3, padding=1), g.input)
        >>> left, right = g.add(nn.ReLU(), stem), g.add(nn.Conv2d(4, 2, 1), stem)
        >>> g.build(g.add(nn.Concat(), left, right)).num_parameters()
        50
    """

    def __init__(
        self,
        nodes: Mapping[str, tuple[Any, ...]],
        input_shape: Sequence[int] | None = None,
        seed: Seed = None,
        *,
        auxiliary: Mapping[str, float] | None = None,
    ) -> None:
        if not isinstance(nodes, Mapping):
            raise TypeError(f"Graph: nodes must be a dict of name to (module, inputs), got {type_of(nodes)}")
        for name, node in nodes.items():
            if not isinstance(node, tuple | list) or not node or not all(type(r) is str for r in node[1:]):
                raise TypeError(f'Graph: node {name!r} must be a tuple like (module, "input"), got {node!r}')
        self.reads = {name: tuple(node[1:]) for name, node in nodes.items()}
        self.auxiliary = checked_auxiliary({} if auxiliary is None else auxiliary)
        super().__init__({name: node[0] for name, node in nodes.items()})
        check_nodes(self._children, self.reads, self.auxiliary)
        if seed is not None and not is_blank():
            self.initialize(seed)
        self.input_shape = input_shape

    @staticmethod
    def builder() -> Builder:
        """An empty `Builder`."""
        return Builder()

    def __getitem__(self, name: str) -> Module:
        """The module with a name."""
        return self._child(name)

    def __setitem__(self, name: str, module: Module) -> None:
        """Replace the module with a name; it reads the same inputs. As for `Sequential`."""
        self._replace(name, module)

    def check_children(self) -> None:
        check_nodes(self._children, self.reads, self.auxiliary)
        super().check_children()

    def inputs(self) -> dict[str, tuple[str, ...]]:
        """Names of the inputs of each node."""
        return dict(self.reads)

    def __repr__(self) -> str:
        inside = "".join(
            indent(f"({name} <- {', '.join(self.reads[name])}): {child!r}\n", "  ")
            for name, child in self._children.items()
        )
        return f"Graph(\n{inside})"

    def to_config(self) -> dict[str, Any]:
        nodes = {
            name: {"layer": child.to_config(), "inputs": list(self.reads[name])}
            for name, child in self._children.items()
        }
        more = {"auxiliary": dict(self.auxiliary)} if self.auxiliary else {}
        return {"type": "Graph", "nodes": nodes, **more}

    def _readers(self) -> dict[str, Module]:
        return {name: child for name, child in self._children.items() if INPUT in self.reads[name]}

    @property
    def output_kind(self) -> OutputKind:  # type: ignore[override]
        return ending(self._last_chain())

    def _last_chain(self) -> Iterable[Module]:
        """Nodes from the output backwards, while each has one input."""
        name = next(reversed(self._children))
        while name != INPUT:
            yield self._children[name]
            name = self.reads[name][0] if len(self.reads[name]) == 1 else INPUT

    def add_to(self, graph: GraphBuilder, value: int, prefix: str) -> int:
        values = {INPUT: value}
        for name, child in self._children.items():
            read, where = [values[r] for r in self.reads[name]], dotted(prefix, name)
            if isinstance(child, Join):
                value = child.join(graph, read, where)
            else:
                value = child.add_to(graph, read[0], where)
            values[name] = value
            if name in self.auxiliary:
                graph.set_auxiliary(value, self.auxiliary[name])
        return value

    def blank_copy(self) -> Self:
        twin = super().blank_copy()
        twin.reads = dict(self.reads)
        twin.auxiliary = dict(self.auxiliary)
        return twin

    @classmethod
    def _from_settings(cls, settings: Mapping[str, Any], depth: int) -> Module:
        return cls(
            {
                name: (blank(node["layer"], depth), *node["inputs"])
                for name, node in nodes_of(settings).items()
            },
            auxiliary=settings.get("auxiliary"),
        )

    @classmethod
    def _shapes_of(cls, settings: Mapping[str, Any], prefix: str, depth: int) -> list[tuple[str, Shape]]:
        return [
            pair
            for name, node in nodes_of(settings).items()
            for pair in parameter_shapes(node["layer"], dotted(prefix, name), depth)
        ]


@dataclass(frozen=True, eq=False)
class Value:
    """The output of a node of a `Builder`, as input for others."""

    name: str
    builder: Builder

    def __repr__(self) -> str:
        return f"<value {self.name!r}>"


class Builder:
    """Builds a `Graph` node by node; see there.

    Attributes:
        input: The graph's own input.
    """

    def __init__(self) -> None:
        self.input = Value(INPUT, self)
        self._nodes: dict[str, tuple[Any, ...]] = {}

    def add(self, layer: Module, *inputs: Value, name: str | None = None) -> Value:
        """Add a node; returns its output.

        Args:
            layer: Any module; `Add`, `Mul`, `MatMul` and `Concat` have several inputs, every other one.
            inputs: `input`, or results of `add`.
            name: Name of the layer, for its parameters; None uses "0", "1", ….

        Raises:
            TypeError: An input that is not a value.
            ValueError: A value of another builder, a duplicate name.
        """
        name = str(len(self._nodes)) if name is None else name
        if name in self._nodes:
            raise ValueError(f"Graph: the name {name!r} is used twice")
        for value in inputs:
            if not isinstance(value, Value):
                raise TypeError(
                    f"Graph: node {name!r} must read values, that is `input` or what add() returned, "
                    f"got {type_of(value)}"
                )
            if value.builder is not self:
                raise ValueError(f"Graph: node {name!r} reads {value.name!r} of another builder")
        self._nodes[name] = (layer, *(value.name for value in inputs))
        return Value(name, self)

    def build(
        self,
        output: Value,
        *,
        auxiliary: Mapping[Value, float] | None = None,
        input_shape: Sequence[int] | None = None,
        seed: Seed = None,
    ) -> Graph:
        """The Graph whose output is `output`; every other value must be read by a node, or be auxiliary.

        Args:
            auxiliary: Value to the weight of its loss, see `Graph`.

        Raises:
            TypeError, ValueError: As `Graph`; an output that is not a value of this builder.
        """
        weights: dict[str, float] = {}
        for value in (output, *(auxiliary or ())):
            if not isinstance(value, Value) or value.builder is not self or value is self.input:
                what = "the output" if value is output else "an auxiliary output"
                raise ValueError(f"Graph: {what} must be what add() of this builder returned, got {value!r}")
        for value, weight in (auxiliary or {}).items():
            weights[value.name] = weight
        check_read({name: node[1:] for name, node in self._nodes.items()}, output.name, weights)
        nodes = {name: node for name, node in self._nodes.items() if name != output.name}
        nodes[output.name] = self._nodes[output.name]  # the last, even if auxiliary nodes were added later
        return Graph(nodes, input_shape, seed, auxiliary=weights)

"""The nodes of a `Graph`: what their names, inputs and descriptions must be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .._checks import check_number, type_of
from .container import only_setting
from .module import Module
from .structure import Join

#: Name of the graph's input.
INPUT = "input"


def checked_auxiliary(auxiliary: object) -> dict[str, float]:
    """A `Graph`'s argument `auxiliary`."""
    if not isinstance(auxiliary, Mapping):
        raise TypeError(
            f"Graph: auxiliary must be a dict of the name of a node to a weight, got {type_of(auxiliary)}"
        )
    weights = {}
    for name, weight in auxiliary.items():
        weights[name] = check_number("Graph", f"auxiliary[{name!r}]", weight, 0, math.inf)
        if weights[name] == 0:
            raise ValueError(f"Graph: auxiliary[{name!r}] must be above 0, got {weight!r}")
    return weights


def check_nodes(
    children: Mapping[str, Module], reads: Mapping[str, tuple[str, ...]], auxiliary: Mapping[str, float]
) -> None:
    """Raises ValueError unless each node reads as many earlier values as it takes, and all are read."""
    known = {INPUT: None}  # in order
    for name, read in reads.items():
        if name == INPUT:
            raise ValueError(f'Graph: no node can be named "{INPUT}", that is the input of the graph')
        for value in read:
            if value not in known:
                why = "does not come before it" if value in reads else "does not exist"
                raise ValueError(
                    f"Graph: node {name!r} reads {value!r}, which {why}; it can read {', '.join(known)}"
                )
        _check_count(name, children[name], len(read))
        known[name] = None
    *_, last = reads
    check_read(reads, last, auxiliary)


def check_read(reads: Mapping[str, tuple[str, ...]], output: str, auxiliary: Mapping[str, float]) -> None:
    """Raises ValueError unless each value but the output and the auxiliary ones, and only such, is read."""
    read_by = {value: name for name, read in reads.items() for value in read}
    for name in auxiliary:
        if name not in reads:
            raise ValueError(f"Graph: auxiliary {name!r} is no node; there are {', '.join(reads)}")
        if name == output or name in read_by:
            why = "is the output" if name == output else f"is read by {read_by[name]!r}"
            raise ValueError(f"Graph: {name!r} cannot be auxiliary, as it {why}")
    used = {output, *auxiliary, *read_by}
    unused = [value for value in (INPUT, *reads) if value not in used]
    if unused:
        raise ValueError(f"Graph: nothing reads {', '.join(unused)}; only {output!r} is the output")


def _check_count(name: str, child: Module, count: int) -> None:
    kind = type(child).__name__
    if not isinstance(child, Join) and count != 1:
        raise ValueError(
            f"Graph: node {name!r} ({kind}) must read one value, got {count}; "
            "only Add, Mul, MatMul and Concat read more"
        )
    if isinstance(child, Join) and count < child.min_inputs:
        raise ValueError(
            f"Graph: node {name!r} ({kind}) must read at least {child.min_inputs} values, got {count}"
        )


def nodes_of(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """The nodes in the configuration of a `Graph`."""
    nodes = only_setting(
        "Graph", {name: value for name, value in settings.items() if name != "auxiliary"}, "nodes"
    )
    if not isinstance(nodes, Mapping):
        raise TypeError(f"Graph: nodes must be a dict of name to node, got {type(nodes).__name__}")
    for name, node in nodes.items():
        if not isinstance(node, Mapping) or set(node) != {"layer", "inputs"}:
            raise ValueError(f"Graph: node {name!r} must be a dict of layer and inputs")
        if not isinstance(node["inputs"], list | tuple):
            raise TypeError(f"Graph: inputs of node {name!r} must be a list of names")
    return nodes

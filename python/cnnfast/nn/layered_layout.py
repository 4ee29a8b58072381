"""Positions for the boxes of a drawn graph, in layers from top to bottom (Sugiyama, Tagawa and Toda 1981).

A node's rank is the length of the longest path to it. An edge over several ranks passes through a waypoint in
each of them. Sweeps sort each rank by the mean position of the neighbors, then move nodes towards their
neighbors, as far as the widths allow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

#: Distances of boxes, and the width left free for an edge.
GAP_X, GAP_Y, EDGE_WIDTH = 22.0, 26.0, 8.0
_SORTING_SWEEPS = 8
_PLACING_SWEEPS = 80
#: Pull of an edge by the number of waypoints among its ends: the main path and long edges become straight.
_PULL = (4.0, 0.5, 8.0)
#: Pull of the middle of the drawing on every box.
_CENTERING = 0.25

Size = tuple[float, float]
Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """A drawing's size, the center of each box, and for each edge the points that it passes through.

    Attributes:
        paths: From the lower side of a box to the upper side of another; points 2 k and 2 k + 1 have the same
            x, and the line between them is vertical.
    """

    size: Size
    centers: list[Point]
    paths: list[list[Point]]


def layered(sizes: Sequence[Size], edges: Sequence[tuple[int, int]]) -> Layout:
    """The layout of boxes.

    Args:
        sizes: Width and height of each box, in topological order.
        edges: Pairs of box numbers; all boxes but the first must be reachable from it.

    Example:
        >>> layout = layered([(40, 20)] * 3, [(0, 1), (1, 2), (0, 2)])
        >>> [y for _, y in layout.centers]
        [10.0, 56.0, 102.0]
    """
    ranked = _Ranked([width for width, _ in sizes], edges)
    ranked.sort()
    x = ranked.place()
    heights = [
        max((sizes[node][1] for node in rank if node < len(sizes)), default=0.0) for rank in ranked.ranks
    ]
    tops = [0.0]
    for height in heights:
        tops.append(tops[-1] + height + GAP_Y)
    middles = [top + height / 2 for top, height in zip(tops, heights, strict=False)]
    centers = [(x[node], middles[ranked.rank[node]]) for node in range(len(sizes))]
    paths = []
    for source, *waypoints, target in ranked.chains:
        path = [(x[source], centers[source][1] + sizes[source][1] / 2)]
        path.append((x[source], tops[ranked.rank[source]] + heights[ranked.rank[source]]))
        for point in waypoints:
            top = tops[ranked.rank[point]]
            path += [(x[point], top), (x[point], top + heights[ranked.rank[point]])]
        path.append((x[target], tops[ranked.rank[target]]))
        paths.append([*path, (x[target], centers[target][1] - sizes[target][1] / 2)])
    right = max(place + width / 2 for place, width in zip(x, ranked.widths, strict=True))
    return Layout((right, tops[-1] - GAP_Y), centers, paths)


class _Ranked:
    """Boxes and waypoints by rank; waypoints are numbered after the boxes."""

    def __init__(self, widths: Sequence[float], edges: Sequence[tuple[int, int]]) -> None:
        self.boxes, self.widths = len(widths), list(widths)
        self.rank = [0] * self.boxes
        for source, target in sorted(edges, key=lambda edge: edge[1]):
            self.rank[target] = max(self.rank[target], self.rank[source] + 1)
        self.chains = [self._chain(source, target) for source, target in edges]
        self.above: list[list[int]] = [[] for _ in self.rank]
        self.below: list[list[int]] = [[] for _ in self.rank]
        for chain in self.chains:
            for upper, lower in pairwise(chain):
                self.below[upper].append(lower)
                self.above[lower].append(upper)
        self.ranks: list[list[int]] = [[] for _ in range(max(self.rank) + 1)]
        for node in self._depth_first():
            self.ranks[self.rank[node]].append(node)

    def _chain(self, source: int, target: int) -> list[int]:
        """The source of an edge, its new waypoints, and its target."""
        ranks = range(self.rank[source] + 1, self.rank[target])
        waypoints = range(len(self.rank), len(self.rank) + len(ranks))
        self.rank += ranks
        self.widths += [EDGE_WIDTH] * len(ranks)
        return [source, *waypoints, target]

    def _depth_first(self) -> list[int]:
        order, found, stack = [], {0}, [0]
        while stack:
            order.append(stack.pop())
            fresh = [node for node in self.below[order[-1]] if node not in found]
            found.update(fresh)
            stack += reversed(fresh)
        return order

    def sort(self) -> None:
        """Sort each rank by the mean position of the neighbors in the rank above, then below, and so on."""
        place = [0.0] * len(self.rank)
        for sweep in range(_SORTING_SWEEPS):
            neighbors, ranks = (self.above, self.ranks) if sweep % 2 == 0 else (self.below, self.ranks[::-1])
            for rank in ranks:
                for node in rank:
                    if neighbors[node]:
                        place[node] = sum(place[other] for other in neighbors[node]) / len(neighbors[node])
                rank.sort(key=place.__getitem__)
                for position, node in enumerate(rank):
                    place[node] = position - (len(rank) - 1) / 2

    def place(self) -> list[float]:
        """The x of each node's center, at least half a width."""
        x = [0.0] * len(self.rank)
        for sweep in range(_PLACING_SWEEPS):
            for rank in self.ranks if sweep % 2 == 0 else reversed(self.ranks):
                self._move(rank, x)
        self._straighten(x)
        left = min(place - width / 2 for place, width in zip(x, self.widths, strict=True))
        return [place - left for place in x]

    def _straighten(self, x: list[float]) -> None:
        """Give the nodes of an unbranched path the same x, if they are almost in a line."""
        follows = {lower[0]: node for node, lower in enumerate(self.below) if len(lower) == 1}
        run: list[int] = []
        for node in self._depth_first():
            if not run or follows.get(node) != run[-1] or len(self.above[node]) > 1:
                run = []
            run.append(node)
            values = [x[other] for other in run]
            if max(values) - min(values) < GAP_X / 2:
                for other in run:
                    x[other] = sum(values) / len(values)

    def _move(self, rank: list[int], x: list[float]) -> None:
        """Move the nodes of a rank to the weighted means of their neighbors, in order and without overlap."""
        offsets = [0.0]
        for one, other in pairwise(rank):
            offsets.append(offsets[-1] + (self.widths[one] + self.widths[other]) / 2 + GAP_X)
        wanted, weights = [], []
        for node, offset in zip(rank, offsets, strict=True):
            others = self.above[node] + self.below[node]
            pulls = [_PULL[(node >= self.boxes) + (other >= self.boxes)] for other in others]
            total = sum(pull * x[other] for pull, other in zip(pulls, others, strict=True))
            weights.append(sum(pulls) + _CENTERING * (node < self.boxes))
            wanted.append(total / weights[-1] - offset)
        for node, value, offset in zip(rank, increasing(wanted, weights), offsets, strict=True):
            x[node] = value + offset


def increasing(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The non-decreasing sequence nearest to the values by weighted squares (pool adjacent violators).

    Example:
        >>> increasing([1.0, 4.0, 2.0, 5.0], [1.0, 1.0, 1.0, 1.0])
        [1.0, 3.0, 3.0, 5.0]
    """
    blocks: list[tuple[float, float, int]] = []  # mean, weight, count
    for value, weight in zip(values, weights, strict=True):
        count = 1
        while blocks and blocks[-1][0] > value:
            mean, more, size = blocks.pop()
            value = (value * weight + mean * more) / (weight + more)
            weight, count = weight + more, count + size
        blocks.append((value, weight, count))
    return [mean for mean, _, count in blocks for _ in range(count)]

"""Rows of single convolutions with the shapes of well-known networks, compared with PyTorch, separately for
forward and each gradient.

One thread. The time of cnnfast is that of the node inside a plan, with channels-last images and packed
weights; PyTorch gets its tensors in the memory format under test. "whole call" is a call of cnnfast from
Python with NCHW input and output.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from cnnfast import _core
from cnnfast.benchmark.networks import Peak, difference
from cnnfast.benchmark.peers import has_torch
from cnnfast.benchmark.timing import Candidate, Options, Row, TimedCandidate
from cnnfast.errors import CnnfastError

Array = np.ndarray[Any, Any]
Direction = Literal["forward", "input gradient", "weight gradient"]

DIRECTIONS: tuple[Direction, ...] = ("forward", "input gradient", "weight gradient")
BATCHES = (1, 8)
#: largest permitted difference of two outputs, relative to the largest value
SAME = 1e-3


@dataclass(frozen=True)
class Geometry:
    """A square convolution without bias on a square image; extents in pixels."""

    c_in: int
    c_out: int
    size: int
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1

    @property
    def name(self) -> str:
        words = [f"{self.kernel}x{self.kernel}"]
        words += [f"{key} {value}" for key in ("stride", "dilation") if (value := getattr(self, key)) > 1]
        if self.groups > 1:
            words.append("depthwise" if self.groups == self.c_in else f"groups {self.groups}")
        return " ".join([*words, f"{self.c_in}->{self.c_out} on {self.size}x{self.size}"])

    @property
    def op(self) -> _core.Conv2d:
        window = (self.kernel, self.stride, self.padding, self.dilation)
        return _core.Conv2d(self.c_in, self.c_out, *window, self.groups, bias=False)

    def plan(self, exact: bool = False) -> _core.Plan:
        graph = _core.Graph((self.c_in, self.size, self.size))
        graph.add(self.op, [0], "conv")
        return _core.Plan(graph, "float32", exact=exact)


GEOMETRIES = (
    Geometry(64, 64, 56, 3, padding=1),
    Geometry(128, 128, 28, 3, padding=1),
    Geometry(256, 256, 14, 3, padding=1),
    Geometry(512, 512, 7, 3, padding=1),
    Geometry(64, 128, 56, 3, stride=2, padding=1),
    Geometry(256, 64, 56, 1),
    Geometry(64, 256, 56, 1),
    Geometry(256, 512, 56, 1, stride=2),
    Geometry(3, 64, 224, 7, stride=2, padding=3),
    Geometry(3, 96, 227, 11, stride=4),
    Geometry(64, 64, 28, 5, padding=2),
    Geometry(32, 32, 28, 3, padding=1, groups=32),
    Geometry(64, 64, 28, 3, stride=2, padding=1, groups=64),
    Geometry(128, 128, 14, 3, padding=1, groups=128),
    Geometry(64, 64, 14, 5, padding=2, groups=64),
    Geometry(64, 64, 28, 3, padding=1, groups=16),
    Geometry(128, 128, 14, 3, padding=1, groups=4),
    Geometry(64, 64, 28, 3, padding=2, dilation=2),
)


@dataclass(frozen=True)
class Data:
    """Random input, weights and output gradient for a geometry."""

    x: Array
    w: Array
    dy: Array

    @classmethod
    def draw(cls, geometry: Geometry, n: int) -> Data:
        rng = np.random.default_rng([n, 2])
        op, image = geometry.op, (geometry.c_in, geometry.size, geometry.size)
        shapes = ((n, *image), op.parameter_shapes()["weight"], (n, *op.output_shape(image)))
        x, w, dy = (rng.standard_normal(shape, dtype=np.float32) for shape in shapes)
        return cls(x, w, dy)


def geometry_rows(options: Options) -> Iterator[Row]:
    """Each geometry at each batch size, forward and both gradients."""
    peak = Peak(options.quick)
    for geometry in GEOMETRIES:
        for n in BATCHES:
            names = {d: f"conv {geometry.name} batch {n} {d}" for d in DIRECTIONS}
            wanted = {d: name for d, name in names.items() if options.includes(name)}
            if not wanted:
                continue
            data, plan = Data.draw(geometry, n), geometry.plan()
            candidates_of = {d: our_candidates(plan, data, d) for d in wanted}
            answers = our_outputs(plan, data)
            assert_same(geometry, "cnnfast with exact=True", answers, our_outputs(geometry.plan(True), data))
            flops = 2.0 * n * geometry.op.macs(plan.input_shape)
            with one_thread():
                for peer in torch_convolutions(geometry, data):
                    assert_same(geometry, peer.name, answers, peer.answers())
                    for direction, candidates in candidates_of.items():
                        candidates[peer.name] = peer.call(direction)
                for direction, name in wanted.items():
                    settings = (options.effort, flops, peak.of(plan.isa, 1))
                    yield Row.measured(name, flops / 1e9, "GFLOP", candidates_of[direction], *settings)


def our_outputs(plan: _core.Plan, data: Data) -> dict[Direction, Array]:
    params = data.w.ravel()
    grads = np.full_like(params, np.nan)
    y, tape = plan.forward_train(data.x, params)
    dx = plan.backward(data.dy, tape, params, grads)
    return {"forward": y, "input gradient": dx, "weight gradient": grads.reshape(data.w.shape)}


def assert_same(
    geometry: Geometry, peer: str, ours: dict[Direction, Array], theirs: dict[Direction, Array]
) -> None:
    for direction, answer in ours.items():
        found = difference(f"the {direction}", answer, theirs[direction], SAME)
        if found:
            raise CnnfastError(f"bench: conv {geometry.name}: for {peer}, {found}: not timed")


def our_candidates(plan: _core.Plan, data: Data, direction: Direction) -> dict[str, Candidate]:
    """The node's time in that direction; for forward, also the whole call."""
    params = data.w.ravel()
    gradients: Literal["input", "weights"] = "weights" if direction == "weight gradient" else "input"
    half = "forward" if direction == "forward" else "backward"

    def seconds(calls: int) -> float:
        profile = plan.profile(data.x, None, params, calls, gradients=gradients)
        return float(profile[-1][half])

    candidates: dict[str, Candidate] = {"cnnfast": TimedCandidate(seconds)}
    if direction == "forward":
        candidates["cnnfast whole call"] = lambda: plan.forward(data.x, params)
    return candidates


class one_thread:
    """Context manager: cnnfast and PyTorch use one thread."""

    def __enter__(self) -> None:
        self._threads = _core.get_num_threads()
        _core.set_num_threads(1)
        if has_torch():
            import torch

            self._torch_threads = torch.get_num_threads()
            torch.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        _core.set_num_threads(self._threads)
        if has_torch():
            import torch

            torch.set_num_threads(self._torch_threads)


class TorchConvolution:
    """The same convolution in PyTorch, eager, in one memory format."""

    def __init__(self, geometry: Geometry, data: Data, channels_last: bool) -> None:
        import torch

        self.name = "torch channels_last" if channels_last else "torch eager"
        self.torch = torch
        self.geometry = geometry
        memory = torch.channels_last if channels_last else torch.contiguous_format
        self.x, self.w, self.dy = (
            torch.from_numpy(a).contiguous(memory_format=memory) for a in (data.x, data.w, data.dy)
        )

    def call(self, direction: Direction) -> Any:
        return self._forward if direction == "forward" else lambda: self._backward(direction)

    def answers(self) -> dict[Direction, Array]:
        return {direction: np.ascontiguousarray(self.call(direction)().numpy()) for direction in DIRECTIONS}

    def _forward(self) -> Any:
        g = self.geometry
        with self.torch.inference_mode():
            return self.torch.nn.functional.conv2d(
                self.x, self.w, None, g.stride, g.padding, g.dilation, g.groups
            )

    def _backward(self, direction: Direction) -> Any:
        g = self.geometry
        mask = [direction == "input gradient", direction == "weight gradient", False]
        window = ([g.stride] * 2, [g.padding] * 2, [g.dilation] * 2)
        settings = (*window, False, [0, 0], g.groups, mask)
        with self.torch.inference_mode():
            return self.torch.ops.aten.convolution_backward(self.dy, self.x, self.w, None, *settings)[
                mask.index(True)
            ]


def torch_convolutions(geometry: Geometry, data: Data) -> list[TorchConvolution]:
    if not has_torch():
        return []
    return [TorchConvolution(geometry, data, channels_last) for channels_last in (False, True)]

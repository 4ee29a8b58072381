"""Rows of the matrix products (Linear layers) of our networks, separately for forward and each gradient, with
the fraction of the multiply-add peak.

One thread, 64 images. The time is that of the node inside a plan, including the bias and its gradient, in
PyTorch too. FLOPs are those of the product alone.
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

from bench.geometry import DIRECTIONS, SAME, Direction, one_thread
from bench.networks import NETWORKS

Array = np.ndarray[Any, Any]
Answers = dict[Direction, Array]

BATCH = 64


@dataclass(frozen=True)
class Product:
    """The matrix product of a Linear layer, from c_in to c_out features."""

    c_in: int
    c_out: int

    @property
    def name(self) -> str:
        return f"product {self.c_in}->{self.c_out} batch {BATCH}"

    def plan(self) -> _core.Plan:
        graph = _core.Graph((self.c_in,))
        graph.add(_core.Linear(self.c_in, self.c_out), [0], "linear")
        return _core.Plan(graph)


def products() -> list[Product]:
    """The distinct products of all Linear layers of the networks, in their order."""
    found = [
        Product(settings["in_features"], settings["out_features"])
        for network in NETWORKS
        for op, _, _ in network.build().operations()
        if op.name == "Linear" and (settings := op.settings())
    ]
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Data:
    """Random input, weight, bias and output gradient."""

    x: Array
    w: Array
    b: Array
    dy: Array

    @classmethod
    def draw(cls, product: Product) -> Data:
        rng = np.random.default_rng([product.c_in, product.c_out])
        shapes = (
            (BATCH, product.c_in),
            (product.c_out, product.c_in),
            (product.c_out,),
            (BATCH, product.c_out),
        )
        return cls(*(rng.standard_normal(shape, dtype=np.float32) for shape in shapes))

    @property
    def params(self) -> Array:
        return np.concatenate([self.w.ravel(), self.b])

    def expected(self) -> Answers:
        """The expected results, in float64."""
        x, w, b, dy = (a.astype(np.float64) for a in (self.x, self.w, self.b, self.dy))
        return {"forward": x @ w.T + b, "input gradient": dy @ w, "weight gradient": dy.T @ x}


def product_rows(options: Options) -> Iterator[Row]:
    """Each product, forward and both gradients."""
    peak = Peak(options.quick)
    for product in products():
        names = {d: f"{product.name} {d}" for d in DIRECTIONS}
        wanted = {d: name for d, name in names.items() if options.includes(name)}
        if not wanted:
            continue
        data, plan = Data.draw(product), product.plan()
        expected = data.expected()
        assert_right(product, "cnnfast", our_outputs(plan, data), expected)
        flops = 2.0 * BATCH * product.c_in * product.c_out
        with one_thread():
            peers = [TorchProduct(data)] if has_torch() else []
            for peer in peers:
                assert_right(product, peer.name, {d: peer.answer(d) for d in DIRECTIONS}, expected)
            for direction, name in wanted.items():
                candidates: dict[str, Candidate] = {"cnnfast": ours(plan, data, direction)}
                candidates.update({peer.name: peer.call(direction) for peer in peers})
                settings = (options.effort, flops, peak.of(plan.isa, 1))
                yield Row.measured(name, flops / 1e9, "GFLOP", candidates, *settings)


def our_outputs(plan: _core.Plan, data: Data) -> Answers:
    grads = np.full_like(data.params, np.nan)
    y, tape = plan.forward_train(data.x, data.params)
    dx = plan.backward(data.dy, tape, data.params, grads)
    return {"forward": y, "input gradient": dx, "weight gradient": grads[: data.w.size].reshape(data.w.shape)}


def assert_right(product: Product, who: str, answers: Answers, expected: Answers) -> None:
    for direction, answer in answers.items():
        found = difference(f"the {direction}", answer, expected[direction], SAME)
        if found:
            raise CnnfastError(f"bench: {product.name}: for {who}, {found}: not timed")


def ours(plan: _core.Plan, data: Data, direction: Direction) -> TimedCandidate:
    """The node's time in that direction."""
    gradients: Literal["input", "weights"] = "weights" if direction == "weight gradient" else "input"
    half, params = "forward" if direction == "forward" else "backward", data.params

    def seconds(calls: int) -> float:
        return float(plan.profile(data.x, None, params, calls, gradients=gradients)[-1][half])

    return TimedCandidate(seconds)


class TorchProduct:
    """The same in PyTorch, eager."""

    name = "torch eager"

    def __init__(self, data: Data) -> None:
        import torch

        self.torch = torch
        self.x, self.w, self.b, self.dy = map(torch.from_numpy, (data.x, data.w, data.b, data.dy))

    def call(self, direction: Direction) -> Any:
        x, w, b, dy, torch = self.x, self.w, self.b, self.dy, self.torch
        calls = {
            "forward": lambda: torch.nn.functional.linear(x, w, b),
            "input gradient": lambda: dy @ w,
            "weight gradient": lambda: (dy.T @ x, dy.sum(0)),
        }
        call = calls[direction]

        def run() -> Any:
            with torch.inference_mode():
                return call()

        return run

    def answer(self, direction: Direction) -> Array:
        found = self.call(direction)()
        array: Array = (found[0] if isinstance(found, tuple) else found).numpy()
        return array

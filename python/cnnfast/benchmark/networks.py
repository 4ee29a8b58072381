"""Rows of whole networks: cnnfast and its peers train and run the same network on the same batch.

Answers come first: a peer, holding the same weights, must give the same logits, the same loss and the same
gradients, or it is not timed; if no peer agrees with cnnfast, nothing is. Which peers there are is not known
here; `torch_peer` makes some.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .. import _core, models, optim
from .._types import Array, Labels
from ..errors import CnnfastError
from ..nn import Module
from ..nn.summary import rows as layer_rows
from ..training.trainer import Trainer
from .timing import Row

if TYPE_CHECKING:
    from .timing import Options

BATCHES = (1, 32, 64, 128, 256)
QUICK_BATCHES = (1, 64)
#: small enough that hundreds of steps on one batch leave the network what it was
LEARNING_RATE = 1e-6
#: largest difference of two answers, relative to the largest value, before a row is refused
SAME = 1e-4
#: the same for gradients, by length: where two values of a pooling window differ by less
#: than a rounding, each library may pick its own, and a gradient moves by a pixel
CLOSE = 1e-2

Call = Callable[[], Any]


@dataclass(frozen=True)
class Network:
    """A network to time: how to build it, and the batch sizes (images) in training and inference."""

    name: str
    build: Callable[[], Module]
    training: Sequence[int] = BATCHES
    inference: Sequence[int] = BATCHES

    @classmethod
    def shipped(cls, name: str) -> Network:
        return cls(name, lambda: models.get(name, seed=0))


SHIPPED = tuple(Network.shipped(name) for name in models.list())


@dataclass(frozen=True)
class TrainingStep:
    """A peer's training step, and what it finds before the first: mean loss, gradients as in `state_dict`."""

    loss: float
    grads: Mapping[str, Array]
    step: Call


class Peer(Protocol):
    """Another library, on `threads` threads. None is its answer to what it cannot do."""

    @property
    def name(self) -> str: ...

    def inference(self, model: Module, x: Array, threads: int) -> Call | None:
        """Gives the logits of x, as something NumPy makes an array of."""

    def training(self, model: Module, x: Array, target: Labels, threads: int) -> TrainingStep | None:
        """Forward, backward and Adam, at `LEARNING_RATE`."""


@dataclass
class Peak:
    """FLOP/s of multiply-adds on registers on so many threads, measured when first asked for."""

    quick: bool
    _flops: dict[str, float] = field(default_factory=dict)

    def of(self, isa: str, threads: int) -> float:
        if isa not in self._flops:
            self._flops[isa] = _core.fma_peak(isa, "float32", 0.02 if self.quick else 0.2)
        return self._flops[isa] * threads


def network_rows(
    options: Options, networks: Sequence[Network], peers: Sequence[Peer], suffix: str = ""
) -> Iterator[Row]:
    """Training steps, then inference, of each network at each batch size, on cnnfast's present threads."""
    threads, peak = _core.get_num_threads(), Peak(options.quick)
    for kind, prepare in (("train", training_candidates), ("infer", inference_candidates)):
        for network in networks:
            for n in network.training if kind == "train" else network.inference:
                name = f"{kind} {network.name} batch {n}{suffix}"
                if (n in QUICK_BATCHES or not options.quick) and options.wants(name):
                    model = network.build()
                    flops = (6.0 if kind == "train" else 2.0) * n * macs(model)
                    plan, _ = model._prepare(batch_for(model, 1)[0])
                    candidates, notes = prepare(network, n, threads, peers)
                    told = (options.effort, flops, peak.of(plan.isa, threads), notes)
                    yield Row.measured(name, n, "images", candidates, *told)


def macs(model: Module) -> int:
    """Multiply-adds of one image by the plain definition; the backward pass has twice as many."""
    return sum(row.macs or 0 for row in layer_rows(model))


def batch_for(model: Module, n: int) -> tuple[Array, Labels]:
    """Noise of the model's input shape with a label each: the speed does not depend on the image."""
    assert model.input_shape is not None
    assert model.output_shape is not None
    rng = np.random.default_rng([n, 1])
    x = rng.standard_normal((n, *model.input_shape)).astype(np.float32)
    return x, rng.integers(0, model.output_shape[0], n)


Candidates = tuple[dict[str, Call], tuple[str, ...]]


def training_candidates(network: Network, n: int, threads: int, peers: Sequence[Peer]) -> Candidates:
    """One forward, backward and Adam update of everybody who can; notes on peers that are not timed."""
    model = network.build()
    x, target = batch_for(model, n)
    trainer = Trainer(model, optim.Adam(lr=LEARNING_RATE))
    loss, grads = model.loss_and_grad(x, target)
    calls: dict[str, Call] = {}
    differences: dict[str, str] = {}
    unable: dict[str, str] = {}
    for peer in peers:
        try:
            training_step = peer.training(model, x, target, threads)
        except NotImplementedError as error:
            unable[peer.name] = str(error)
            continue
        if training_step is None:
            continue
        calls[peer.name] = training_step.step
        found = difference("the loss", np.array([loss]), np.array([training_step.loss]))
        for key, grad in grads.items():
            found = found or distance(f"the gradient of {key}", grad, training_step.grads[key])
        if found:
            differences[peer.name] = found
    return _agreed(network, lambda: trainer.step(x, target), calls, differences, unable)


def inference_candidates(network: Network, n: int, threads: int, peers: Sequence[Peer]) -> Candidates:
    """Logits of one batch, through each library's Python interface; notes on peers that are not timed."""
    model = network.build()
    x, _ = batch_for(model, n)
    logits = model(x)
    calls: dict[str, Call] = {}
    differences: dict[str, str] = {}
    unable: dict[str, str] = {}
    for peer in peers:
        try:
            call = peer.inference(model, x, threads)
            answer = None if call is None else np.asarray(call())
        except NotImplementedError as error:
            unable[peer.name] = str(error)
            continue
        if call is None or answer is None:
            continue
        calls[peer.name] = call
        found = difference("the output", logits, answer)
        if found:
            differences[peer.name] = found
    return _agreed(network, lambda: model(x), calls, differences, unable)


def _agreed(
    network: Network,
    ours: Call,
    calls: Mapping[str, Call],
    differences: Mapping[str, str],
    unable: Mapping[str, str],
) -> Candidates:
    """Those with the same answers as ours; if nobody has them, who is wrong is not known: nobody is timed."""
    if differences and len(differences) == len(calls):
        peer, found = next(iter(differences.items()))
        raise CnnfastError(f"bench: {network.name}: for {peer}, {found}: not timed")
    agreeing = {name: call for name, call in calls.items() if name not in differences}
    notes = tuple(f"{name}: not timed, {found}" for name, found in {**differences, **unable}.items())
    return {"cnnfast": ours, **agreeing}, notes


def difference(what: str, ours: Array, theirs: Array, limit: float = SAME) -> str | None:
    """What is to be said of a largest difference beyond `limit`, relative to the largest value."""
    return _beyond(what, float(np.abs(ours - theirs).max()) / max(float(np.abs(theirs).max()), 1e-12), limit)


def distance(what: str, ours: Array, theirs: Array, limit: float = CLOSE) -> str | None:
    """The same of a difference whose length is beyond `limit`, relative to the length of theirs."""
    length = max(float(np.linalg.norm(theirs)), 1e-12)
    return _beyond(what, float(np.linalg.norm(ours - theirs)) / length, limit)


def _beyond(what: str, found: float, limit: float) -> str | None:
    if found <= limit:
        return None
    return f"{what} differs by {found:.3g} (relative), allowed is {limit:g}"

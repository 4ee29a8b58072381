"""Benchmark rows of whole networks: cnnfast and other libraries train and run the same network on the same
batch.

Outputs are compared first: a peer with the same weights must give the same logits, loss and gradients, or it
is not timed; if no peer agrees with cnnfast, nothing is timed. `peers` has the peers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .. import _core, models, optim
from .._types import Array, Labels
from ..errors import CnnfastError
from ..nn import Module, from_config
from ..nn.summary import rows as layer_rows
from ..training.trainer import Trainer
from .timing import Row

if TYPE_CHECKING:
    from .timing import Options

BATCHES = (1, 32, 64, 128, 256)
QUICK_BATCHES = (1, 64)
#: small enough that hundreds of steps on one batch hardly change the network
LEARNING_RATE = 1e-6
#: largest permitted difference of two outputs, relative to the largest value
SAME = 1e-4
#: the same for gradients, by Euclidean norm: if the two largest values of a pooling window differ by less
#: than a rounding error, libraries may select different ones, and a gradient moves by a pixel
CLOSE = 1e-2
#: the same in float64
EXACT = 1e-5

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


SHIPPED = tuple(map(Network.shipped, ("d4", "hello-dl-letters", "numpy-mnist")))


@dataclass(frozen=True)
class TrainingStep:
    """A peer's training step, with the mean loss and the gradients (as in `state_dict`) before the first
    step."""

    loss: float
    grads: Mapping[str, Array]
    step: Call


class Peer(Protocol):
    """Another library, on `threads` threads. Methods return None if the peer does not support the model."""

    @property
    def name(self) -> str: ...

    @property
    def has_float64(self) -> bool:
        """Whether it also computes models of float64."""

    def inference(self, model: Module, x: Array, threads: int) -> Call | None:
        """A function that returns the logits of x, convertible to a NumPy array."""

    def training(self, model: Module, x: Array, target: Labels, threads: int) -> TrainingStep | None:
        """Forward, backward and Adam, at `LEARNING_RATE`."""


@dataclass
class Peak:
    """Peak FLOP/s of multiply-adds on registers by number of threads, measured on first use."""

    quick: bool
    _flops: dict[str, float] = field(default_factory=dict)

    def of(self, isa: str, threads: int) -> float:
        if isa not in self._flops:
            self._flops[isa] = _core.fma_peak(isa, "float32", 0.02 if self.quick else 0.2)
        return self._flops[isa] * threads


def network_rows(
    options: Options,
    networks: Sequence[Network],
    peers: Sequence[Peer],
    prefix: str = "",
    suffix: str = "",
    quick_batches: Sequence[int] = QUICK_BATCHES,
) -> Iterator[Row]:
    """Training steps, then inference, of each network at each batch size, on cnnfast's current threads."""
    threads, peak = _core.get_num_threads(), Peak(options.quick)
    for kind, prepare in (("train", training_candidates), ("infer", inference_candidates)):
        for network in networks:
            for n in network.training if kind == "train" else network.inference:
                name = f"{prefix}{kind} {network.name} batch {n}{suffix}"
                if (n in quick_batches or not options.quick) and options.includes(name):
                    model = network.build()
                    flops = (6.0 if kind == "train" else 2.0) * n * macs(model)
                    plan, _ = model.prepare(batch_for(model, 1)[0])
                    candidates, notes = prepare(network, n, threads, peers)
                    details = (options.effort, flops, peak.of(plan.isa, threads), notes)
                    yield Row.measured(name, n, "images", candidates, *details)


def macs(model: Module) -> int:
    """Multiply-adds of a forward pass of one image by the direct algorithm; the backward pass has twice as
    many."""
    return sum(row.macs or 0 for row in layer_rows(model))


def batch_for(model: Module, n: int) -> tuple[Array, Labels]:
    """Random images of the model's input shape, and labels: the speed does not depend on the images."""
    assert model.input_shape is not None
    assert model.output_shape is not None
    rng = np.random.default_rng([n, 1])
    x = rng.standard_normal((n, *model.input_shape)).astype(np.float32)
    return x, rng.integers(0, model.output_shape[0], n)


def without_dropout(model: Module) -> Module:
    """The model itself, or a copy whose dropout layers drop nothing: libraries draw different numbers."""
    config = model.to_config()
    if not _clear_dropout(config):
        return model
    twin = from_config(config, seed=0)
    twin.describe(model.description())
    twin.load_state_dict(model.state_dict())
    return twin


def _clear_dropout(config: Any) -> bool:
    """Set the probability of each dropout layer to 0, in place; whether there is one."""
    parts = config.values() if isinstance(config, dict) else config if isinstance(config, list) else ()
    found = sum(map(_clear_dropout, parts)) > 0
    if isinstance(config, dict) and str(config.get("type")).startswith("Dropout"):
        config["p"], found = 0.0, True
    return found


Candidates = tuple[dict[str, Call], tuple[str, ...]]


def training_candidates(network: Network, n: int, threads: int, peers: Sequence[Peer]) -> Candidates:
    """One forward, backward and Adam update of each library; notes on peers that are not timed."""
    model = network.build()
    x, target = batch_for(model, n)
    trainer = Trainer(model, optim.Adam(lr=LEARNING_RATE))
    compared = without_dropout(model)
    ours = compared.loss_and_grad(x, target)
    calls: dict[str, Call] = {}
    differences: dict[str, str] = {}
    unable: dict[str, str] = {}
    for peer in peers:
        try:
            training_step = peer.training(compared, x, target, threads)
            timed = training_step if compared is model else peer.training(model, x, target, threads)
        except NotImplementedError as error:
            unable[peer.name] = str(error)
            continue
        if training_step is None or timed is None:
            continue
        calls[peer.name] = timed.step
        found = training_difference(ours, training_step)
        if found and not _only_rounds(compared, x, target, peer, threads):
            differences[peer.name] = found
    return _agreed(network, lambda: trainer.step(x, target), calls, differences, unable)


def training_difference(
    ours: tuple[float, Mapping[str, Array]], theirs: TrainingStep, limits: tuple[float, float] = (SAME, CLOSE)
) -> str | None:
    """A message if the loss differs by more than the first limit, or a gradient by more than the second."""
    loss, grads = ours
    found = difference("the loss", np.array([loss]), np.array([theirs.loss]), limits[0])
    for key, grad in grads.items():
        found = found or distance(f"the gradient of {key}", grad, theirs.grads[key], limits[1])
    return found


def _only_rounds(model: Module, x: Array, target: Labels, peer: Peer, threads: int) -> bool:
    """Whether a difference in float32 is one of rounding: there is none in float64.

    Batch normalization of an untrained deep network amplifies the gradients from layer to layer, and with
    them the rounding errors.
    """
    if not peer.has_float64:
        return False
    exact = model.copy().to("float64")
    precise = x.astype(np.float64)
    theirs = peer.training(exact, precise, target, threads)
    ours = exact.loss_and_grad(precise, target)
    return theirs is not None and training_difference(ours, theirs, (EXACT, EXACT)) is None


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
    """The candidates whose outputs agree with ours; if none does, it is unknown which is wrong: an error."""
    if differences and len(differences) == len(calls):
        peer, found = next(iter(differences.items()))
        raise CnnfastError(f"bench: {network.name}: for {peer}, {found}: not timed")
    agreeing = {name: call for name, call in calls.items() if name not in differences}
    notes = tuple(f"{name}: not timed, {found}" for name, found in {**differences, **unable}.items())
    return {"cnnfast": ours, **agreeing}, notes


def difference(what: str, ours: Array, theirs: Array, limit: float = SAME) -> str | None:
    """A message if the largest difference, relative to the largest value, exceeds `limit`."""
    return _beyond(what, float(np.abs(ours - theirs).max()) / max(float(np.abs(theirs).max()), 1e-12), limit)


def distance(what: str, ours: Array, theirs: Array, limit: float = CLOSE) -> str | None:
    """A message if the norm of the difference, relative to the norm of theirs, exceeds `limit`."""
    length = max(float(np.linalg.norm(theirs)), 1e-12)
    return _beyond(what, float(np.linalg.norm(ours - theirs)) / length, limit)


def _beyond(what: str, found: float, limit: float) -> str | None:
    if found <= limit:
        return None
    return f"{what} differs by {found:.3g} (relative), allowed is {limit:g}"

"""PyTorch beside us: random geometries of every operation, and our networks with the same weights.

Failures name the seed; CNNFAST_TEST_SEED=<number> draws other geometries.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cnnfast import Trainer, models, nn, optim
from cnnfast.interop.torch import TorchModel
from cnnfast.nn.planned import Operation
from numpy.lib.stride_tricks import sliding_window_view

from tests import oracle
from tests.cases import Case
from tests.cases.elementwise import prelu
from tests.cases.linear import matmul
from tests.cases.normalization import group_norm, layer_norm, response
from tests.oracle import activations
from tests.support import tolerance
from tests.support.drawn_convolutions import FAMILIES as CONVOLUTIONS
from tests.support.drawn_pools import DRAWN
from tests.support.drawn_structure import FAMILIES as STRUCTURE
from tests.support.engine import OneNode, op_of
from tests.support.zoo import SMALL

torch = pytest.importorskip("torch")

TRIALS = 12
BASE = int(os.environ.get("CNNFAST_TEST_SEED", "0"))
Rng = np.random.Generator


class Alone:
    """A case as a twin wants to see it: something that adds its operation, and has parameters."""

    def __init__(self, case: Case, arrays: tuple[np.ndarray, ...]) -> None:
        self.case = case
        values = arrays[len(case.inputs) :]
        self.state = {f"op.{k}": v for k, v in zip(case.parameters, values, strict=True)}

    def operations(self) -> list[Operation]:
        return [Operation(op_of(self.case), tuple(range(len(self.case.inputs))), "op")]

    def auxiliary_outputs(self) -> dict[int, float]:
        return {}

    def state_dict(self) -> dict[str, np.ndarray]:
        return self.state

    def buffers(self) -> dict[str, np.ndarray]:
        return {}


def image(rng: Rng) -> tuple[int, int, int]:
    return int(rng.choice([1, 2, 3, 8, 13, 16, 33])), int(rng.integers(1, 13)), int(rng.integers(1, 13))


def draw_any(op: str, **settings: Any) -> Callable[[Rng], Case]:
    return lambda rng: Case(op, int(rng.integers(1, 6)), (image(rng),), settings)


def draw_group_norm(rng: Rng) -> Case:
    groups, (_, h, w) = int(rng.integers(1, 6)), image(rng)
    shape = (groups * int(rng.integers(2, 9)), h, w)
    return group_norm(int(rng.integers(1, 6)), shape, groups, bool(rng.integers(2)))


#: elementwise functions that are drawn with settings
SETTINGS = ("GELU", "LeakyReLU", "ELU", "Softplus")
FAMILIES: dict[str, Callable[[Rng], Case]] = {
    **DRAWN,
    **CONVOLUTIONS,
    **STRUCTURE,
    **{op: draw_any(op) for op in activations.PAIRS if op not in SETTINGS},
    "GELU erf": draw_any("GELU", approximate="none"),
    "GELU tanh": draw_any("GELU", approximate="tanh"),
    "LeakyReLU": draw_any("LeakyReLU", negative_slope=0.2),
    "ELU": draw_any("ELU", alpha=0.75),
    "SELU 1.5 0.75": draw_any("SELU", alpha=1.5, gamma=0.75),
    "Hardsigmoid 0.25": draw_any("Hardsigmoid", alpha=0.25, beta=0.75),
    "ScaledTanh -0.75 2": draw_any("ScaledTanh", alpha=-0.75, beta=2.0),
    "Hardtanh": draw_any("Hardtanh", min_val=-0.5, max_val=1.25),
    "PReLU": draw_any("PReLU", num_parameters=1, init=0.25),
    "PReLU of channels": lambda rng: prelu(int(rng.integers(1, 6)), image(rng)),
    "MatMul": lambda rng: matmul(*(int(v) for v in rng.integers(1, 40, 4))),
    "Softplus": draw_any("Softplus", beta=1.5, threshold=3.0),
    "GroupNorm": draw_group_norm,
    "LayerNorm": lambda rng: layer_norm(int(rng.integers(1, 6)), image(rng), bool(rng.integers(2))),
    "LocalResponseNorm": lambda rng: response(
        int(rng.integers(1, 6)), image(rng), int(rng.integers(1, 8)), alpha=float(rng.uniform(0, 2))
    ),
}


#: PyTorch multiplies by 1/6 as float32 has it, in float64 too
COARSE = ("Hardswish", "Hardsigmoid")


def by_torch(
    case: Case, arrays: tuple[np.ndarray, ...], dy: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Output and gradients in float64."""
    twin = TorchModel(Alone(case, tuple(a.astype(np.float64) for a in arrays)))
    inputs = [torch.tensor(a.astype(np.float64), requires_grad=True) for a in arrays[: len(case.inputs)]]
    op, places, _ = twin.nodes[0]
    weights = list(twin.parameters.values())
    y = twin._apply(op, [inputs[i] for i in places], weights)
    y.backward(torch.from_numpy(dy.astype(np.float64)))
    return y.detach().numpy(), [t.grad.numpy() for t in (*inputs, *weights)]


@pytest.mark.parametrize("family", FAMILIES)
def test_operation(family: str, isa: str, dtype: str) -> None:
    """Forward and backward; the oracle stands in for PyTorch everywhere else, so it is compared too."""
    for trial in range(TRIALS):
        case = FAMILIES[family](np.random.default_rng([BASE, trial]))
        about = f"seed {BASE}, trial {trial}: {case.id}"
        arrays = case.arrays()
        want = oracle.PAIRS[case.op][0](*arrays, **case.call)
        dy = case.draw(*want.shape, salt="dy")
        y, slopes = by_torch(case, arrays, dy)
        if case.op in COARSE:
            np.testing.assert_allclose(want, y, rtol=1e-6, atol=1e-6, err_msg=about)
            y = want
        node = OneNode(case, isa, dtype)
        tolerance.check(node.forward(*arrays), y, dtype, *tolerance.forward_scale(case, arrays), about)
        np.testing.assert_allclose(want, y, rtol=1e-9, atol=1e-9, err_msg=about)
        scales = tolerance.backward_scales(case, dy, arrays)
        truth = oracle.PAIRS[case.op][1](dy, *arrays, **case.call)
        if case.op in COARSE:
            np.testing.assert_allclose(truth[0], slopes[0], rtol=1e-6, atol=1e-6, err_msg=about)
            slopes = list(truth)
        for k, (got, (terms, scale)) in enumerate(zip(node.backward(dy, *arrays), scales, strict=True)):
            tolerance.check(got, slopes[k], dtype, terms, scale, f"{about}, gradient {k}")
            np.testing.assert_allclose(truth[k], slopes[k], rtol=1e-9, atol=1e-9, err_msg=about)


def test_families_cover_every_operation() -> None:
    drawn = {draw(np.random.default_rng(0)).op for draw in FAMILIES.values()}
    assert drawn == set(oracle.PAIRS)


# --- whole networks ---------------------------------------------------------------------------------


def batch_of(model: Any, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([BASE, seed])
    x = rng.standard_normal((n, *model.input_shape)).astype(np.float32)
    return x, rng.integers(0, model.output_shape[0], n)


@pytest.fixture(autouse=True)
def one_thread_for_torch() -> Iterator[None]:
    """Two thread pools that spin for the same cores would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def largest_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    assert ours.shape == theirs.shape
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("channels_last", [False, True])
def test_network_gives_the_same_logits(name: str, channels_last: bool) -> None:
    model = models.get(name, seed=1)
    twin = TorchModel(model, channels_last)
    x, target = batch_of(model, 33, 1)
    with torch.no_grad():
        logits = twin(twin.tensor(x)).numpy()
    assert np.abs(model(x) - logits).max() <= 1e-5 * max(1, np.abs(logits).max())
    loss, _ = twin.loss_and_grad(twin.tensor(x), torch.from_numpy(target))
    assert model.loss_and_grad(x, target)[0] == pytest.approx(loss, rel=1e-5)


def without_near_ties(model: Any, x: np.ndarray) -> np.ndarray:
    """The images for which no two values that compete for a pooling maximum differ by less than float32
    rounds: there each precision may pick another one, and the gradient of a whole filter moves by a pixel.
    """
    outputs = [x, *model.trace(x).outputs.values()]
    clear = np.ones(len(x), bool)
    for before, layer in zip(outputs, model, strict=False):
        if isinstance(layer, nn.MaxPool2d):
            odd = [(0, 0), (0, 0), *((0, size % 2) for size in before.shape[2:])]
            padded = np.pad(before, odd, constant_values=-np.inf)  # no model pools in other windows than 2x2
            windows = sliding_window_view(padded, (2, 2), (2, 3))[:, :, ::2, ::2]
            ranked = np.sort(windows.reshape(len(x), -1, 4))
            gap = ranked[..., 3] - ranked[..., 2]  # 0 after ReLU: all are 0, in both precisions
            clear &= ~((gap > 0) & (gap <= 3e-6 * np.abs(before).max())).any(axis=1)
    return x[clear]


@pytest.mark.parametrize("name", SMALL)
def test_network_gives_the_same_gradients(name: str, dtype: str) -> None:
    """Against PyTorch in float64: PyTorch in float32 rounds as much as the engine does."""
    model = models.get(name, seed=1)
    x = without_near_ties(model.to("float64"), batch_of(model, 27, 1)[0].astype(np.float64))[:9]
    assert len(x) == 9
    target = batch_of(model, 9, 2)[1]
    _, grads = model.to(dtype).loss_and_grad(x.astype(dtype), target)
    twin = TorchModel(model.to("float64"))
    _, want = twin.loss_and_grad(twin.tensor(x), torch.from_numpy(target))
    assert list(grads) == list(want)
    for key, grad in grads.items():
        assert grad.dtype == dtype
        assert largest_difference(grad, want[key]) <= (1e-5 if dtype == "float32" else 1e-12), key


def test_letters_network_without_activation_after_pool() -> None:
    model = models.hello_dl_letters(seed=1, activation_after_pool=False)
    twin, (x, _) = TorchModel(model), batch_of(model, 5, 2)
    with torch.no_grad():
        logits = twin(twin.tensor(x)).numpy()
    assert np.abs(model(x) - logits).max() <= 1e-5 * max(1, np.abs(logits).max())


OPTIMIZERS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "Adam": (lambda: optim.Adam(lr=1e-3), lambda p: torch.optim.Adam(p, lr=1e-3)),
    "Adam, weight decay": (
        lambda: optim.Adam(lr=1e-3, weight_decay=0.1),
        lambda p: torch.optim.Adam(p, lr=1e-3, weight_decay=0.1),
    ),
    "AdamW": (lambda: optim.AdamW(lr=1e-3), lambda p: torch.optim.AdamW(p, lr=1e-3)),
    "SGD": (lambda: optim.SGD(lr=0.05), lambda p: torch.optim.SGD(p, lr=0.05)),
    "SGD, Nesterov": (
        lambda: optim.SGD(lr=0.02, momentum=0.9, nesterov=True, weight_decay=1e-3),
        lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True, weight_decay=1e-3),
    ),
    "SGD, dampening": (
        lambda: optim.SGD(lr=0.05, momentum=0.9, dampening=0.3),
        lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.3),
    ),
}


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [("d4", o) for o in OPTIMIZERS] + [(n, o) for n in SMALL if n != "d4" for o in ("Adam", "SGD")],
)
def test_ten_steps_follow_the_same_losses(name: str, optimizer: str, dtype: str) -> None:
    """In float64 to nine digits. In float32 rounding decides the sign of gradients near 0, which Adam
    magnifies.
    """
    ours, theirs = OPTIMIZERS[optimizer]
    model = models.get(name, seed=2).to(dtype)
    twin = TorchModel(model)
    trainer, peer = Trainer(model, ours()), theirs(list(twin.parameters.values()))
    x, target = batch_of(model, 16, 3)
    x = x.astype(dtype)
    tx, tt = twin.tensor(x), torch.from_numpy(target)
    losses: list[tuple[float, float]] = []
    for _ in range(10):
        peer.zero_grad()
        loss = torch.nn.functional.cross_entropy(twin(tx), tt)
        loss.backward()
        peer.step()
        losses.append((trainer.step(x, target), loss.item()))
    np.testing.assert_allclose(*zip(*losses, strict=True), rtol=1e-3 if dtype == "float32" else 1e-9)
    assert losses[-1][0] < losses[0][0], "the steps must lead somewhere"

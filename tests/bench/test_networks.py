"""Rows of networks beside invented peers: who agrees is timed, who does not is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from cnnfast import errors, models
from cnnfast.benchmark.networks import Network, TrainingStep, macs, network_rows, without_dropout
from cnnfast.benchmark.timing import Effort, Options
from cnnfast.nn import Dropout, Flatten, Linear, ReLU, Sequential

D4 = Network.shipped("d4")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two calls a row: what is tested is not the speed."""
    monkeypatch.setattr(Options, "effort", Effort(rounds=2, sample=0.0))


@dataclass
class Copyist:
    """Our own answers, made wrong by a factor."""

    name: str = "copyist"
    factor: float = 1.0
    trains: bool = True
    has_float64: bool = False

    def inference(self, model: Any, x: Any, threads: int) -> Any:
        return lambda: self.factor * model(x)

    def training(self, model: Any, x: Any, target: Any, threads: int) -> TrainingStep | None:
        loss, grads = model.loss_and_grad(x, target)
        wrong = {name: self.factor * grad for name, grad in grads.items()}
        return TrainingStep(loss, wrong, lambda: None) if self.trains else None


def rows(kind: str, *peers: Copyist, networks: tuple[Network, ...] = (D4,)) -> list[Any]:
    return list(network_rows(Options(quick=True, only=f"^{kind} .* batch 1$"), networks, peers))


@pytest.mark.parametrize("kind", ["train", "infer"])
def test_peers_are_timed_beside_us(kind: str) -> None:
    (row,) = rows(kind, Copyist("a"), Copyist("b"))
    assert row.name == f"{kind} d4 batch 1"
    assert list(row.seconds) == ["cnnfast", "a", "b"]
    assert row.flops == (6 if kind == "train" else 2) * macs(models.d4())
    assert row.notes == ()


def test_a_peer_that_cannot_train_is_passed_over() -> None:
    (row,) = rows("train", Copyist(trains=False))
    assert list(row.seconds) == ["cnnfast"]


@pytest.mark.parametrize(
    ("kind", "what"), [("train", "the gradient of conv1.weight"), ("infer", "the output")]
)
def test_one_of_two_that_differs_is_named(kind: str, what: str) -> None:
    (row,) = rows(kind, Copyist("a"), Copyist("b", factor=1.1))
    assert list(row.seconds) == ["cnnfast", "a"]
    (note,) = row.notes
    assert note.startswith(f"b: not timed, {what} differs by 0.")


@pytest.mark.parametrize("factor", [1.1, float("nan")])
def test_if_nobody_agrees_nobody_is_timed(factor: float) -> None:
    with pytest.raises(errors.CnnfastError, match=r"^bench: d4: for a, the output differs by .*: not timed$"):
        rows("infer", Copyist("a", factor), Copyist("b", factor))


def test_gradients_are_compared_without_dropout() -> None:
    def build() -> Sequential:
        hidden = Sequential(Linear(784, 20), Dropout(0.5), ReLU())
        return Sequential(Flatten(), hidden, Dropout(0.9), Linear(20, 10), input_shape=(1, 28, 28), seed=0)

    dropping = Network("dropping", build)
    (row,) = rows("train", Copyist(), networks=(dropping,))
    assert list(row.seconds) == ["cnnfast", "copyist"]
    model = build()
    x = np.ones((1, 1, 28, 28), np.float32)
    np.testing.assert_array_equal(without_dropout(model)(x), model(x))
    assert without_dropout(D4.build()).num_parameters() == 52_138
    plain = D4.build()
    assert without_dropout(plain) is plain


@dataclass
class Rounding(Copyist):
    """Gradients with large rounding errors in float32."""

    def training(self, model: Any, x: Any, target: Any, threads: int) -> TrainingStep | None:
        factor = 1.1 if model.dtype == np.float32 else self.factor
        return Copyist(factor=factor).training(model, x, target, threads)


def test_a_difference_of_rounding_is_checked_in_float64() -> None:
    (row,) = rows("train", Rounding(has_float64=True))
    assert list(row.seconds) == ["cnnfast", "copyist"]
    for other in (Rounding(factor=1.1, has_float64=True), Rounding()):
        with pytest.raises(errors.CnnfastError, match=r"^bench: d4: for copyist, the gradient of "):
            rows("train", other)


def test_networks_have_their_own_batch_sizes() -> None:
    network = Network("mine", models.d4, training=(), inference=(1, 2, 64))
    found = network_rows(Options(quick=True), [network], [])
    assert [row.name for row in found] == ["infer mine batch 1", "infer mine batch 64"]
    assert np.isfinite([row.of_peak for row in rows("infer")]).all()

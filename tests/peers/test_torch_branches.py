"""Networks with branches and shortcuts beside the same ones written in PyTorch: names, outputs, gradients,
steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cnnfast import Trainer, nn, optim
from cnnfast.interop.torch import TorchModel

from tests.support.marks import quick_only

torch = pytest.importorskip("torch")
tnn = torch.nn


class TorchInception(tnn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pixel = tnn.Conv2d(3, 4, 1)
        self.window = tnn.Sequential(tnn.Conv2d(3, 2, 1), tnn.ReLU(), tnn.Conv2d(2, 5, 3, padding=1))
        self.pool = tnn.Sequential(tnn.MaxPool2d(3, 1, padding=1), tnn.Conv2d(3, 2, 1))
        self.head = tnn.Linear(14 * 6 * 8, 4)

    def forward(self, x: Any) -> Any:
        y = torch.cat([self.pixel(x), self.window(x), self.pool(x), x], dim=1)
        return self.head(torch.relu(y).flatten(1))


def inception() -> nn.Module:
    g = nn.Graph.builder()
    pixel = g.add(nn.Conv2d(3, 4, 1), g.input, name="pixel")
    window = [nn.Conv2d(3, 2, 1), nn.ReLU(), nn.Conv2d(2, 5, 3, padding=1)]
    window = g.add(nn.Sequential(*window), g.input, name="window")
    pool = g.add(nn.Sequential(nn.MaxPool2d(3, 1, padding=1), nn.Conv2d(3, 2, 1)), g.input, name="pool")
    joined = g.add(nn.ReLU(), g.add(nn.Concat(), pixel, window, pool, g.input))
    return g.build(g.add(nn.Linear(14 * 6 * 8, 4), g.add(nn.Flatten(), joined), name="head"))


class TorchResidual(tnn.Module):
    """Two blocks, with a projection and without."""

    def __init__(self) -> None:
        super().__init__()
        self.down = tnn.ModuleDict(
            {
                "body": tnn.Sequential(tnn.Conv2d(3, 8, 3, 2, 1), tnn.ReLU(), tnn.Conv2d(8, 8, 3, padding=1)),
                "shortcut": tnn.Conv2d(3, 8, 1, 2),
            }
        )
        self.keep = tnn.ModuleDict({"body": tnn.Sequential(tnn.Conv2d(8, 8, 3, padding=1), tnn.GELU())})
        self.head = tnn.Linear(8 * 3 * 4, 4)

    def forward(self, x: Any) -> Any:
        x = self.down["body"](x) + self.down["shortcut"](x)
        return self.head((self.keep["body"](x) + x).flatten(1))


def residual() -> nn.Module:
    body = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1))
    return nn.Sequential(
        {
            "down": nn.Residual(body, nn.Conv2d(3, 8, 1, 2)),
            "keep": nn.Residual(nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.GELU())),
            "flat": nn.Flatten(),
            "head": nn.Linear(8 * 3 * 4, 4),
        }
    )


class TorchDense(tnn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.grow = tnn.ModuleList(tnn.Conv2d(3 + 4 * k, 4, 3, padding=1) for k in range(3))
        self.head = tnn.Linear(15 * 3 * 4, 4)

    def forward(self, x: Any) -> Any:
        for layer in self.grow:
            x = torch.cat([x, torch.relu(layer(x))], dim=1)
        x = torch.nn.functional.max_pool2d(x, 2).reshape(len(x), 3, -1)
        return self.head(x.flatten(1))


def dense() -> nn.Module:
    g = nn.Graph.builder()
    value = g.input
    for k in range(3):
        new = g.add(nn.Conv2d(3 + 4 * k, 4, 3, padding=1), value, name=f"grow{k}")
        value = g.add(nn.Concat(), value, g.add(nn.ReLU(), new))
    value = g.add(nn.Reshape((3, -1)), g.add(nn.MaxPool2d(2), value))
    return g.build(g.add(nn.Linear(15 * 3 * 4, 4), g.add(nn.Flatten(), value), name="head"))


class TorchNormalised(tnn.Module):
    """Batch normalization within branches and behind a join: training waits for the batch at each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.left = tnn.Sequential(tnn.Conv2d(3, 4, 3, padding=1, bias=False), tnn.BatchNorm2d(4), tnn.ReLU())
        self.right = tnn.Sequential(tnn.BatchNorm2d(3), tnn.Conv2d(3, 4, 1), tnn.BatchNorm2d(4))
        self.norm = tnn.BatchNorm2d(11)
        self.head = tnn.Linear(11 * 6 * 8, 4)

    def forward(self, x: Any) -> Any:
        left = self.left(x)
        y = torch.cat([left, left + self.right(x), x], dim=1)
        return self.head(torch.relu(self.norm(y)).flatten(1))


def normalized() -> nn.Module:
    left = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
    right = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    return nn.Graph(
        {
            "left": (left, "input"),
            "right": (right, "input"),
            "sum": (nn.Add(), "left", "right"),
            "all": (nn.Concat(), "left", "sum", "input"),
            "norm": (nn.BatchNorm2d(11), "all"),
            "relu": (nn.ReLU(), "norm"),
            "flat": (nn.Flatten(), "relu"),
            "head": (nn.Linear(11 * 6 * 8, 4), "flat"),
        }
    )


PAIRS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Any]]] = {
    "inception": (inception, TorchInception),
    "residual": (residual, TorchResidual),
    "dense": (dense, TorchDense),
    "normalized": (normalized, TorchNormalised),
}


@pytest.fixture(params=quick_only(PAIRS, ["residual", "normalized", "dense"]))
def pair(request: pytest.FixtureRequest) -> tuple[nn.Module, Any]:
    """Ours and PyTorch's with equal weights in float64; ours loads the other's state as it is."""
    ours, theirs = PAIRS[request.param]
    torch.manual_seed(0)
    peer = theirs().double()
    model = ours().to("float64")
    state = {name.replace("grow.", "grow"): value for name, value in peer.state_dict(keep_vars=True).items()}
    assert model.load_state_dict(state) == ([], [])
    return model, peer


def batch(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.standard_normal((7, 3, 6, 8)), rng.integers(0, 4, 7)


def close(got: np.ndarray, want: Any) -> None:
    want = want.detach().numpy()
    assert got.shape == want.shape
    assert np.abs(got - want).max() <= 1e-12 * max(1, np.abs(want).max())


def test_outputs_and_all_gradients(pair, rng):
    model, peer = pair
    x, _ = batch(rng)
    tx = torch.tensor(x, requires_grad=True)
    y, dy = peer(tx), rng.standard_normal((7, 4))
    y.backward(torch.from_numpy(dy))
    close(model.forward(x), y)
    close(model.backward(dy), tx.grad)
    grads = model.gradients()
    for name, parameter in peer.named_parameters():
        close(grads[name.replace("grow.", "grow")], parameter.grad)
    assert len(grads) == len(list(peer.parameters()))
    for name, value in model.buffers().items():  # moved by one batch
        close(value, peer.get_buffer(name))
    close(model(x), peer.eval()(tx))


def test_ten_steps(pair, rng):
    model, peer = pair
    x, target = batch(rng)
    trainer = Trainer(model, optim.SGD(lr=0.05, momentum=0.9))
    other = torch.optim.SGD(peer.parameters(), lr=0.05, momentum=0.9)
    for _ in range(10):
        other.zero_grad()
        loss = torch.nn.functional.cross_entropy(peer(torch.from_numpy(x)), torch.from_numpy(target))
        loss.backward()
        other.step()
        assert trainer.step(x, target) == pytest.approx(loss.item(), rel=1e-9)


def test_the_twin_of_a_branched_network(pair, rng):
    model, _ = pair
    if model.buffers():
        pytest.skip("a twin has no training pass of its own for batch normalization")
    x, target = batch(rng)
    loss, grads = model.loss_and_grad(x, target)
    twin = TorchModel(model)
    want, slopes = twin.loss_and_grad(twin.tensor(x), torch.from_numpy(target))
    assert loss == pytest.approx(want, rel=1e-12)
    for name, grad in grads.items():
        assert np.abs(grad - slopes[name]).max() <= 1e-12 * max(1, np.abs(slopes[name]).max())


def test_frozen_parameters_as_requires_grad(pair, rng):
    """Ten steps of AdamW with the head alone free: as in PyTorch, where frozen normalization layers have to
    be put into evaluation mode by hand.
    """
    model, peer = pair
    x, target = batch(rng)
    head = [name for name in model.state_dict() if name.startswith("head")]
    model.freeze()
    model.unfreeze("head")
    for name, parameter in peer.named_parameters():
        parameter.requires_grad_(name in head)
    for layer in peer.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.eval()
    trainer = Trainer(model, optim.AdamW(lr=0.01))
    other = torch.optim.AdamW([p for p in peer.parameters() if p.requires_grad], lr=0.01)
    before = model.state_dict()
    for _ in range(10):
        other.zero_grad()
        torch.nn.functional.cross_entropy(peer(torch.from_numpy(x)), torch.from_numpy(target)).backward()
        other.step()
        trainer.step(x, target)
    for name, value in model.buffers().items():
        np.testing.assert_allclose(value, peer.get_buffer(name).numpy(), rtol=1e-8)
    for name, parameter in peer.named_parameters():
        ours = name.replace("grow.", "grow")
        got, want = model.state_dict()[ours], parameter.detach().numpy()
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-10)
        assert np.array_equal(got, before[ours]) == (ours not in head)

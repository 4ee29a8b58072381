"""Activations beside PyTorch's: settings, shapes and magnitudes drawn at random; alone, and in networks where
a plan fuses them with a convolution and a pool.

Failures name the seed; CNNFAST_TEST_SEED=<number> draws others.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cnnfast import _core, nn
from cnnfast.interop.torch import TorchModel

torch = pytest.importorskip("torch")

TRIALS = 40
BASE = int(os.environ.get("CNNFAST_TEST_SEED", "0"))
Rng = np.random.Generator
F = torch.nn.functional

#: layer, settings drawn at random, PyTorch's function
KINDS: dict[str, tuple[type[nn.Module], Callable[[Rng], dict[str, Any]], Callable[..., Any]]] = {
    "relu": (nn.ReLU, lambda _: {}, F.relu),
    "leaky_relu": (nn.LeakyReLU, lambda r: {"negative_slope": r.uniform(-1, 1)}, F.leaky_relu),
    "elu": (nn.ELU, lambda r: {"alpha": r.uniform(0.1, 3)}, F.elu),
    "selu": (nn.SELU, lambda _: {}, F.selu),
    "gelu": (nn.GELU, lambda r: {"approximate": str(r.choice(["none", "tanh"]))}, F.gelu),
    "silu": (nn.SiLU, lambda _: {}, F.silu),
    "mish": (nn.Mish, lambda _: {}, F.mish),
    "sigmoid": (nn.Sigmoid, lambda _: {}, torch.sigmoid),
    "tanh": (nn.Tanh, lambda _: {}, torch.tanh),
    "softplus": (
        nn.Softplus,
        lambda r: {"beta": r.uniform(0.2, 4), "threshold": r.choice([-2.0, 1.0, 20.0])},
        F.softplus,
    ),
    "hardswish": (nn.Hardswish, lambda _: {}, F.hardswish),
    "hardsigmoid": (nn.Hardsigmoid, lambda _: {}, F.hardsigmoid),
    "hardtanh": (
        nn.Hardtanh,
        lambda r: {"min_val": r.uniform(-2, 0), "max_val": r.uniform(0.1, 2)},
        F.hardtanh,
    ),
    "relu6": (nn.ReLU6, lambda _: {}, F.relu6),
}
#: PyTorch multiplies by 1/6 as float32 has it, in float64 too
COARSE = ("hardswish", "hardsigmoid")


def on(isa: str, model: nn.Module, shape: tuple[int, ...]) -> _core.Plan:
    graph = _core.Graph(shape)
    model.add_to(graph, 0, "")
    return _core.Plan(graph, "float64", isa=isa)


def drawn(kind: str, rng: Rng) -> tuple[nn.Module, dict[str, Any]]:
    layer, settings, _ = KINDS[kind]
    chosen = settings(rng)
    return layer(**chosen), chosen


@pytest.mark.parametrize("kind", KINDS)
def test_alone(kind: str, dtype: str) -> None:
    for trial in range(TRIALS):
        rng = np.random.default_rng([BASE, trial])
        layer, settings = drawn(kind, rng)
        shape = (int(rng.integers(0, 5)), *(int(e) for e in rng.integers(1, 12, int(rng.integers(1, 4)))))
        x = (rng.standard_normal(shape) * rng.choice([1e-6, 0.3, 3, 30, 300])).astype(dtype)
        dy = rng.standard_normal(shape).astype(dtype)
        about = f"seed {BASE}, trial {trial}: {layer!r} on {shape}"
        tx = torch.tensor(x.astype(np.float64), requires_grad=True)
        ty = KINDS[kind][2](tx, **settings)
        ty.backward(torch.from_numpy(dy.astype(np.float64)))
        layer.to(dtype)
        y = layer.forward(x)
        limit = 4e-6 if dtype == "float32" or kind in COARSE else 1e-12
        np.testing.assert_allclose(y, ty.detach().numpy(), rtol=limit, atol=limit, err_msg=about)
        dx = layer.backward(dy)
        assert y.dtype == dx.dtype == dtype
        np.testing.assert_allclose(dx, tx.grad.numpy(), rtol=limit, atol=limit, err_msg=about)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.slow
def test_in_networks(kind: str, isa: str) -> None:
    """Behind a convolution, and before or behind the pool: output and all gradients, in float64."""
    fused = 0
    for trial in range(TRIALS // 2):
        rng = np.random.default_rng([BASE, 1000 + trial])
        layer, _ = drawn(kind, rng)
        c, h, w, c_out = (
            int(v) for v in (rng.choice([1, 3, 8]), *rng.integers(5, 12, 2), rng.choice([3, 8, 17]))
        )
        pool = nn.MaxPool2d(2, ceil_mode=bool(rng.integers(2)))
        conv = nn.Conv2d(
            c, c_out, int(rng.choice([1, 3])), padding=int(rng.integers(0, 2)), bias=bool(rng.integers(2))
        )
        middle = [[layer], [layer, pool], [pool, layer]][int(rng.integers(3))]
        body = [conv, *middle, nn.Flatten()]
        features = int(np.prod(nn.Sequential(*body)._output_shape((c, h, w))))
        model = nn.Sequential(*(m.copy() for m in body), nn.Linear(features, 4)).to("float64")
        model.initialize(int(rng.integers(1000)))
        x, target = rng.standard_normal((3, c, h, w)), rng.integers(0, 4, 3)
        twin = TorchModel(model)
        want_loss, want = twin.loss_and_grad(twin.tensor(x), torch.from_numpy(target))
        plan = on(isa, model, (c, h, w))
        params = np.concatenate([v.ravel() for v in model.state_dict().values()])
        grads = np.full_like(params, np.nan)
        loss, *_ = plan.loss_and_grad(x, target, params, grads)
        about = f"seed {BASE}, trial {trial}: {model!r} on {(c, h, w)}"
        limit = 1e-6 if kind in COARSE else 1e-11
        assert loss == pytest.approx(want_loss, rel=limit), about
        for name, start, window in plan.parameters:
            grad = grads[start : start + int(np.prod(window))].reshape(window)
            error = np.abs(grad - want[name]).max()
            assert error <= limit * max(1, np.abs(want[name]).max()), f"{about}: {name} off by {error}"
        fused += len(plan.nodes()) <= len(body)
    assert fused > TRIALS // 4, "else this is no test of fused nodes"

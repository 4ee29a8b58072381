"""Optimizers beside PyTorch's: settings, groups and gradients at random, in float64 to the last digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cnnfast import optim

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.slow

DRAWS = 40
SHAPES = [("0.weight", (7, 3, 3, 3)), ("0.bias", (7,)), ("2.weight", (5, 7)), ("2.bias", (5,))]
SIZE = sum(int(np.prod(shape)) for _, shape in SHAPES)


def logarithmic(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def draw_settings(kind: str, rng: np.random.Generator) -> dict[str, Any]:
    """Everything the optimizer has, at random; now and then a setting is 0."""
    maybe = lambda value: value if rng.random() < 0.6 else 0.0  # noqa: E731
    settings: dict[str, Any] = {
        "lr": logarithmic(rng, 1e-4, 1),
        "weight_decay": maybe(logarithmic(rng, 1e-4, 1)),
        "maximize": bool(rng.random() < 0.3),
    }
    if kind == "SGD":
        settings |= {"momentum": maybe(rng.uniform(0, 1)), "dampening": maybe(rng.uniform(0, 1))}
        settings["nesterov"] = bool(settings["momentum"] and not settings["dampening"] and rng.random() < 0.7)
    else:
        settings["eps"] = logarithmic(rng, 1e-10, 1e-1)
    if kind in ("Adam", "AdamW"):
        settings |= {"betas": tuple(rng.uniform(0, 0.999, 2)), "amsgrad": bool(rng.random() < 0.5)}
    if kind == "RMSprop":
        # PyTorch's centered form is NaN where rounding makes its variance negative: gradients vary enough
        settings |= {"alpha": rng.uniform(0.5, 0.999), "momentum": maybe(rng.uniform(0, 1))}
        settings["centered"] = bool(rng.random() < 0.5)
    if kind == "Adagrad":
        settings |= {
            "lr_decay": maybe(rng.uniform(0, 1)),
            "initial_accumulator_value": 0.25,
        }
    return settings


@pytest.mark.parametrize("number", range(DRAWS))
@pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_groups_and_frozen_parameters_step_as_in_pytorch(kind: str, number: int) -> None:
    """Weights, biases, and a parameter that is unfrozen later: PyTorch skips it while it has no gradient."""
    rng = np.random.default_rng([number, len(kind), ord(kind[-1])])
    settings, others = draw_settings(kind, rng), draw_settings(kind, rng)
    optimizer = getattr(optim, kind)(**settings, groups=[optim.Group("*.bias", **others)])
    params = rng.standard_normal(SIZE)
    theirs, start = {}, 0
    for name, shape in SHAPES:
        stop = start + int(np.prod(shape))
        theirs[name] = torch.nn.Parameter(torch.tensor(params[start:stop].reshape(shape)))
        start = stop
    by_kind = [[p for name, p in theirs.items() if name.endswith(end)] for end in ("weight", "bias")]
    their_optimizer = getattr(torch.optim, kind)(
        [{"params": by_kind[0], **settings}, {"params": by_kind[1], **others}],
        lr=1.0,
        # PyTorch takes this one from the constructor, whatever the group says
        **({"initial_accumulator_value": 0.25} if kind == "Adagrad" else {}),
    )
    frozen = rng.choice([name for name, _ in SHAPES])
    optimizer.bind(params, SHAPES)
    for step in range(12):
        optimizer.frozen = {frozen} if step < 5 else ()
        grads = rng.standard_normal(SIZE) * logarithmic(rng, 1e-2, 1e2)
        optimizer.step(params, grads)
        start = 0
        for name, shape in SHAPES:
            stop = start + int(np.prod(shape))
            theirs[name].grad = torch.tensor(grads[start:stop].reshape(shape))
            start = stop
        if step < 5:
            theirs[frozen].grad = None
        their_optimizer.step()
        want = np.concatenate([p.detach().numpy().ravel() for p in theirs.values()])
        np.testing.assert_allclose(params, want, rtol=1e-9, atol=1e-9, err_msg=f"{settings} {others} {step}")

"""Schedules: rates beside PyTorch's, lengths that are left open, plain data, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cnnfast import optim
from cnnfast.optim import lr_scheduler as lrs

from tests.support.refusal import refused

BASES = (0.1, 0.03)


def theirs(build: Callable[[Any, Any], Any], length: int, metrics: list[float] | None = None) -> np.ndarray:
    """The rates of PyTorch's schedule for two groups, before each of so many steps."""
    torch = pytest.importorskip("torch")
    params = [torch.nn.Parameter(torch.zeros(1)) for _ in BASES]
    groups = [{"params": [p], "lr": base} for p, base in zip(params, BASES, strict=True)]
    optimizer = torch.optim.SGD(groups, lr=1.0)
    schedule = build(torch.optim.lr_scheduler, optimizer)
    rates = []
    for t in range(length):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        if metrics is None:
            schedule.step()
        else:
            schedule.step(metrics[t])
    return np.array(rates)


def ours(schedule: lrs.Schedule, length: int, metrics: list[float] | None = None) -> np.ndarray:
    """The same, through a Scheduler that counts what the schedule counts."""
    groups = [optim.Group("second", lr=BASES[1])]
    optimizer = optim.SGD(BASES[0], groups=groups)
    scheduler = lrs.Scheduler(optimizer, schedule)
    rates = []
    for t in range(length):
        rates.append(optimizer.learning_rates())
        if getattr(schedule, "by", "epoch") == "step":
            scheduler.after_step()
        else:
            scheduler.after_epoch(None if metrics is None else metrics[t])
    return np.array(rates)


def agree(schedule: lrs.Schedule, build: Callable[[Any, Any], Any], length: int = 40) -> None:
    np.testing.assert_allclose(
        ours(schedule, length), theirs(build, length), rtol=1e-12, atol=1e-17, err_msg=repr(schedule)
    )


def draw(kind: str, rng: np.random.Generator) -> dict[str, Any]:
    """Settings at random, as both sides take them."""
    count = lambda: int(rng.integers(1, 12))  # noqa: E731
    share = lambda: float(rng.uniform(0.05, 1))  # noqa: E731
    return {
        "StepLR": lambda: {"step_size": count(), "gamma": share()},
        "MultiStepLR": lambda: {"milestones": sorted(rng.integers(1, 40, 4).tolist()), "gamma": share()},
        "ExponentialLR": lambda: {"gamma": share()},
        "ConstantLR": lambda: {"factor": share(), "total_iters": count()},
        "LinearLR": lambda: {"start_factor": share(), "end_factor": share(), "total_iters": count()},
        "PolynomialLR": lambda: {"total_iters": count(), "power": float(rng.uniform(0, 3))},
        "CosineAnnealingLR": lambda: {"T_max": count(), "eta_min": float(rng.uniform(0, 0.2))},
        "CosineAnnealingWarmRestarts": lambda: {
            "T_0": count(),
            "T_mult": int(rng.integers(1, 4)),
            "eta_min": float(rng.uniform(0, 0.2)),
        },
    }[kind]()


KINDS = [
    *("StepLR", "MultiStepLR", "ExponentialLR", "ConstantLR", "LinearLR", "PolynomialLR"),
    *("CosineAnnealingLR", "CosineAnnealingWarmRestarts"),
]


@pytest.mark.parametrize("number", range(25))
@pytest.mark.parametrize("kind", KINDS)
def test_rates_are_pytorchs(kind: str, number: int) -> None:
    rng = np.random.default_rng([number, KINDS.index(kind)])
    settings = draw(kind, rng)
    by = str(rng.choice(["epoch", "step"]))
    agree(getattr(lrs, kind)(**settings, by=by), lambda torch, opt: getattr(torch, kind)(opt, **settings))


@pytest.mark.parametrize("number", range(40))
def test_one_cycle_is_pytorchs(number: int) -> None:
    rng = np.random.default_rng([number, 1])
    total = int(rng.integers(5, 60))
    three = bool(rng.random() < 0.5)
    settings = {
        "max_lr": float(rng.uniform(0.1, 2)),
        "total_steps": total,
        # PyTorch divides by zero where a phase has no length
        "pct_start": float(rng.uniform(0.01, 0.45 if three else 0.99)),
        "anneal_strategy": str(rng.choice(["cos", "linear"])),
        "div_factor": float(rng.uniform(1, 50)),
        "final_div_factor": float(10 ** rng.uniform(0, 5)),
        "three_phase": three,
    }
    if any(abs(k * settings["pct_start"] * total - k) < 1e-9 for k in (1, 2)):
        pytest.skip("a phase without length")
    agree(
        lrs.OneCycleLR(**settings),
        lambda torch, opt: torch.OneCycleLR(opt, **settings, cycle_momentum=False),
        length=total,
    )


def test_one_cycle_stays_at_its_end_and_may_peak_at_once():
    cycle = lrs.OneCycleLR(total_steps=10, pct_start=0.1)
    assert cycle.lr(0.5, step=0) == 0.5
    assert cycle.lr(0.5, step=9) == cycle.lr(0.5, step=50) == pytest.approx(0.5 / 25 / 1e4)
    assert lrs.OneCycleLR(total_steps=1, pct_start=1.0).lr(0.5, step=0) == 0.5


@pytest.mark.parametrize("number", range(40))
def test_plateau_is_pytorchs(number: int) -> None:
    rng = np.random.default_rng([number, 2])
    settings = {
        "mode": str(rng.choice(["min", "max"])),
        "factor": float(rng.uniform(0.05, 0.9)),
        "patience": int(rng.integers(0, 5)),
        "threshold": float(10 ** rng.uniform(-5, 0)) * 0.5,
        "threshold_mode": str(rng.choice(["rel", "abs"])),
        "cooldown": int(rng.integers(0, 4)),
        "min_lr": float(rng.choice([0, 0.01, 0.05])),
        "eps": float(10 ** rng.uniform(-9, -2)),
    }
    metrics = np.round(np.cumsum(rng.standard_normal(60) * 0.3) + rng.uniform(-3, 3), 2)
    metrics[rng.random(60) < 0.05] = np.nan
    metrics[rng.random(60) < 0.03] = np.inf
    values = metrics.tolist()
    np.testing.assert_allclose(
        ours(lrs.ReduceLROnPlateau(**settings), 60, values),
        theirs(lambda torch, opt: torch.ReduceLROnPlateau(opt, **settings), 60, values),
        rtol=1e-12,
        err_msg=repr(settings),
    )


@pytest.mark.parametrize("number", range(30))
def test_sequences_are_pytorchs(number: int) -> None:
    rng = np.random.default_rng([number, 4])
    kinds = rng.choice(KINDS, 3).tolist()
    settings = [draw(kind, rng) for kind in kinds]
    milestones = np.sort(rng.choice(np.arange(1, 35), 2, replace=False)).tolist()
    agree(
        lrs.SequentialLR([getattr(lrs, k)(**s) for k, s in zip(kinds, settings, strict=True)], milestones),
        lambda torch, opt: torch.SequentialLR(
            opt, [getattr(torch, k)(opt, **s) for k, s in zip(kinds, settings, strict=True)], milestones
        ),
    )


@pytest.mark.parametrize("number", range(30))
def test_chains_of_factors_are_pytorchs(number: int) -> None:
    rng = np.random.default_rng([number, 5])
    kinds = rng.choice(KINDS[:6], 3, replace=False).tolist()
    settings = [draw(kind, rng) for kind in kinds]
    agree(
        lrs.ChainedScheduler([getattr(lrs, k)(**s) for k, s in zip(kinds, settings, strict=True)]),
        lambda torch, opt: torch.ChainedScheduler(
            [getattr(torch, k)(opt, **s) for k, s in zip(kinds, settings, strict=True)]
        ),
    )


def test_a_chain_of_steps_and_epochs_and_a_plateau():
    chain = lrs.ChainedScheduler(
        [lrs.LinearLR(0.5, total_iters=2, by="step"), lrs.ReduceLROnPlateau(patience=0, factor=0.5)]
    )
    assert chain.watches == "loss"
    optimizer = optim.SGD(1.0)
    scheduler = lrs.Scheduler(optimizer, chain)
    rates = [optimizer.lr]
    for metric in (2.0, 2.0, 1.0):
        scheduler.after_step()
        rates.append(optimizer.lr)
        scheduler.after_epoch(metric)
        rates.append(optimizer.lr)
    assert rates == [0.5, 0.75, 0.75, 1.0, 0.5, 0.5, 0.5]


# ------------------------------------------------------------------ lengths


def test_an_open_length_is_that_of_the_training():
    plan = {"epochs": 6, "steps": 24}
    assert lrs.CosineAnnealingLR().planned(**plan) == lrs.CosineAnnealingLR(T_max=6)
    assert lrs.CosineAnnealingLR(by="step").planned(**plan) == lrs.CosineAnnealingLR(T_max=24, by="step")
    assert lrs.CosineAnnealingLR(T_max=2).planned(**plan) == lrs.CosineAnnealingLR(T_max=2)
    assert lrs.PolynomialLR().planned(**plan) == lrs.PolynomialLR(total_iters=6)
    assert lrs.OneCycleLR().planned(**plan) == lrs.OneCycleLR(total_steps=24)
    chain = lrs.ChainedScheduler([lrs.StepLR(3), lrs.OneCycleLR()]).planned(**plan)
    assert chain == lrs.ChainedScheduler([lrs.StepLR(3), lrs.OneCycleLR(total_steps=24)])


def test_an_open_length_in_a_sequence_is_that_of_its_part():
    parts = [lrs.LinearLR(total_iters=2), lrs.CosineAnnealingLR(), lrs.PolynomialLR()]
    assert lrs.SequentialLR(parts, [2, 5]).planned(epochs=9, steps=90).schedules == (
        lrs.LinearLR(total_iters=2),
        lrs.CosineAnnealingLR(T_max=3),
        lrs.PolynomialLR(total_iters=4),
    )
    # a part that is never reached must still make sense
    assert lrs.SequentialLR(parts, [2, 5]).planned(epochs=4).schedules[2] == lrs.PolynomialLR(total_iters=1)
    assert lrs.SequentialLR(parts, [2, 5]).planned().schedules[1] == lrs.CosineAnnealingLR(T_max=3)


def test_a_missing_length_is_named():
    text = "CosineAnnealingLR: T_max is unknown; set it, or give the Scheduler the epochs"
    with refused(ValueError, text):
        lrs.Scheduler(optim.SGD(1), lrs.CosineAnnealingLR())
    text = "OneCycleLR: total_steps is unknown; set it, or give the Scheduler the epochs and steps_per_epoch"
    with refused(ValueError, text):
        lrs.Scheduler(optim.SGD(1), lrs.OneCycleLR(), epochs=3)


# ------------------------------------------------------------------ plain data


# ------------------------------------------------------------------ errors


# ------------------------------------------------------------------ going on later

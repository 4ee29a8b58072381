"""Schedules: rates beside PyTorch's, lengths that are left open, plain data, errors."""

from __future__ import annotations

import json
import math
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

EVERY: list[lrs.Schedule] = [
    lrs.StepLR(3),
    lrs.MultiStepLR([2, 2, 7], gamma=0.5, by="step"),
    lrs.ExponentialLR(0.9),
    lrs.ConstantLR(0.5, 3),
    lrs.LinearLR(by="step"),
    lrs.PolynomialLR(power=2),
    lrs.CosineAnnealingLR(by="step"),
    lrs.CosineAnnealingWarmRestarts(3, 2),
    lrs.OneCycleLR(three_phase=True),
    lrs.ReduceLROnPlateau("max", patience=3),
    lrs.ChainedScheduler([lrs.LinearLR(by="step"), lrs.ReduceLROnPlateau()]),
    lrs.SequentialLR([lrs.LinearLR(), lrs.ChainedScheduler([lrs.StepLR(2)]).schedules[0]], [5]),
]


@pytest.mark.parametrize("schedule", EVERY, ids=lambda s: type(s).__name__)
def test_a_schedule_is_plain_data(schedule: lrs.Schedule) -> None:
    config = json.loads(json.dumps(schedule.to_config()))
    assert lrs.from_config(config) == schedule
    assert hash(lrs.from_config(config)) == hash(schedule)


def test_every_schedule_is_among_them():
    assert {type(s).__name__ for s in EVERY} == {
        name for name in lrs.__all__ if isinstance(getattr(lrs, name), type)
    } - {"Schedule", "Scheduler"}


@pytest.mark.parametrize(
    ("config", "error", "text"),
    [
        (3, TypeError, "from_config: a schedule must be described by a dict, got int"),
        (
            {"type": "Step"},
            ValueError,
            "from_config: unknown schedule 'Step'; known are ChainedScheduler, ConstantLR, "
            "CosineAnnealingLR, CosineAnnealingWarmRestarts, ExponentialLR, LinearLR, MultiStepLR, "
            "OneCycleLR, PolynomialLR, ReduceLROnPlateau, SequentialLR, StepLR; did you mean 'StepLR'?",
        ),
        (
            {"type": "StepLR", "step_size": 1, "size": 2},
            ValueError,
            "StepLR: has no setting 'size'; it takes step_size, gamma, by; did you mean 'step_size'?",
        ),
        ({"type": "StepLR"}, ValueError, "StepLR: the setting 'step_size' is missing"),
    ],
)
def test_data_that_describe_no_schedule_are_refused(config, error, text):
    with refused(error, text):
        lrs.from_config(config)


# ------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (lambda: lrs.StepLR(0), ValueError, "StepLR: step_size must be at least 1, got 0"),
        (lambda: lrs.StepLR(2.5), TypeError, "StepLR: step_size must be an integer, got float 2.5"),
        (
            lambda: lrs.StepLR(1, gamma=math.nan),
            ValueError,
            "StepLR: gamma must be finite and at least 0, got nan",
        ),
        (
            lambda: lrs.StepLR(1, by="batch"),
            ValueError,
            'StepLR: by must be "epoch" or "step", got \'batch\'',
        ),
        (
            lambda: lrs.MultiStepLR(3),
            TypeError,
            "MultiStepLR: milestones must be a list of integers, got int 3",
        ),
        (lambda: lrs.MultiStepLR([5, 3]), ValueError, "MultiStepLR: milestones must increase, got [5, 3]"),
        (lambda: lrs.MultiStepLR([0]), ValueError, "MultiStepLR: milestones must be at least 1, got 0"),
        (
            lambda: lrs.ExponentialLR(-1),
            ValueError,
            "ExponentialLR: gamma must be finite and at least 0, got -1",
        ),
        (
            lambda: lrs.ConstantLR(factor=2),
            ValueError,
            "ConstantLR: factor must be at least 0 and at most 1, got 2",
        ),
        (
            lambda: lrs.LinearLR(start_factor=0),
            ValueError,
            "LinearLR: start_factor must be above 0 and at most 1, got 0",
        ),
        (
            lambda: lrs.PolynomialLR(power=math.inf),
            ValueError,
            "PolynomialLR: power must be finite and at least 0, got inf",
        ),
        (
            lambda: lrs.CosineAnnealingLR(T_max=0),
            ValueError,
            "CosineAnnealingLR: T_max must be at least 1, got 0",
        ),
        (
            lambda: lrs.CosineAnnealingWarmRestarts(4, 0),
            ValueError,
            "CosineAnnealingWarmRestarts: T_mult must be at least 1, got 0",
        ),
        (
            lambda: lrs.OneCycleLR(pct_start=1.5),
            ValueError,
            "OneCycleLR: pct_start must be at least 0 and at most 1, got 1.5",
        ),
        (lambda: lrs.OneCycleLR(max_lr=0), ValueError, "OneCycleLR: max_lr must be above 0, got 0"),
        (
            lambda: lrs.OneCycleLR(anneal_strategy="sin"),
            ValueError,
            'OneCycleLR: anneal_strategy must be "cos" or "linear", got \'sin\'',
        ),
        (
            lambda: lrs.OneCycleLR(three_phase=1),
            TypeError,
            "OneCycleLR: three_phase must be True or False, got 1",
        ),
        (
            lambda: lrs.ReduceLROnPlateau("low"),
            ValueError,
            'ReduceLROnPlateau: mode must be "min" or "max", got \'low\'',
        ),
        (
            lambda: lrs.ReduceLROnPlateau(factor=1),
            ValueError,
            "ReduceLROnPlateau: factor must be at least 0 and below 1, got 1",
        ),
        (
            lambda: lrs.ReduceLROnPlateau(patience=-1),
            ValueError,
            "ReduceLROnPlateau: patience must be at least 0, got -1",
        ),
        (
            lambda: lrs.ChainedScheduler([]),
            TypeError,
            "ChainedScheduler: schedules must be a list of schedules, got []",
        ),
        (
            lambda: lrs.ChainedScheduler(["cosine"]),
            TypeError,
            "ChainedScheduler: schedules must hold schedules, got str",
        ),
        (
            lambda: lrs.ChainedScheduler([lrs.ReduceLROnPlateau("min"), lrs.ReduceLROnPlateau("max")]),
            ValueError,
            "ChainedScheduler: its schedules use different metrics, loss and accuracy",
        ),
        (
            lambda: lrs.SequentialLR([lrs.StepLR(1), lrs.StepLR(2)], []),
            ValueError,
            "SequentialLR: 2 schedules need 1 milestones, got []",
        ),
        (
            lambda: lrs.SequentialLR([lrs.StepLR(1)] * 3, [4, 4]),
            ValueError,
            "SequentialLR: milestones must increase, got [4, 4]",
        ),
        (
            lambda: lrs.SequentialLR([lrs.StepLR(1), lrs.OneCycleLR()], [4]),
            ValueError,
            "SequentialLR: its schedules must all count epochs, or all steps; "
            "ChainedScheduler accepts any combination",
        ),
        (
            lambda: lrs.SequentialLR([lrs.ReduceLROnPlateau()], []),
            ValueError,
            "SequentialLR: its schedules must all count epochs, or all steps; "
            "ChainedScheduler accepts any combination",
        ),
        (
            lambda: lrs.Scheduler("sgd", lrs.StepLR(1)),
            TypeError,
            "Scheduler: optimizer must be an Optimizer, got 'sgd'; use optim.SGD(...)",
        ),
        (
            lambda: lrs.Scheduler(optim.SGD(1), "cosine"),
            TypeError,
            "Scheduler: schedule must be one of optim.lr_scheduler, got str",
        ),
        (
            lambda: lrs.Scheduler(optim.SGD(1), lrs.StepLR(1), epochs=0),
            ValueError,
            "Scheduler: epochs must be at least 1, got 0",
        ),
        (
            lambda: lrs.Scheduler(optim.SGD(1), lrs.ReduceLROnPlateau()).after_epoch(),
            ValueError,
            "Scheduler: after_epoch needs the validation loss for this schedule",
        ),
    ],
)
def test_bad_settings_are_refused(build, error, text):
    with refused(error, text):
        build()


# ------------------------------------------------------------------ going on later


@pytest.mark.parametrize("schedule", EVERY, ids=lambda s: type(s).__name__)
def test_a_scheduler_goes_on_where_it_was(schedule: lrs.Schedule) -> None:
    """After every number of epochs: the state through JSON into a new optimizer, the same rates."""
    metrics = [3.0, 2.0, 2.0, 2.0, 2.0, math.inf, 2.0, 1.0]
    length = {"epochs": len(metrics), "steps_per_epoch": 3}

    def run(scheduler: lrs.Scheduler, optimizer: optim.Optimizer, start: int, stop: int) -> list[float]:
        rates = []
        for metric in metrics[start:stop]:
            for _ in range(3):
                rates.append(optimizer.lr)
                scheduler.after_step()
            scheduler.after_epoch(metric)
        return [*rates, optimizer.lr]

    whole = optim.SGD(0.1)
    want = run(lrs.Scheduler(whole, schedule, **length), whole, 0, len(metrics))
    for stop in range(len(metrics)):
        first, second = optim.SGD(0.1), optim.SGD(7.0)
        scheduler = lrs.Scheduler(first, schedule, **length)
        rates = run(scheduler, first, 0, stop)[:-1]
        state = json.loads(json.dumps(scheduler.state_dict()))
        again = lrs.Scheduler(second, lrs.StepLR(1))
        again.load_state_dict(state)
        assert (again.steps, again.epochs) == (3 * stop, stop)
        assert rates + run(again, second, stop, len(metrics)) == want
        again.give_back()
        assert second.lr == 0.1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"steps": -1}, "Scheduler: steps must be at least 0, got -1"),
        ({"bases": [0.1, 0.2]}, "Scheduler: the state is of 2 learning rates, the optimizer has 1"),
        ({"bases": [math.nan]}, "Scheduler: bases must be finite and at least 0, got nan"),
        ({"metrics": [1.0]}, "Scheduler: the state has 0 epochs, but 1 metrics"),
        ({"more": 1}, "Scheduler: state must be what state_dict() returned"),
    ],
)
def test_states_that_do_not_fit_are_refused(change, text):
    scheduler = lrs.Scheduler(optim.SGD(0.1), lrs.ReduceLROnPlateau())
    with refused(ValueError, text):
        scheduler.load_state_dict({**scheduler.state_dict(), **change})
    assert scheduler.state_dict()["bases"] == [0.1]

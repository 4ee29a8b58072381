"""Settings of schedules as plain data, and what is refused."""

from __future__ import annotations

import json
import math

import pytest
from cnnfast import optim
from cnnfast.optim import lr_scheduler as lrs

from tests.support.refusal import refused

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


@pytest.mark.parametrize("schedule", EVERY, ids=lambda s: type(s).__name__)
def test_a_scheduler_resumes(schedule: lrs.Schedule) -> None:
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

"""Groups of parameters and frozen ones: who is in, what holds, what a step changes, going on later."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cnnfast import Trainer, fit, nn, optim

from tests.support.refusal import refused

SHAPES = [("conv.weight", (4, 1, 3, 3)), ("conv.bias", (4,)), ("norm.weight", (4,)), ("head.weight", (2, 4))]
SIZE = 36 + 4 + 4 + 8
WHERE = {
    "conv.weight": slice(0, 36),
    "conv.bias": slice(36, 40),
    "norm.weight": slice(40, 44),
    "head.weight": slice(44, 52),
}


def step(optimizer: optim.Optimizer, grad: float = 1.0, shapes: Any = SHAPES) -> dict[str, float]:
    """One step of a bound or new optimizer on zeros; what it did to each parameter."""
    params = np.ones(SIZE)
    optimizer.bind(params, shapes)
    optimizer.step(params, np.full(SIZE, grad))
    moved = {name: np.unique(params[where]) for name, where in WHERE.items()}
    assert all(values.size == 1 for values in moved.values())
    return {name: round(float(values[0] - 1), 12) for name, values in moved.items()}


def test_a_group_has_its_own_settings():
    moved = step(optim.SGD(0.5, groups=[optim.Group("head.*", lr=0.25)]))
    assert moved == {"conv.weight": -0.5, "conv.bias": -0.5, "norm.weight": -0.5, "head.weight": -0.25}


def test_no_decay_takes_biases_and_whatever_has_one_axis():
    moved = step(optim.SGD(1, weight_decay=0.5, groups=[optim.no_decay()]), grad=0.0)
    assert moved == {"conv.weight": -0.5, "conv.bias": 0.0, "norm.weight": 0.0, "head.weight": -0.5}


def test_no_decay_takes_a_bias_of_every_position():
    assert optim.no_decay().takes("1.bias", (16, 28, 28))
    assert optim.no_decay().takes("bias", (3,))
    assert not optim.no_decay().takes("1.weight", (16, 3))


def test_a_parameter_in_two_groups_takes_the_settings_of_both_and_of_one_setting_the_last():
    groups = [
        optim.no_decay(),
        optim.Group("conv.*", lr=0.5),
        optim.Group(["norm.*", "conv.bias"], lr=0.25),
    ]
    moved = step(optim.SGD(1, weight_decay=1.0, groups=groups), grad=1.0)
    assert moved == {"conv.weight": -1.0, "conv.bias": -0.25, "norm.weight": -0.25, "head.weight": -2.0}


def test_patterns_heed_case_and_match_whole_names():
    group = optim.Group(["conv*", "*.W"], lr=1.0)
    assert group.takes("conv.weight", (1, 2))
    assert not group.takes("my.conv.weight", (1, 2))
    assert not group.takes("0.w", (1, 2))


def test_neighbours_with_equal_settings_are_one_call(monkeypatch):
    optimizer = optim.SGD(1, weight_decay=0.1, groups=[optim.no_decay()])
    calls = []
    monkeypatch.setattr(optim.SGD, "_update", lambda self, part, grads: calls.append(grads.size))
    step(optimizer)
    assert calls == [36, 8, 8]
    calls.clear()
    step(optim.SGD(1, groups=[optim.Group("*.bias", weight_decay=0.0)]))  # which is what all others have
    assert calls == [SIZE]


def test_the_optimisers_lr_is_that_of_all_groups_that_have_none():
    groups = [optim.Group("head.*", lr=0.25), optim.no_decay()]
    optimizer = optim.SGD(1.0, groups=groups)
    params = np.zeros(SIZE)
    optimizer.bind(params, SHAPES)
    optimizer.step(params, np.ones(SIZE))
    optimizer.lr = 0.5
    optimizer.step(params, np.ones(SIZE))
    assert params[WHERE["conv.bias"]].tolist() == [-1.5] * 4
    assert params[WHERE["head.weight"]].tolist() == [-0.5] * 8


def test_momentum_of_a_group_only():
    """Of the others nothing is remembered, and the group's first direction is its gradient."""
    optimizer = optim.SGD(1.0, groups=[optim.Group("head.*", momentum=0.5, dampening=0.5)])
    params = np.zeros(SIZE)
    optimizer.bind(params, SHAPES)
    for _ in range(2):
        optimizer.step(params, np.ones(SIZE))
    assert params[0] == -2
    assert params[-1] == -(1 + (0.5 + 0.5))


def test_first_values_of_memory_may_differ_by_group():
    group = optim.Group("head.*", initial_accumulator_value=8.0)
    assert step(optim.Adagrad(1.0, eps=0.0, groups=[group])) == {
        "conv.weight": -1.0,
        "conv.bias": -1.0,
        "norm.weight": -1.0,
        "head.weight": round(-1 / 3, 12),
    }


# ------------------------------------------------------------------ frozen


def test_a_frozen_parameter_is_left_alone_and_starts_again():
    """Adam's first step is lr long; a parameter unfrozen later makes its first step then."""
    optimizer = optim.Adam(lr=0.5)
    params = np.zeros(SIZE)
    optimizer.bind(params, SHAPES)
    optimizer.frozen = {"head.weight"}
    for _ in range(3):
        optimizer.step(params, np.ones(SIZE))
    assert params[WHERE["head.weight"]].tolist() == [0.0] * 8
    assert optimizer.state_dict()["memory"]["exp_avg"][WHERE["head.weight"]].tolist() == [0.0] * 8
    optimizer.frozen = ()
    optimizer.step(params, np.full(SIZE, 1e-3))
    np.testing.assert_allclose(params[WHERE["head.weight"]], -0.5, rtol=1e-4)
    state = optimizer.state_dict()
    assert (state["steps"], state["window_steps"]) == (4, [4, 4, 4, 1])


def test_everything_frozen():
    optimizer = optim.SGD(1.0)
    params = np.ones(SIZE)
    optimizer.bind(params, SHAPES)
    optimizer.frozen = WHERE
    optimizer.step(params, np.ones(SIZE))
    assert (params == 1).all()


def test_frozen_names_must_be_parameters():
    text = (
        "SGD: frozen names haed.weight, which is no parameter; "
        "there are conv.weight, conv.bias, norm.weight, head.weight"
    )
    optimizer = optim.SGD(1)
    optimizer.frozen = ["haed.weight"]
    with refused(ValueError, text):
        optimizer.bind(np.zeros(SIZE), SHAPES)
    optimizer = optim.SGD(1)
    optimizer.bind(np.zeros(SIZE), SHAPES)
    with refused(ValueError, text):
        optimizer.frozen = ["haed.weight"]
    assert optimizer.frozen == frozenset()


# ------------------------------------------------------------------ buffers


@pytest.mark.parametrize("kind", ["SGD", "AdamW", "RMSprop", "Adagrad"])
def test_running_averages_are_moved_by_batches_only(kind, rng):
    """Weight decay would shrink them, did a step not pass them by."""
    x, y = rng.standard_normal((8, 5)).astype(np.float32), rng.integers(0, 5, 8)
    averages = []
    for decay in (0.0, 0.5):
        model = nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 5), input_shape=(5,), seed=0)
        trainer = Trainer(model, getattr(optim, kind)(lr=0.1, weight_decay=decay), clip_norm=1.0)
        before = {name: value.copy() for name, value in model.parameters().items()}
        for _ in range(3):
            trainer.step(x, y)
        averages.append({name: value.copy() for name, value in model.buffers().items()})
        assert all((before[name] != value).any() for name, value in model.parameters().items())
    for name, value in averages[0].items():
        np.testing.assert_array_equal(averages[1][name], value)


def test_buffers_are_in_no_group_and_not_frozen():
    model = nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 5), input_shape=(5,), seed=0)
    text = "matches no parameter; there are 0.weight, 0.bias, 1.weight, 1.bias"
    with refused(ValueError, f"SGD: the group's pattern '*running*' {text}"):
        Trainer(model, optim.SGD(1, groups=[optim.Group("*running*", lr=0.0)]))
    frozen = optim.SGD(1)
    frozen.frozen = ["0.running_mean"]  # before it knows the model
    with refused(
        ValueError,
        "SGD: frozen names 0.running_mean, which is no parameter; "
        "there are 0.weight, 0.bias, 1.weight, 1.bias",
    ):
        Trainer(model, frozen)


# ------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (lambda: optim.Group(lr=1.0), ValueError, 'Group: names no parameters; give a pattern like "*.bias"'),
        (
            lambda: optim.Group("*"),
            ValueError,
            "Group: needs a setting that differs, such as weight_decay=0.0",
        ),
        (
            lambda: optim.Group(3, lr=1.0),
            TypeError,
            "Group: names must be a pattern or a list of patterns, got 3",
        ),
        (
            lambda: optim.Group(biases_and_norms=1, lr=1.0),
            TypeError,
            "Group: biases_and_norms must be True or False, got 1",
        ),
        (
            lambda: optim.SGD(1, groups=optim.no_decay()),
            TypeError,
            "SGD: groups must be a list of optim.Group, got Group",
        ),
        (
            lambda: optim.SGD(1, groups=[{"params": 1}]),
            TypeError,
            "SGD: groups must hold optim.Group, got dict",
        ),
        (
            lambda: optim.SGD(1, groups=[optim.Group("*.bias", betas=(0, 0))]),
            ValueError,
            "SGD: group '*.bias': there is no setting 'betas'; "
            "there are lr, momentum, dampening, weight_decay, nesterov, maximize",
        ),
        (
            lambda: optim.AdamW(groups=[optim.Group("*.bias", weight_decay=-1)]),
            ValueError,
            "AdamW: group '*.bias': weight_decay must be finite and at least 0, got -1",
        ),
        (
            lambda: optim.SGD(1, momentum=0.9, nesterov=True, groups=[optim.Group("a", momentum=0)]),
            ValueError,
            "SGD: group 'a': nesterov needs momentum above 0 and dampening 0, got momentum=0, dampening=0",
        ),
        (
            lambda: optim.SGD(1, groups=[optim.Group(["conv.*", "bn*"], lr=1.0)]).bind(
                np.zeros(SIZE), SHAPES
            ),
            ValueError,
            "SGD: the group's pattern 'bn*' matches no parameter; "
            "there are conv.weight, conv.bias, norm.weight, head.weight",
        ),
        (
            lambda: optim.SGD(1, groups=[optim.no_decay()]).step(np.zeros(3), np.zeros(3)),
            ValueError,
            "SGD: groups need the parameters' names; use Trainer, or bind(params, shapes)",
        ),
        (
            lambda: optim.SGD(1).bind(np.zeros(SIZE + 1), SHAPES),
            ValueError,
            "SGD: the shapes are of 52 parameters, the block has 53",
        ),
        (
            lambda: optim.Group.from_config({"names": []}),
            ValueError,
            "Group: config must be what to_config() returned",
        ),
    ],
)
def test_what_does_not_make_sense_is_refused(build, error, text):
    with refused(error, text):
        build()


def test_long_lists_of_names_are_cut():
    shapes = [(f"{i}.weight", (1,)) for i in range(9)]
    text = (
        "SGD: the group's pattern 'x' matches no parameter; "
        "there are 0.weight, 1.weight, 2.weight, 3.weight, 4.weight, 5.weight and 3 more"
    )
    with refused(ValueError, text):
        optim.SGD(1, groups=[optim.Group("x", lr=1.0)]).bind(np.zeros(9), shapes)


# ------------------------------------------------------------------ going on later


@pytest.mark.parametrize("kind", ["SGD", "AdamW", "RMSprop", "Adagrad"])
def test_groups_and_counts_survive_a_checkpoint(kind, rng):
    """Half of the steps with a frozen parameter, a checkpoint, the other half without: the same bits."""
    more = {"momentum": 0.9} if kind in ("SGD", "RMSprop") else {}
    groups = [optim.no_decay(), optim.Group("head.*", lr=0.01)]

    def run(stop_at: int | None) -> np.ndarray:
        params = np.linspace(-1, 1, SIZE).astype(np.float32)
        grads = np.random.default_rng(0).standard_normal((8, SIZE)).astype(np.float32)
        optimizer = getattr(optim, kind)(lr=0.1, weight_decay=0.1, **more, groups=groups)
        optimizer.bind(params, SHAPES)
        for number, g in enumerate(grads):
            optimizer.frozen = {"conv.bias"} if number < 3 else ()
            optimizer.step(params, g)
            if number == stop_at:
                state = optimizer.state_dict()
                optimizer = getattr(optim, kind)(lr=1.0)
                optimizer.load_state_dict(state)
                optimizer.bind(params, SHAPES)
        return params

    for stop_at in (1, 2, 5):
        np.testing.assert_array_equal(run(stop_at), run(None))


def test_a_state_of_other_parameters_is_refused():
    optimizer = optim.SGD(1, momentum=0.5)
    optimizer.bind(np.zeros(SIZE), SHAPES)
    state = optimizer.state_dict()
    other = optim.SGD(1)
    other.load_state_dict(state)
    with refused(ValueError, "SGD: the state is of 4 parameters, but the model has 2"):
        other.bind(np.zeros(SIZE), [("a", (SIZE - 1,)), ("b", (1,))])


# ------------------------------------------------------------------ in training


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3), input_shape=(5,), seed=0)


def test_trainer_knows_the_names(rng):
    model = network()
    before = model.state_dict()
    groups = [optim.Group("0.*", lr=0.0)]
    trainer = Trainer(model, optim.SGD(0.1, groups=groups))
    trainer.step(rng.standard_normal((8, 5)).astype(np.float32), rng.integers(0, 3, 8))
    after = model.state_dict()
    changed = {name for name in after if not np.array_equal(before[name], after[name])}
    assert changed == {"2.weight", "2.bias"}


def test_a_schedule_moves_every_rate_and_gives_all_back(rng):
    model = network()
    optimizer = optim.SGD(0.1, groups=[optim.Group("0.*", lr=0.01)])
    seen = []
    x, y = rng.standard_normal((8, 5)).astype(np.float32), rng.integers(0, 3, 8)
    schedule = optim.lr_scheduler.StepLR(step_size=1, gamma=0.5)
    fit(
        model,
        (x, y),
        3,
        optimizer,
        8,
        schedule=schedule,
        progress=False,
        on_epoch=lambda _: seen.append((optimizer.lr, optimizer.groups[0].settings["lr"])),
    )
    np.testing.assert_allclose(seen, [(0.05, 0.005), (0.025, 0.0025), (0.0125, 0.00125)])
    assert (optimizer.lr, optimizer.groups[0].settings["lr"]) == (0.1, 0.01)

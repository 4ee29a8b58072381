"""Settings and states of optimizers: what may change, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import optim

from tests.support.optimizers import CASES, names
from tests.support.refusal import refused


def test_lr_may_change_between_steps():
    params = np.zeros(1)
    optimizer = optim.SGD(lr=1)
    optimizer.step(params, np.ones(1))
    optimizer.lr = 0.5
    optimizer.step(params, np.ones(1))
    assert params.item() == -1.5
    with refused(ValueError, "SGD: lr must be finite and at least 0, got nan"):
        optimizer.lr = float("nan")


def test_momentum_may_be_set_later():
    params = np.zeros(1)
    optimizer = optim.SGD(lr=1)
    optimizer.step(params, np.ones(1))
    optimizer.momentum = 0.5
    optimizer.step(params, np.ones(1))  # the first one with momentum: the gradient alone
    optimizer.step(params, np.ones(1))
    assert params.item() == -(1 + 1 + 1.5)
    optimizer.momentum = 0.0
    optimizer.step(params, np.ones(1))
    assert params.item() == -(1 + 1 + 1.5 + 1)


def test_settings_are_checked_when_they_are_set_later():
    optimizer = optim.SGD(1, momentum=0.9, nesterov=True)
    with refused(ValueError, "SGD: weight_decay must be finite and at least 0, got -1"):
        optimizer.weight_decay = -1
    with refused(
        ValueError,
        "SGD: nesterov needs momentum above 0 and dampening 0, got momentum=0, dampening=0",
    ):
        optimizer.momentum = 0
    assert (optimizer.weight_decay, optimizer.momentum) == (0.0, 0.9)


def test_a_removed_moment_is_allocated_again():
    params = np.zeros(3)
    optimizer = optim.SGD(1, momentum=0.5)
    optimizer.step(params, np.ones(3))
    optimizer.momentum = 0.0
    again = optim.SGD(1)
    again.load_state_dict(optimizer.state_dict())
    again.momentum = 0.5
    again.step(params, np.ones(3))
    np.testing.assert_array_equal(params, [-2.5] * 3)


def test_a_state_after_a_new_setting_is_complete():
    params = np.zeros(3)
    optimizer = optim.SGD(1)
    optimizer.step(params, np.ones(3))
    optimizer.momentum = 0.5
    again = optim.SGD(1)
    again.load_state_dict(optimizer.state_dict())
    for _ in range(2):
        again.step(params, np.ones(3))
    np.testing.assert_array_equal(params, [-3.5] * 3)


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (lambda: optim.SGD(-1), ValueError, "SGD: lr must be finite and at least 0, got -1"),
        (lambda: optim.SGD("1"), TypeError, "SGD: lr must be a number, got str '1'"),
        (lambda: optim.SGD(True), TypeError, "SGD: lr must be a number, got bool True"),
        (lambda: optim.SGD(1, -0.1), ValueError, "SGD: momentum must be finite and at least 0, got -0.1"),
        (lambda: optim.SGD(1, 0.9, 2), ValueError, "SGD: dampening must be at least 0 and at most 1, got 2"),
        (
            lambda: optim.SGD(1, nesterov=True),
            ValueError,
            "SGD: nesterov needs momentum above 0 and dampening 0, got momentum=0, dampening=0",
        ),
        (
            lambda: optim.SGD(1, 0.9, 0.1, nesterov=True),
            ValueError,
            "SGD: nesterov needs momentum above 0 and dampening 0, got momentum=0.9, dampening=0.1",
        ),
        (
            lambda: optim.SGD(1, weight_decay=float("inf")),
            ValueError,
            "SGD: weight_decay must be finite and at least 0, got inf",
        ),
        (lambda: optim.Adam(betas=0.9), TypeError, "Adam: betas must be a pair of numbers, got 0.9"),
        (
            lambda: optim.AdamW(betas=(0.9, 1.0)),
            ValueError,
            "AdamW: betas must be at least 0 and below 1, got 1.0",
        ),
        (lambda: optim.Adam(eps=-1e-8), ValueError, "Adam: eps must be finite and at least 0, got -1e-08"),
        (lambda: optim.Adam(amsgrad=1), TypeError, "Adam: amsgrad must be True or False, got 1"),
        (lambda: optim.RMSprop(lr=np.nan), ValueError, "RMSprop: lr must be finite and at least 0, got nan"),
        (lambda: optim.RMSprop(alpha=1), ValueError, "RMSprop: alpha must be at least 0 and below 1, got 1"),
        (
            lambda: optim.RMSprop(momentum=-1),
            ValueError,
            "RMSprop: momentum must be finite and at least 0, got -1",
        ),
        (
            lambda: optim.RMSprop(centered=None),
            TypeError,
            "RMSprop: centered must be True or False, got None",
        ),
        (
            lambda: optim.Adagrad(lr_decay=float("inf")),
            ValueError,
            "Adagrad: lr_decay must be finite and at least 0, got inf",
        ),
        (
            lambda: optim.Adagrad(initial_accumulator_value=-1),
            ValueError,
            "Adagrad: initial_accumulator_value must be finite and at least 0, got -1",
        ),
        (lambda: optim.Adagrad(eps="0"), TypeError, "Adagrad: eps must be a number, got str '0'"),
    ],
)
def test_settings_are_checked(build, error, text):
    with refused(error, text):
        build()


def test_repr():
    assert repr(optim.SGD(0.1, momentum=0.9)) == (
        "SGD(lr=0.1, momentum=0.9, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False)"
    )
    assert repr(optim.AdamW()) == (
        "AdamW(lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01, amsgrad=False, maximize=False)"
    )


@pytest.mark.parametrize(("cls", "settings"), CASES, ids=names)
def test_resuming_equals_continuing(cls, settings, rng):
    grads = rng.standard_normal((8, 50)).astype(np.float32)
    start = rng.standard_normal(50).astype(np.float32)
    whole, halves = start.copy(), start.copy()
    optimizer = cls(**settings)
    for g in grads:
        optimizer.step(whole, g)
    first = cls(**settings)
    for g in grads[:4]:
        first.step(halves, g)
    state = first.state_dict()
    second, third = cls(lr=1.0), cls(lr=1.0)
    second.load_state_dict(state)  # before it serves a model
    other = halves.copy()
    third.bind(other)
    third.load_state_dict(state)  # and after
    for g in grads[4:]:
        second.step(halves, g)
        third.step(other, g)
    np.testing.assert_array_equal(halves, whole)
    np.testing.assert_array_equal(other, whole)
    assert second.steps == 8
    assert repr(second) == repr(optimizer)


def test_an_optimizer_is_for_one_model():
    optimizer = optim.Adam()
    a, b = np.zeros(3), np.zeros(3)
    optimizer.bind(a)
    optimizer.bind(a)
    for call in (lambda: optimizer.bind(b), lambda: optimizer.step(b, b)):
        text = "Adam: already bound to another model (or to its former dtype); create a new optimizer"
        with refused(ValueError, text):
            call()


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        ([0.0], TypeError, "SGD: params must be a float32 or float64 array, got list"),
        (np.zeros(2, int), TypeError, "SGD: params must be a float32 or float64 array, got int64 array"),
        (
            np.zeros((2, 2)),
            ValueError,
            "SGD: params must be a flat, contiguous, writable array, got (2, 2)",
        ),
    ],
)
def test_params_are_checked(params, error, text):
    with refused(error, text):
        optim.SGD(1).bind(params)


def test_grads_are_checked():
    params = np.zeros(2, np.float32)
    with pytest.raises(ValueError, match="grads must be") as caught:
        optim.SGD(1).step(params, np.zeros(2))
    assert str(caught.value) == ("SGD: grads must be float32 of shape (2,), got float64 of shape (2,)")


def test_states_that_do_not_fit_are_refused():
    optimizer = optim.Adam()
    optimizer.step(np.zeros(3), np.ones(3))
    state = optimizer.state_dict()
    bound = optim.Adam()
    bound.bind(np.zeros(4))
    cases = [
        (optim.SGD(1), state, "SGD: the state is of Adam"),
        (optim.Adam(), {"type": "Adam"}, "Adam: state must be what state_dict() returned"),
        (
            optim.Adam(),
            {**state, "memory": {}},
            "Adam: the state must remember ['exp_avg', 'exp_avg_sq'], got []",
        ),
        (bound, state, "Adam: exp_avg is of shape (3,), but the model has 4 parameters"),
        (optim.Adam(), {**state, "steps": -1}, "Adam: steps must be at least 0, got -1"),
    ]
    for target, wrong, text in cases:
        before = target.state_dict()
        with refused(ValueError, text):
            target.load_state_dict(wrong)
        assert target.state_dict()["steps"] == before["steps"] == 0
    unbound = optim.Adam()
    unbound.load_state_dict(state)
    with refused(ValueError, "Adam: exp_avg is of shape (3,), but the model has 4 parameters"):
        unbound.bind(np.zeros(4))

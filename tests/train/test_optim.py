"""Optimizers: arithmetic compared with plain formulas and PyTorch; settings, memory, going on later."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import optim

from tests.support.refusal import refused

SGD_SETTINGS = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.8, "nesterov": True},
    {"weight_decay": 0.1},
    {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    {"momentum": 0.9, "weight_decay": 0.01, "maximize": True},
]
ADAM_SETTINGS = [
    {},
    {"betas": (0.5, 0.9), "eps": 1e-3},
    {"weight_decay": 0.1},
    {"amsgrad": True, "maximize": True},
]
RMSPROP_SETTINGS = [
    {},
    {"alpha": 0.5, "eps": 1e-3, "weight_decay": 0.1},
    {"momentum": 0.9},
    {"centered": True},
    {"centered": True, "momentum": 0.5, "weight_decay": 0.01},
    {"weight_decay": 0.01, "maximize": True},
]
ADAGRAD_SETTINGS = [
    {},
    {"lr_decay": 0.1, "weight_decay": 0.1},
    {"initial_accumulator_value": 0.5, "eps": 1e-3},
    {"weight_decay": 0.1, "maximize": True},
]
CASES = [
    *((optim.SGD, {"lr": 0.05, **settings}) for settings in SGD_SETTINGS),
    *((optim.Adam, {"lr": 0.01, **settings}) for settings in ADAM_SETTINGS),
    *((optim.AdamW, {"lr": 0.01, **settings}) for settings in ADAM_SETTINGS),
    *((optim.RMSprop, {"lr": 0.01, **settings}) for settings in RMSPROP_SETTINGS),
    *((optim.Adagrad, {"lr": 0.1, **settings}) for settings in ADAGRAD_SETTINGS),
]


def names(case: object) -> str:
    return case.__name__ if isinstance(case, type) else ",".join(f"{k}={v}" for k, v in case.items())


@pytest.mark.parametrize(("cls", "settings"), CASES, ids=names)
def test_ten_steps_as_in_pytorch(cls, settings, dtype, rng):
    torch = pytest.importorskip("torch")
    params = rng.standard_normal(1037).astype(dtype)
    theirs = torch.nn.Parameter(torch.tensor(params))
    their_optimizer = getattr(torch.optim, cls.__name__)([theirs], **settings)
    optimizer = cls(**settings)
    for step in range(10):
        grads = (rng.standard_normal(1037) * 10.0 ** rng.integers(-3, 2)).astype(dtype)
        optimizer.step(params, grads)
        theirs.grad = torch.tensor(grads)
        their_optimizer.step()
        tolerance = {"float32": 2e-6, "float64": 1e-13}[dtype]
        np.testing.assert_allclose(params, theirs.detach().numpy(), rtol=tolerance, atol=tolerance)
        assert optimizer.steps == step + 1


def test_sgd_by_hand():
    params, grads = np.array([1.0, -2.0]), np.array([0.5, 1.0])
    optimizer = optim.SGD(lr=0.1, momentum=0.5, weight_decay=0.1)
    optimizer.step(params, grads)
    first = grads + 0.1 * np.array([1.0, -2.0])
    after = np.array([1.0, -2.0]) - 0.1 * first
    np.testing.assert_allclose(params, after)
    optimizer.step(params, grads)
    np.testing.assert_allclose(params, after - 0.1 * (0.5 * first + grads + 0.1 * after))


def test_adams_first_step_is_lr_long_whatever_the_gradient(dtype):
    params = np.zeros(4, dtype)
    optim.Adam(lr=0.25).step(params, np.array([1e-3, -1, 50, -1e4], dtype))
    np.testing.assert_allclose(params, [-0.25, 0.25, -0.25, 0.25], rtol=1e-4)


def test_rmsprop_by_hand(dtype):
    params, grads = np.array([1.0, -2.0], dtype), np.array([4.0, 0.5], dtype)
    optimizer = optim.RMSprop(lr=0.5, alpha=0.75, eps=0.25, momentum=0.5, centered=True)
    want, mean, square, direction = params.astype(float), 0.0, 0.0, 0.0
    for _ in range(3):
        optimizer.step(params, grads)
        square = 0.75 * square + 0.25 * grads.astype(float) ** 2
        mean = 0.75 * mean + 0.25 * grads.astype(float)
        direction = 0.5 * direction + grads / (np.sqrt(square - mean**2) + 0.25)
        want = want - 0.5 * direction
    np.testing.assert_allclose(params, want, rtol=1e-6 if dtype == "float32" else 1e-14)


def test_centered_rmsprop_takes_a_negative_variance_as_0(dtype):
    """The estimate is 0 but for rounding when every gradient is the same; its root must not be NaN."""
    params = np.zeros(64, dtype)
    optimizer = optim.RMSprop(lr=1e-12, alpha=0.5, centered=True)
    grads = np.linspace(0.1, 1.7, 64).astype(dtype)
    for _ in range(80):
        optimizer.step(params, grads)
    memory = optimizer.state_dict()["memory"]
    assert (memory["square_avg"] < memory["grad_avg"] ** 2).any()
    assert np.isfinite(params).all()


def test_adagrad_by_hand(dtype):
    params = np.array([1.0, 1.0], dtype)
    optimizer = optim.Adagrad(lr=1.0, lr_decay=1.0, initial_accumulator_value=16.0)
    optimizer.step(params, np.array([3.0, 0.0], dtype))
    np.testing.assert_allclose(params, [1 - 3 / 5, 1], rtol=1e-6)
    optimizer.step(params, np.array([12.0, -3.0], dtype))
    np.testing.assert_allclose(params, [1 - 3 / 5 - 12 / 13 / 2, 1 + 3 / 5 / 2], rtol=1e-6)


def test_amsgrad_never_forgets_a_large_gradient():
    params, plain = np.zeros(1), np.zeros(1)
    careful, forgetful = optim.Adam(lr=0.1, betas=(0, 0.5), amsgrad=True), optim.Adam(lr=0.1, betas=(0, 0.5))
    for size in (100.0, *[1.0] * 20):
        careful.step(params, np.array([size]))
        forgetful.step(plain, np.array([size]))
    assert plain.item() < 2 * params.item() < 0


@pytest.mark.parametrize(("cls", "settings"), CASES, ids=names)
def test_any_number_of_threads_gives_the_same_bits(cls, settings, dtype, rng, set_threads):
    start = rng.standard_normal(300_007).astype(dtype)
    grads = rng.standard_normal((3, start.size)).astype(dtype)
    seen = set()
    for count in (1, 2, 3, 7):
        set_threads(count)
        params, optimizer = start.copy(), cls(**settings)
        for g in grads:
            optimizer.step(params, g)
        seen.add(params.tobytes())
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("make", "name", "weight"),
    [
        (lambda rest: optim.Adam(lr=0.1, betas=(1 - rest, 0.9)), "exp_avg", 1.0),
        (lambda rest: optim.AdamW(lr=0.1, betas=(1 - rest, 0.9)), "exp_avg", 0.875),
        (lambda rest: optim.RMSprop(lr=0.1, alpha=1 - rest, centered=True), "grad_avg", 1.0),
        (lambda rest: optim.RMSprop(lr=0.1, alpha=1 - rest, centered=True), "grad_avg", 0.25),
    ],
)
def test_averages_keep_the_digits_of_small_gradients(make, name, weight, dtype):
    """An average takes a small gradient in behind a large one, whatever weight the new one has."""
    large, small = 1e6 if dtype == "float32" else 1e14, np.pi * np.arange(1, 38)
    optimizer, params = make(weight), np.zeros(37, dtype)
    for size in (large, small):
        optimizer.step(params, np.full(37, size, dtype))
    want = (1 - weight) * weight * np.full(37, large, dtype) + weight * small.astype(dtype)
    got = optimizer.state_dict()["memory"][name]
    np.testing.assert_allclose(got, want, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize(("cls", "settings"), CASES, ids=names)
def test_maximize_is_a_step_along_the_negative_gradient(cls, settings, dtype, rng):
    """To the last bit, in parameters and memory; it may change between steps."""
    start = rng.standard_normal(1037).astype(dtype)
    up, down = start.copy(), start.copy()
    climbing, falling = cls(**{**settings, "maximize": True}), cls(**{**settings, "maximize": False})
    for _ in range(4):
        grads = rng.standard_normal(1037).astype(dtype)
        climbing.step(up, grads)
        falling.step(down, -grads)
        climbing.maximize, falling.maximize = falling.maximize, climbing.maximize
        climbing.step(up, grads)
        falling.step(down, -grads)
        climbing.maximize, falling.maximize = falling.maximize, climbing.maximize
        assert up.tobytes() == down.tobytes()
    for name, memory in climbing.state_dict()["memory"].items():
        assert memory.tobytes() == falling.state_dict()["memory"][name].tobytes()


def test_maximize_climbs():
    params = np.array([1.0, 2.0])
    optim.SGD(lr=0.5, maximize=True).step(params, np.array([1.0, -1.0]))
    np.testing.assert_array_equal(params, [1.5, 1.5])
    with refused(TypeError, "SGD: maximize must be True or False, got 1"):
        optim.SGD(lr=0.5, maximize=1)


def test_a_state_without_maximize_minimizes():
    state = optim.SGD(0.5, momentum=0.5).state_dict()
    del state["settings"]["maximize"]
    optimizer = optim.SGD(1, maximize=True)
    optimizer.load_state_dict(state)
    assert optimizer.maximize is False


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


def test_memory_that_is_no_longer_needed_comes_back_all_the_same():
    params = np.zeros(3)
    optimizer = optim.SGD(1, momentum=0.5)
    optimizer.step(params, np.ones(3))
    optimizer.momentum = 0.0
    again = optim.SGD(1)
    again.load_state_dict(optimizer.state_dict())
    again.momentum = 0.5
    again.step(params, np.ones(3))
    np.testing.assert_array_equal(params, [-2.5] * 3)


def test_a_state_between_a_new_setting_and_the_next_step_is_whole():
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
def test_going_on_later_is_going_on(cls, settings, rng):
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


def test_an_optimiser_serves_one_model():
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

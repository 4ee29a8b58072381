"""First values of parameters: distributions, seeds, names, errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cnnfast import nn
from cnnfast.nn import init

from tests.support.refusal import refused

CONV, LINEAR = (64, 32, 5, 5), (300, 400)


def test_constants(dtype):
    array = np.full((2, 3), np.nan, dtype)
    assert init.zeros()(array) is array
    assert (array == 0).all()
    assert (init.ones()(array) == 1).all()
    assert (init.constant(-2.5)(array) == -2.5).all()
    assert init.ones()(np.empty((), dtype)) == 1


#: initializer, shape, deviation by its formula, whether it is uniform
SPREAD = [
    (init.uniform(-1, 3), CONV, 4 / math.sqrt(12), True),
    (init.normal(1.0, 0.5), CONV, 0.5, False),
    (init.xavier_uniform(), CONV, math.sqrt(2 / (32 * 25 + 64 * 25)), True),
    (init.xavier_uniform(gain=3), LINEAR, 3 * math.sqrt(2 / 700), True),
    (init.xavier_normal(), LINEAR, math.sqrt(2 / 700), False),
    (init.xavier_normal(gain=0.5), CONV, 0.5 * math.sqrt(2 / (96 * 25)), False),
    (init.kaiming_uniform(), CONV, math.sqrt(2 / 800), True),
    (init.kaiming_uniform(a=math.sqrt(5)), LINEAR, 1 / math.sqrt(3 * 400), True),
    (init.kaiming_normal(), LINEAR, math.sqrt(2 / 400), False),
    (init.kaiming_normal(mode="fan_out", nonlinearity="relu"), CONV, math.sqrt(2 / 1600), False),
    (init.kaiming_normal(nonlinearity="tanh"), LINEAR, 5 / 3 / 20, False),
    (init.lecun_uniform(), CONV, 1 / math.sqrt(800), True),
    (init.lecun_normal(), LINEAR, 1 / 20, False),
    (init.default(), CONV, 1 / math.sqrt(3 * 800), True),
    (init.default(fan_in=27), (50_000,), 1 / 9, True),
    (init.kaiming_normal(), (400, 16, 9), math.sqrt(2 / 144), False),  # one spatial axis
]


@pytest.mark.parametrize(("rule", "shape", "deviation", "is_uniform"), SPREAD, ids=lambda v: str(v))
def test_moments(rule, shape, deviation, is_uniform, dtype):
    """Mean, deviation and fourth moment, each within five standard errors; bounds of uniform ones."""
    values = rule(np.empty(shape, dtype), seed=1).astype(np.float64).ravel()
    n, mean = values.size, {"uniform": 1.0, "normal": 1.0}.get(repr(rule).split(".")[1].split("(")[0], 0.0)
    z = (values - mean) / deviation
    kurtosis, spread_of_squares = (1.8, 0.8) if is_uniform else (3.0, 2.0)
    assert abs(z.mean()) < 5 / math.sqrt(n)
    assert abs((z**2).mean() - 1) < 5 * math.sqrt(spread_of_squares / n)
    assert abs((z**4).mean() - kurtosis) < 5 * math.sqrt((16 / 9 if is_uniform else 96.0) / n) + 1e-3
    assert np.abs(z).max() < (math.sqrt(3) * (1 + 1e-6) if is_uniform else 7)


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [(0, 1, -2, 2), (1, 0.5, 0, 3), (0, 1, 1.5, 9), (0, 1, -1e-3, 1e-3), (2, 1, -50, 0.5), (0, 1, -9, 9)],
)
def test_truncated_normal(mean, std, a, b, dtype):
    """Moments against the distribution's formulas (Johnson, Kotz and Balakrishnan 1994, chapter 13)."""
    n = 200_000
    values = init.trunc_normal(mean, std, a, b)(np.empty(n, dtype), seed=2).astype(np.float64)
    low, high = (a - mean) / std, (b - mean) / std
    density = lambda t: math.exp(-t * t / 2) / math.sqrt(2 * math.pi)  # noqa: E731
    inside = (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2))) / 2
    shift = (density(low) - density(high)) / inside
    variance = 1 + (low * density(low) - high * density(high)) / inside - shift**2
    assert values.min() >= np.dtype(dtype).type(a)
    assert values.max() <= np.dtype(dtype).type(b)
    assert values.mean() == pytest.approx(mean + std * shift, abs=5 * std * math.sqrt(variance / n))
    assert values.var() == pytest.approx(std**2 * variance, rel=0.03)


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (16, 4, 3, 3), (4, 16, 3), (1, 7), (7, 1)])
def test_orthogonal(shape, dtype):
    matrix = init.orthogonal(gain=2.0)(np.empty(shape, dtype), seed=0).reshape(shape[0], -1).astype(float)
    small = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-5 if dtype == "float32" else 1e-13)


def test_orthogonal_matrices_are_drawn_evenly():
    """Haar measure: the first entry of a 2 x 2 one is the cosine of a uniform angle, whatever QR's signs."""
    firsts = [init.orthogonal()(np.empty((2, 2)), seed=seed)[0, 0] for seed in range(1000)]
    angles = np.sort(np.arccos(firsts)) / math.pi
    assert np.abs(angles - np.arange(1000) / 1000).max() < 1.63 / math.sqrt(1000)  # Kolmogorov, 1 %


@pytest.mark.parametrize("name", ["tanh", "relu", "leaky_relu", "selu", "linear", "sigmoid", "conv2d"])
def test_gains_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    assert init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name), rel=1e-12)
    if name == "leaky_relu":
        assert init.calculate_gain(name, 0.2) == pytest.approx(torch.nn.init.calculate_gain(name, 0.2))


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 3), (6, 4, 3, 5)])
def test_fans_are_pytorchs(shape):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    assert init.fan.fans("test", shape) == theirs


def test_the_default_spreads_as_layers_are_born(dtype):
    layer = nn.Conv2d(16, 64, 5, seed=0).to(dtype)
    for name, fan_in in (("weight", None), ("bias", 400)):
        born = layer.parameters()[name]
        filled = init.default(fan_in)(np.empty((200, *born.shape), dtype), seed=0) if fan_in else None
        filled = init.default()(np.empty_like(born), seed=0) if filled is None else filled
        assert np.abs(born).max() <= 1 / 20
        assert np.abs(filled).max() == pytest.approx(1 / 20, rel=1e-2)


# ------------------------------------------------------------------ seeds


EVERY = [rule for rule, *_ in SPREAD if repr(rule) != "init.default(fan_in=27)"]


@pytest.mark.parametrize("rule", [*EVERY, init.orthogonal(), init.trunc_normal()], ids=repr)
def test_a_seed_fixes_the_values(rule):
    first = rule(np.empty((6, 5)), seed=3)
    np.testing.assert_array_equal(rule(np.empty((6, 5)), seed=3), first)
    np.testing.assert_array_equal(rule(np.empty((6, 5), np.float32), seed=3), first.astype(np.float32))
    assert not np.array_equal(rule(np.empty((6, 5)), seed=4), first)
    assert not np.array_equal(rule(np.empty((6, 5))), rule(np.empty((6, 5))))
    np.testing.assert_array_equal(rule(np.empty((6, 5)), seed=np.random.SeedSequence(3)), first)


def test_numpys_global_state_is_left_alone():
    before = np.random.get_state()[1].copy()
    init.apply(network(), {"*": init.constant(1.0), "*.weight": init.orthogonal()})
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_a_part_of_an_array_can_be_filled():
    layer = nn.Linear(4, 6, seed=0)
    before = layer.weight.copy()
    init.zeros()(layer.weight[::2])
    assert not layer.weight[::2].any()
    np.testing.assert_array_equal(layer.weight[1::2], before[1::2])
    assert not layer(np.ones((1, 4), np.float32))[0, 0] - layer.bias[0]


# ------------------------------------------------------------------ a whole model


def network() -> nn.Sequential:
    layers = nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)
    return nn.Sequential(*layers, input_shape=(1, 4, 4), seed=0)


def test_apply_fills_what_matches_and_no_more():
    model = network()
    before = model.state_dict()
    init.apply(model, {"*.bias": init.constant(7.0), "3.*": init.ones()}, seed=0)
    after = model.state_dict()
    np.testing.assert_array_equal(after["0.weight"], before["0.weight"])
    assert (after["0.bias"] == 7).all()
    assert (after["3.weight"] == 1).all()
    assert (after["3.bias"] == 1).all()  # the last pattern that matches


def test_apply_gives_each_parameter_a_stream_of_its_own():
    """Equal shapes do not get equal values, and another rule for one parameter leaves the others' values."""
    first, second = network(), network()
    init.apply(first, {"*.weight": init.kaiming_normal()}, seed=5)
    init.apply(second, {"*.weight": init.kaiming_normal(), "0.weight": init.zeros()}, seed=5)
    np.testing.assert_array_equal(first[3].weight, second[3].weight)
    twins = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    init.apply(twins, {"*.weight": init.lecun_normal()}, seed=5)
    assert not np.array_equal(twins[0].weight, twins[1].weight)
    again = network()
    init.apply(again, {"*.weight": init.kaiming_normal()}, seed=5)
    np.testing.assert_array_equal(again[0].weight, first[0].weight)


def test_float64_starts_where_float32_does():
    single, double = network(), network().to("float64")
    for model in (single, double):
        init.apply(model, {"*.weight": init.kaiming_uniform(), "*.bias": init.normal()}, seed=1)
    for name, value in double.state_dict().items():
        assert value.dtype == np.float64
        np.testing.assert_array_equal(value.astype(np.float32), single.state_dict()[name])


def test_the_engine_sees_the_new_values():
    model = network()
    x = np.ones((1, 1, 4, 4), np.float32)
    model(x)
    init.apply(model, {"*": init.zeros()})
    assert not model(x).any()


def test_buffers_are_left_alone():
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 2), input_shape=(4,))
    before = {name: value.copy() for name, value in model.buffers().items()}
    init.apply(model, {"*": init.constant(3.0)})
    assert all((value == 3).all() for value in model.parameters().values())
    for name, value in model.buffers().items():
        np.testing.assert_array_equal(value, before[name])


def test_a_deep_network_of_relus_keeps_the_size_of_its_values():
    """What Kaiming's start is for; LeCun's shrinks them by sqrt(2) a layer."""
    x = np.random.default_rng(0).standard_normal((64, 256)).astype(np.float32)
    sizes = {}
    for name, rule in (("kaiming", init.kaiming_normal()), ("lecun", init.lecun_normal())):
        layers = [part for _ in range(20) for part in (nn.Linear(256, 256), nn.ReLU())]
        model = nn.Sequential(*layers)
        init.apply(model, {"*.weight": rule, "*.bias": init.zeros()}, seed=0)
        sizes[name] = float(np.sqrt((model(x) ** 2).mean()))
    assert 0.4 < sizes["kaiming"] < 2
    assert sizes["lecun"] == pytest.approx(sizes["kaiming"] / 2**10, rel=1e-3)


# ------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: init.zeros()([1.0]),
            TypeError,
            "init.zeros: array must be a float32 or float64 array, got list",
        ),
        (
            lambda: init.zeros()(np.zeros(3, int)),
            TypeError,
            "init.zeros: array must be a float32 or float64 array, got int64 array",
        ),
        (
            lambda: init.zeros()(np.broadcast_to(np.zeros(1), (3,))),
            ValueError,
            "init.zeros: array is read-only",
        ),
        (lambda: init.ones()(np.zeros(3), seed=-1), ValueError, "init.ones: seed must be at least 0, got -1"),
        (
            lambda: init.kaiming_normal()(np.zeros(3)),
            ValueError,
            "init.kaiming_normal: needs weights of two axes or more, (out, in, ...), got shape (3,)",
        ),
        (
            lambda: init.orthogonal()(np.zeros(3)),
            ValueError,
            "init.orthogonal: needs weights of two axes or more, (out, in, ...), got shape (3,)",
        ),
        (
            lambda: init.constant(math.nan),
            ValueError,
            "init.constant: value must be finite, got nan",
        ),
        (lambda: init.uniform(1, 0), ValueError, "init.uniform: a must be at most b, got a=1, b=0"),
        (lambda: init.normal(std=-1), ValueError, "init.normal: std must be finite and at least 0, got -1"),
        (
            lambda: init.trunc_normal(std=0),
            ValueError,
            "init.trunc_normal: needs std above 0 and a below b, got std=0, a=-2, b=2",
        ),
        (
            lambda: init.trunc_normal(mean=5),
            ValueError,
            "init.trunc_normal: mean must be at most two deviations outside of [a, b], "
            "got mean=5, std=1, a=-2, b=2",
        ),
        (
            lambda: init.xavier_uniform(gain="big"),
            TypeError,
            "init.xavier_uniform: gain must be a number, got str 'big'",
        ),
        (
            lambda: init.orthogonal(gain=-1),
            ValueError,
            "init.orthogonal: gain must be finite and at least 0, got -1",
        ),
        (
            lambda: init.kaiming_uniform(mode="fan_avg"),
            ValueError,
            'init.kaiming_uniform: mode must be "fan_in" or "fan_out", got \'fan_avg\'',
        ),
        (
            lambda: init.kaiming_normal(nonlinearity="gelu"),
            ValueError,
            "init.kaiming_normal: nonlinearity must be one of linear, conv1d, conv2d, sigmoid, tanh, relu, "
            "leaky_relu, selu, got 'gelu'",
        ),
        (
            lambda: init.kaiming_normal(a=math.inf),
            ValueError,
            "init.kaiming_normal: a must be finite, got inf",
        ),
        (lambda: init.default(fan_in=0), ValueError, "init.default: fan_in must be at least 1, got 0"),
        (lambda: init.apply(3, {}), TypeError, "init.apply: model must be a Module, got int"),
        (
            lambda: init.apply(network(), [init.zeros()]),
            TypeError,
            "init.apply: rules must be a dict of pattern to initializer, got list",
        ),
        (
            lambda: init.apply(network(), {"*": init.zeros}),
            TypeError,
            "init.apply: rules['*'] must be an Initializer, got function; write init.zeros()",
        ),
        (
            lambda: init.apply(network(), {"*.wieght": init.zeros()}),
            ValueError,
            "init.apply: the pattern '*.wieght' matches no parameter; "
            "there are 0.weight, 0.bias, 3.weight, 3.bias",
        ),
    ],
)
def test_what_does_not_make_sense_is_refused(call, error, text):
    with refused(error, text):
        call()


def test_an_initialiser_that_does_not_fit_names_the_parameter_and_changes_nothing():
    model = network()
    before = model.state_dict()
    text = (
        "init.xavier_normal: needs weights of two axes or more, (out, in, ...), got shape (4,) "
        "(parameter 0.bias)"
    )
    with refused(ValueError, text):
        init.apply(model, {"*": init.xavier_normal()})
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])

"""Lazy layers: what they become, equal to layers written with sizes; what they refuse before that."""

from __future__ import annotations

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import load, nn

from tests.support.refusal import refused

WAITS = (
    "has no parameters before the shape of its input is known; set input_shape of the network, call it, "
    "or fit it"
)


def lazy(**settings):
    inside = nn.Sequential(nn.LazyConv2d(6, 3, groups=2), nn.Tanh())
    return nn.Sequential(nn.Conv2d(1, 4, 3), inside, nn.Flatten(), nn.LazyLinear(5, bias=False), **settings)


def written(**settings):
    inside = nn.Sequential(nn.Conv2d(4, 6, 3, groups=2), nn.Tanh())
    return nn.Sequential(nn.Conv2d(1, 4, 3), inside, nn.Flatten(), nn.Linear(24, 5, bias=False), **settings)


def same(model, other):
    assert repr(model) == repr(other)
    assert model.to_config() == other.to_config()
    np.testing.assert_array_equal(model.flat_parameters, other.flat_parameters)
    assert list(model.state_dict()) == list(other.state_dict())


def test_the_shape_is_known_at_once():
    model = lazy(input_shape=(1, 6, 6), seed=3)
    same(model, written(input_shape=(1, 6, 6), seed=3))
    assert [type(layer) for layer in (model[1][0], model[3])] == [nn.Conv2d, nn.Linear]


@pytest.mark.parametrize("way", ["call", "uint8", "input_shape", "materialize", "forward", "loss_and_grad"])
def test_the_shape_is_known_later(way):
    model, x = lazy(seed=3), np.ones((2, 1, 6, 6), np.float32)
    assert model.is_lazy()
    assert str(model) == repr(model)
    {
        "call": lambda: model(x),
        "uint8": lambda: model(np.zeros((2, 6, 6), np.uint8)),
        "input_shape": lambda: setattr(model, "input_shape", (1, 6, 6)),
        "materialize": lambda: model.materialize((1, 6, 6)),
        "forward": lambda: model.backward(model.forward(x)),
        "loss_and_grad": lambda: model.loss_and_grad(x, np.array([0, 1])),
    }[way]()
    same(model, written(seed=3))
    assert not model.is_lazy()
    np.testing.assert_array_equal(model(x), written(seed=3)(x))


def test_seeds_of_layers_and_values_of_others_are_kept():
    conv = nn.Conv2d(1, 4, 3, seed=1)
    model = nn.Sequential(conv, nn.Flatten(), nn.LazyLinear(5, seed=2)).to("float64")
    model(np.zeros((1, 1, 4, 4)))
    want = nn.Sequential(nn.Conv2d(1, 4, 3, seed=1), nn.Flatten(), nn.Linear(16, 5, seed=2)).to("float64")
    same(model, want)
    assert model.dtype == np.float64
    conv.weight[0] = 7
    assert model.parameters()["0.weight"][0, 0, 0, 0] == 7


def test_a_layer_by_itself_and_one_inside_of_a_container():
    layer = nn.LazyConv1d(4, 3, padding=1, seed=0)
    assert repr(layer) == "LazyConv1d(4, 3, padding=1)"
    assert layer(np.zeros((2, 3, 8), np.float32)).shape == (2, 4, 8)
    same(layer, nn.Conv1d(3, 4, 3, padding=1, seed=0))
    inner = nn.Sequential(nn.LazyLinear(3))
    outer = nn.Sequential(inner, nn.LazyLinear(2))
    inner.input_shape = (4,)
    assert repr(outer[1]) == "LazyLinear(2)"
    assert outer(np.zeros((1, 4), np.float32)).shape == (1, 2)
    assert outer.num_parameters() == 15 + 8


@pytest.mark.parametrize(
    "build",
    [
        lambda: nn.Residual(nn.LazyConv2d(2, 1)),
        lambda: nn.Branches(nn.LazyConv2d(2, 1), nn.Identity()),
        lambda: nn.Graph({"a": (nn.LazyConv2d(2, 1), "input"), "b": (nn.Add(), "a", "input")}, seed=0),
    ],
)
def test_in_other_containers(build):
    model = build()
    model(np.zeros((1, 2, 3, 3), np.float32))
    assert model.num_parameters() == 6


def test_file_round_trip_and_training(tmp_path):
    model = lazy()
    x = np.random.default_rng(0).standard_normal((64, 1, 6, 6)).astype(np.float32)
    history = cf.fit(model, (x, (x.mean((1, 2, 3)) > 0).astype(int)), epochs=3, seed=0, progress=False)
    assert history.epochs[-1].loss < history.epochs[0].loss
    model.save(tmp_path / "m")
    same(load(tmp_path / "m"), model)
    same(model.copy(), model)


def test_blank_parameters_stay_blank():
    with nn.blank_parameters():
        model = nn.Sequential(nn.LazyLinear(3), input_shape=(4,), seed=0)
    assert model.num_parameters() == 15
    assert not model.flat_parameters.any()


@pytest.mark.parametrize(
    "use",
    [
        lambda m: m.num_parameters(),
        lambda m: m.parameters(),
        lambda m: m.state_dict(),
        lambda m: m.load_state_dict({}),
        lambda m: m.freeze(),
        lambda m: m.copy(),
        lambda m: m.to_config(),
        lambda m: m.summary(),
        lambda m: m.save("unused"),
        lambda m: cf.Trainer(m, cf.optim.SGD(lr=0.1)),
        lambda m: m["head"]["last"].weight,
    ],
)
def test_what_needs_parameters_names_the_layer(use):
    model = nn.Sequential(flat=nn.Flatten(), head=nn.Sequential(last=nn.LazyLinear(3)))
    with refused(RuntimeError, f'layer "head.last": LazyLinear: {WAITS}'):
        use(model)
    with refused(RuntimeError, f"LazyLinear: {WAITS}"):
        nn.LazyLinear(3).num_parameters()


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (
            lambda: nn.Sequential(nn.LazyLinear(3), input_shape=(1, 2, 2)),
            'layer "0": LazyLinear: needs an input (features,), got (1, 2, 2); put a Flatten before it',
        ),
        (
            lambda: nn.LazyConv2d(3, 1)(np.zeros((1, 4), np.float32)),
            "LazyConv2d: needs an input (c, h, w), got (4,)",
        ),
        (lambda: nn.LazyLinear(0), "Linear: out_features must be from 1 to 268435456, got 0"),
        (
            lambda: nn.Sequential(nn.LazyConv2d(4, 1, groups=2), input_shape=(3, 2, 2)),
            'layer "0": Conv2d: groups must divide in_channels and out_channels, got groups 2 for 3 and 4',
        ),
    ],
)
def test_what_they_refuse(build, text):
    with refused(ValueError, text):
        build()


def test_a_wrong_shape_changes_nothing():
    model = lazy(seed=3)
    with pytest.raises(ValueError, match="does not fit"):
        model(np.zeros((1, 1, 4, 4), np.float32))
    assert model.is_lazy()
    model.input_shape = (1, 6, 6)
    same(model, written(seed=3))

"""Parameters: one flat block with named live views; who may own them; copies, state dicts, first values."""

from __future__ import annotations

import copy
import gc
import pickle

import numpy as np
import pytest
from cnnfast import nn

from tests.support.refusal import refused


def nested() -> nn.Sequential:
    body = nn.Sequential({"conv": nn.Conv2d(2, 2, 1), "bias": nn.ChannelBias(2)})
    return nn.Sequential(nn.Conv2d(1, 2, 1), nn.Residual(body), nn.Flatten(), nn.Linear(8, 3), seed=0)


def test_names_shapes_and_order():
    shapes = {name: value.shape for name, value in nested().parameters().items()}
    assert shapes == {
        "0.weight": (2, 1, 1, 1),
        "0.bias": (2,),
        "1.body.conv.weight": (2, 2, 1, 1),
        "1.body.conv.bias": (2,),
        "1.body.bias.bias": (2,),
        "3.weight": (3, 8),
        "3.bias": (3,),
    }
    assert nested().num_parameters() == 2 + 2 + 4 + 2 + 2 + 24 + 3


def test_all_parameters_lie_in_one_block_and_are_live():
    model = nested()
    block = model.flat_parameters
    for value in [*model.parameters().values(), model[0].weight, model["1"].body["conv"].weight]:
        assert np.shares_memory(value, block)
    model.parameters()["3.bias"][:] = 7
    assert model[3].bias.tolist() == [7, 7, 7]
    x = np.zeros((1, 1, 2, 2), np.float32)
    model[3].weight[...] = 0
    assert model(x).tolist() == [[7, 7, 7]]
    model[3].bias = [1, 2.5, 3]
    assert model(x).tolist() == [[1, 2.5, 3]]


def test_a_part_of_a_model_works_on_its_own_and_writes_into_the_models_gradients():
    model = nested()
    part = model["1"]
    x = np.ones((1, 2, 2, 2), np.float32)
    dy = np.ones_like(part.forward(x))
    assert part.backward(dy).shape == x.shape
    assert model.gradients()["1.body.bias.bias"].tolist() == [4, 4]
    assert np.shares_memory(part.gradients()["body.bias.bias"], model.flat_gradients)


def test_containers_keep_the_values_the_layers_had():
    layer = nn.Linear(3, 2, seed=4)
    values = layer.state_dict()
    model = nn.Sequential(nn.ReLU(), layer)
    for name, value in values.items():
        np.testing.assert_array_equal(model.parameters()[f"1.{name}"], value)


def test_a_layer_has_one_container():
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer)
    with pytest.raises(ValueError, match="already part of another") as caught:
        nn.Sequential(nn.ReLU(), layer)
    assert str(caught.value) == (
        "Sequential: layer '1' (Linear) is already part of another container; "
        "use copy() for an independent one"
    )
    with pytest.raises(ValueError, match="already part of another"):
        nn.Residual(layer)
    twice = nn.ReLU()
    with pytest.raises(ValueError, match="the same object") as caught:
        nn.Sequential(twice, nn.Linear(1, 1), twice)
    assert str(caught.value) == (
        "Sequential: layer '2' is the same object as layer '0'; "
        "build it twice, or use copy() for one with equal weights"
    )
    nn.Sequential(twice)  # a refused container leaves nothing behind
    del model
    gc.collect()
    nn.Sequential(layer)  # its container is gone: free again


@pytest.mark.parametrize(
    ("layers", "error", "text"),
    [
        ((), ValueError, "Sequential: needs at least one layer"),
        ((nn.ReLU,), TypeError, "Sequential: layer '0' is the class ReLU; write ReLU(...)"),
        (
            ([nn.ReLU()],),
            TypeError,
            "Sequential: layer '0' must be a module, got list; unpack it: Sequential(*layers)",
        ),
        ((3,), TypeError, "Sequential: layer '0' must be a module, got int"),
        (({1: nn.ReLU()},), TypeError, "Sequential: names of layers must be strings, got int 1"),
        (
            ({"a.b": nn.ReLU()},),
            ValueError,
            "Sequential: a layer's name must not be empty or hold a dot, got 'a.b'",
        ),
        (
            (nn.Linear(1, 1), nn.Linear(1, 1).to("float64")),
            ValueError,
            "Sequential: all layers must have one dtype, got float32 and float64",
        ),
    ],
)
def test_containers_refuse(layers, error, text):
    with refused(error, text):
        nn.Sequential(*layers)


def test_sequential_is_indexed_by_position_and_name():
    model = nested()
    assert len(model) == 4
    assert model[0] is model["0"] is next(iter(model)) is model.children()["0"]
    assert model[-1] is model[np.int64(3)]
    with pytest.raises(KeyError, match="Sequential: has no layer 'x'; it has 0, 1, 2, 3"):
        model["x"]
    with pytest.raises(IndexError):
        model[4]
    with pytest.raises(TypeError, match=r"^Sequential: a layer is taken by its position or name, got slice"):
        model[1:]


def test_copies_are_independent():
    model = nested().to("float64")
    model.input_shape, model.classes = (1, 2, 2), ("a", "b", "c")
    model.preprocessing = nn.Preprocessing(0.5, 0.25)
    for twin in (model.copy(), copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert repr(twin) == repr(model)
        assert twin.dtype == np.float64
        assert (twin.input_shape, twin.classes, twin.preprocessing) == (
            model.input_shape,
            model.classes,
            model.preprocessing,
        )
        np.testing.assert_array_equal(twin.flat_parameters, model.flat_parameters)
        assert not np.shares_memory(twin.flat_parameters, model.flat_parameters)
    part = model[3].copy()
    nn.Sequential(part)  # belongs to nobody


def test_to_changes_the_dtype_in_place():
    model = nested()
    values = model.state_dict()
    assert model.to("float64") is model
    assert model.dtype == model[0].dtype == np.float64
    assert model(np.zeros((1, 1, 2, 2))).dtype == np.float64
    for name, value in model.to(np.float32).state_dict().items():
        np.testing.assert_array_equal(value, values[name])
    with refused(ValueError, "Conv2d: is part of a container; call to() on the whole network"):
        model[0].to("float64")
    for wrong in ("float16", None, int, "nonsense"):
        with pytest.raises(TypeError, match='dtype must be "float32" or "float64", got'):
            model.to(wrong)


def test_assigning_to_a_parameter_is_checked():
    with pytest.raises(
        ValueError, match=r"^Linear: weight must have shape \(1, 2\), got \(2,\) in the state$"
    ):
        nn.Linear(2, 1).weight = np.zeros(2)
    layer = nn.Conv2d(1, 1, 1, bias=False)
    assert layer.bias is None
    with refused(AttributeError, "Conv2d: was built without bias"):
        layer.bias = np.zeros(1)


def test_initial_values_are_uniform_within_pytorchs_bound():
    layer = nn.Conv2d(3, 400, (3, 5), seed=0)
    bound = 1 / np.sqrt(3 * 3 * 5)
    for values in (layer.weight, layer.bias):
        assert -bound <= values.min() < -0.97 * bound
        assert 0.97 * bound < values.max() <= bound
    assert abs(layer.weight.mean()) < 0.01 * bound
    assert layer.weight.std() == pytest.approx(bound / np.sqrt(3), rel=0.02)
    linear = nn.Linear(16, 4000, seed=0)
    assert 0.249 < linear.weight.max() <= 0.25
    assert not nn.PositionBias(2, 3, 3).bias.any()
    assert not nn.ChannelBias(2).bias.any()


def test_seeds():
    a, b = nn.Linear(4, 4, seed=1), nn.Linear(4, 4, seed=1)
    np.testing.assert_array_equal(a.weight, b.weight)
    assert not np.array_equal(a.weight, nn.Linear(4, 4, seed=2).weight)
    assert not np.array_equal(nn.Linear(4, 4).weight, nn.Linear(4, 4).weight)
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), seed=7)
    assert not np.array_equal(model[0].weight, model[1].weight)
    first = model.flat_parameters.copy()
    model.initialize(np.random.SeedSequence(7))
    np.testing.assert_array_equal(model.flat_parameters, first)
    np.testing.assert_array_equal(
        nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), seed=7).flat_parameters, first
    )
    children = np.random.SeedSequence(7).spawn(2)
    np.testing.assert_array_equal(model[1].weight, nn.Linear(4, 4, seed=children[1]).weight)
    double = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)).to("float64")
    double.initialize(7)
    np.testing.assert_array_equal(double.flat_parameters, first.astype(np.float64))
    for seed, error, text in [
        (-1, ValueError, "Linear: seed must be at least 0, got -1"),
        (1.5, TypeError, "Linear: seed must be an integer, got float 1.5"),
        (True, TypeError, "Linear: seed must be an integer, got bool True"),
    ]:
        with refused(error, text):
            nn.Linear(1, 1, seed=seed)


def test_numpys_global_random_state_is_left_alone():
    state = np.random.get_state()[1].copy()
    nested().initialize(3)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


# --- weights kept between calls ---------------------------------------------------------------------

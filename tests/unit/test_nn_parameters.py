"""Parameters: one flat block with named live views; who may own them; copies, state dicts, first values."""

from __future__ import annotations

import copy
import gc
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cnnfast import nn, optim
from cnnfast.training.trainer import Trainer

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


def test_state_dict_round_trip_and_other_floats():
    model, other = nested(), nested()
    other.initialize(9)
    state = model.state_dict()
    state["0.weight"][:] = 5  # copies
    assert not (model[0].weight == 5).any()
    other.load_state_dict({name: value.astype(np.float64) for name, value in state.items()})
    assert other[0].weight.ravel().tolist() == [5, 5]
    assert other.dtype == np.float32


def test_load_state_dict_says_what_is_wrong_and_changes_nothing():
    model = nn.Sequential(nn.Linear(2, 3), seed=0)
    before = model.state_dict()
    good = model.state_dict()
    cases = [
        ([], TypeError, "Sequential: state must be a dict of arrays by name, got list"),
        ({}, ValueError, "Sequential: the state lacks 0.weight, 0.bias; strict=False would skip them"),
        (
            {**good, "x": 1, "y": 2},
            ValueError,
            "Sequential: the state has unknown x, y; strict=False would skip them",
        ),
        (
            {"0.weight": good["0.weight"], "b": 1},
            ValueError,
            "Sequential: the state lacks 0.bias and has unknown b; strict=False would skip them",
        ),
        (
            {**good, "0.bias": np.zeros(4)},
            ValueError,
            "Sequential: 0.bias must have shape (3,), got (4,) in the state",
        ),
        (
            {**good, "0.bias": np.arange(3)},
            TypeError,
            "Sequential: 0.bias must be floating point, got int64 in the state",
        ),
    ]
    for state, error, text in cases:
        with refused(error, text):
            model.load_state_dict(state)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    model.load_state_dict({"0.bias": np.ones(3, np.float16), "other": None}, strict=False)
    assert model[0].bias.tolist() == [1, 1, 1]


def test_load_state_dict_tells_all_that_is_wrong_at_once():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1), seed=0)
    state = {
        "0.weight": np.zeros((3, 3)),
        "0.bias": np.zeros(3, int),
        "1.weight": np.zeros(3),
        "2.bias": 0.0,
        "head": 0.0,
    }
    wrong = (
        "0.weight must have shape (3, 2), got (3, 3) in the state; 1.weight must have shape (1, 3), got (3,) "
        "in the state; 0.bias must be floating point, got int64 in the state"
    )
    names = "the state lacks 1.bias and has unknown 2.bias, head; strict=False would skip them"
    before = model.state_dict()
    with refused(ValueError, f"Sequential: {names}; {wrong}"):
        model.load_state_dict(state)
    with refused(ValueError, f"Sequential: {wrong}"):
        model.load_state_dict(state, strict=False)
    with pytest.raises(TypeError) as caught:
        model.load_state_dict({"0.weight": [[1.0], [1.0, 2.0]], "1.bias": "x"}, strict=False)
    assert str(caught.value).startswith("Sequential: 0.weight cannot be read as an array: setting an")
    assert str(caught.value).endswith("; 1.bias must be floating point, got <U1 in the state")
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_load_state_dict_returns_what_did_not_match():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1), seed=0)
    unmatched = model.load_state_dict({"0.bias": [1.0, 2.0, 3.0], "old.bias": None}, strict=False)
    assert unmatched.missing_keys == ["0.weight", "1.weight", "1.bias"]
    assert unmatched.unexpected_keys == ["old.bias"]
    assert model[0].bias.tolist() == [1, 2, 3]
    assert model.load_state_dict(model.state_dict()) == ([], [])


class Tensor:
    """What tensors of several libraries have in common: on a device, part of a graph, and then an array."""

    def __init__(self, value: np.ndarray, steps: tuple[str, ...]) -> None:
        self.value, self.steps = value, steps

    def _next(self, step: str) -> Tensor:
        assert self.steps[0] == step
        return Tensor(self.value, self.steps[1:])

    def detach(self) -> Tensor:
        return self._next("detach")

    def cpu(self) -> Tensor:
        return self._next("cpu")

    def numpy(self) -> np.ndarray:
        assert self.steps == ("numpy",)
        return self.value


class ArrayLike:
    def __init__(self, value: np.ndarray) -> None:
        self.value = value

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return self.value


@pytest.mark.parametrize(
    "wrap", [lambda a: Tensor(a, ("detach", "cpu", "numpy")), ArrayLike, np.ndarray.tolist]
)
def test_load_state_dict_takes_what_can_become_an_array(wrap):
    model, other = nested(), nested()
    other.initialize(9)
    other.load_state_dict({name: wrap(value) for name, value in model.state_dict().items()})
    np.testing.assert_array_equal(other.flat_parameters, model.flat_parameters)


def test_load_state_dict_takes_tensors_of_pytorch():
    torch = pytest.importorskip("torch")
    layer, theirs = nn.Linear(3, 2), torch.nn.Linear(3, 2)
    for state in (
        theirs.state_dict(),
        theirs.state_dict(keep_vars=True),
        dict(theirs.double().named_parameters()),
    ):
        layer.load_state_dict(state)
        np.testing.assert_array_equal(layer.weight, theirs.weight.detach().numpy().astype(np.float32))
    half = {"bias": torch.zeros(2, dtype=torch.bfloat16)}
    with pytest.raises(TypeError, match=r"^Linear: bias cannot be read as an array: .*BFloat16"):
        layer.load_state_dict(half, strict=False)


def test_assigning_to_a_parameter_is_checked():
    with pytest.raises(
        ValueError, match=r"^Linear: weight must have shape \(1, 2\), got \(2,\) in the state$"
    ):
        nn.Linear(2, 1).weight = np.zeros(2)
    layer = nn.Conv2d(1, 1, 1, bias=False)
    assert layer.bias is None
    with refused(AttributeError, "Conv2d: was built without bias"):
        layer.bias = np.zeros(1)


def test_first_values_are_uniform_in_the_bound_of_pytorch():
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


def fresh(model: nn.Module, x: np.ndarray) -> np.ndarray:
    """What the parameters of this moment give."""
    return model.copy()(x)


def test_inference_sees_every_change_of_the_parameters():
    model = nested()
    x = np.random.default_rng(0).standard_normal((2, 1, 2, 2)).astype(np.float32)
    state = {name: 2 * value for name, value in model.state_dict().items()}
    trainer = Trainer(model, optim.SGD(lr=0.1))
    held = model.parameters()["3.weight"][1:]  # a view of a view, kept

    def through_view() -> None:
        held[0, 3] += 1

    def through_dropped_view() -> None:
        model.parameters()["0.bias"][:] = 3

    def through_part() -> None:
        model["1"].parameters()["body.bias.bias"][:] -= 1

    def by_assignment() -> None:
        model[3].bias = model[3].bias * 2 + 1

    changes = [through_view, through_dropped_view, through_part, by_assignment, through_view]
    changes += [lambda: model.load_state_dict(state), lambda: model.initialize(5)]
    changes += [lambda: trainer.step(x, np.array([0, 1]))]
    for release in (False, True):
        for change in changes:
            before = model(x)
            change()
            after = model(x)
            assert (after != before).any()
            np.testing.assert_array_equal(after, fresh(model, x))
            np.testing.assert_array_equal(model(x), after)
        if not release:
            del held
            gc.collect()
            held = model[3].weight  # an array of its own


def test_weights_are_kept_while_nobody_can_change_them():
    model = nested()
    gc.collect()
    version = model._block.version
    assert version >= 0
    view = model[3].bias[1:]
    assert model._block.version == -1
    del view
    assert model._block.version > version
    version = model._block.version
    model(np.zeros((1, 1, 2, 2), np.float32))
    model.state_dict()
    assert model._block.version == version


def test_threads_may_share_a_model_whose_weights_change_between_calls():
    model = nested()
    x = np.random.default_rng(0).standard_normal((3, 1, 2, 2)).astype(np.float32)
    with ThreadPoolExecutor(4) as pool:
        for seed in range(20):
            model.initialize(seed)
            want = fresh(model, x)
            for got in pool.map(lambda _: model(x), range(8)):
                np.testing.assert_array_equal(got, want)


def test_a_state_that_matches_nothing_is_refused_also_without_strict():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    before = model.state_dict()
    state = {name: value + 1 for name, value in before.items()}
    theirs = "0.weight, 0.bias, 2.weight, 2.bias"
    with refused(
        ValueError,
        "Sequential: nothing in the state matches: it has module.0.weight, module.0.bias, module.2.weight, "
        f"module.2.bias, the module has {theirs}; remove the prefix 'module.' from its names",
    ):
        model.load_state_dict({f"module.{name}": value for name, value in state.items()}, strict=False)
    whole = nn.Sequential({"body": model})
    with refused(
        ValueError,
        f"Sequential: nothing in the state matches: it has {theirs}, the module has body.0.weight, "
        "body.0.bias, body.2.weight, body.2.bias; add the prefix 'body.' to its names",
    ):
        whole.load_state_dict(state, strict=False)
    with refused(
        ValueError,
        f"Sequential: nothing in the state matches: it has a, b, c, d and 2 more, the module has {theirs}",
    ):
        model.load_state_dict(dict.fromkeys("abcdef", np.zeros(1)), strict=False)
    with refused(ValueError, f"Sequential: the state is empty, expected some of {theirs}"):
        model.load_state_dict({}, strict=False)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_a_state_that_matches_in_part_is_taken_without_strict():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    told = model.load_state_dict({"0.bias": np.ones(3), "head.bias": np.ones(1)}, strict=False)
    assert told.missing_keys == ["0.weight", "1.weight", "1.bias"]
    assert told.unexpected_keys == ["head.bias"]
    assert model[0].bias.tolist() == [1, 1, 1]
    assert nn.ReLU().load_state_dict({}, strict=False) == ([], [])

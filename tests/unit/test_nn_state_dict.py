"""State dicts: what loads, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import nn

from tests.support.refusal import refused


def nested() -> nn.Sequential:
    body = nn.Sequential({"conv": nn.Conv2d(2, 2, 1), "bias": nn.ChannelBias(2)})
    return nn.Sequential(nn.Conv2d(1, 2, 1), nn.Residual(body), nn.Flatten(), nn.Linear(8, 3), seed=0)


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


def test_load_state_dict_reports_all_mismatches():
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
def test_load_state_dict_converts_array_likes(wrap):
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
    result = model.load_state_dict({"0.bias": np.ones(3), "head.bias": np.ones(1)}, strict=False)
    assert result.missing_keys == ["0.weight", "1.weight", "1.bias"]
    assert result.unexpected_keys == ["head.bias"]
    assert model[0].bias.tolist() == [1, 1, 1]
    assert nn.ReLU().load_state_dict({}, strict=False) == ([], [])

"""Layers that multiply: `Mul` and `MatMul` as joins of a `Graph`, `PReLU` by its own slopes."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import check_gradients, nn

from tests.support.refusal import refused


def gate() -> nn.Graph:
    """Squeeze and excitation without broadcasting: the gate has the shape of what it is for."""
    return nn.Graph(
        {
            "stem": (nn.Conv2d(2, 5, 3), "input"),
            "gate": (nn.Conv2d(5, 5, 1), "stem"),
            "squash": (nn.Sigmoid(), "gate"),
            "y": (nn.Mul(), "stem", "squash", "stem"),
            "flat": (nn.Flatten(), "y"),
            "head": (nn.Linear(60, 3), "flat"),
        },
        input_shape=(2, 5, 6),
        seed=0,
    )


def attention() -> nn.Graph:
    """Values (c, l) weighed by a softmax over the products of their own projections."""
    return nn.Graph(
        {
            "keys": (nn.Conv1d(4, 7, 1), "input"),
            "queries": (nn.Conv1d(7, 4, 1), "keys"),
            "square": (nn.Reshape((7, 4)), "queries"),
            "scores": (nn.MatMul(), "keys", "square"),
            "weights": (nn.Softmax(), "scores"),
            "y": (nn.MatMul(), "queries", "weights"),
            "act": (nn.PReLU(4), "y"),
            "flat": (nn.Flatten(), "act"),
            "head": (nn.Linear(16, 3), "flat"),
        },
        input_shape=(4, 7),
        seed=1,
    )


@pytest.mark.parametrize("build", [gate, attention])
def test_gradients(build) -> None:
    model = build()
    rng = np.random.default_rng(2)
    x = rng.standard_normal((3, *model.input_shape))
    check_gradients(model, x, np.array([0, 2, 1]))


@pytest.mark.parametrize("build", [gate, attention])
def test_described_and_built_again(build) -> None:
    model = build()
    again = nn.from_config(model.to_config())
    again.load_state_dict(model.state_dict())
    x = np.random.default_rng(3).standard_normal((2, *model.input_shape)).astype(np.float32)
    assert again(x).tobytes() == model(x).tobytes()


def test_three_values_are_joined_from_left_to_right() -> None:
    x = np.array([[[1.0, 2.0], [3.0, 4.0]]], np.float32)
    three = nn.Graph({"y": (nn.MatMul(), "input", "input", "input")})
    np.testing.assert_array_equal(three(x), x @ x @ x)
    np.testing.assert_array_equal(nn.Graph({"y": (nn.Mul(), "input", "input", "input")})(x), x**3)


def test_joins_stand_in_a_graph() -> None:
    for layer in (nn.Mul(), nn.MatMul()):
        name = type(layer).__name__
        with refused(ValueError, f"{name}: has several inputs, so it must be in an nn.Graph"):
            layer(np.zeros((1, 2, 2), np.float32))
        with refused(ValueError, f"Graph: node 'y' ({name}) must read at least 2 values, got 1"):
            nn.Graph({"y": (layer, "input")})


def test_prelu_starts_from_init_and_says_so() -> None:
    layer = nn.PReLU(3, init=0.5)
    np.testing.assert_array_equal(layer.weight, [0.5] * 3)
    layer.weight = np.array([1.0, 2.0, 3.0])
    layer.initialize(seed=4)
    np.testing.assert_array_equal(layer.weight, [0.5] * 3)
    assert repr(layer) == "PReLU(num_parameters=3, init=0.5)"
    assert repr(nn.PReLU()) == "PReLU()"
    assert nn.from_config(layer.to_config()).to_config() == layer.to_config()


def test_prelu_learns_one_slope_for_all_channels() -> None:
    x = np.array([[-1.0, 2.0], [-3.0, -4.0]], np.float32)
    layer = nn.PReLU()
    np.testing.assert_array_equal(layer.forward(x), [[-0.25, 2], [-0.75, -1]])
    np.testing.assert_array_equal(layer.backward(np.ones_like(x)), [[0.25, 1], [0.25, 0.25]])
    np.testing.assert_array_equal(layer.gradients()["weight"], [-8.0])


def test_settings_of_activations_are_shown_where_they_are_not_the_usual_ones() -> None:
    assert repr(nn.SELU()) == "SELU()"
    assert repr(nn.Hardsigmoid(alpha=0.2)) == "Hardsigmoid(alpha=0.2)"
    assert repr(nn.Hardtanh(0.0, 1.0)) == "Hardtanh(min_val=0.0)"
    assert repr(nn.ReLU6()) == "ReLU6()"

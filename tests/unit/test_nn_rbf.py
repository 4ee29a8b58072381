"""`RBF`, whose centers are trained or fixed, and `SelectChannels`: settings, files, gradients, training."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import Trainer, check_gradients, functional, load, nn, optim

from tests.support.refusal import refused

Rng = np.random.Generator


def test_centers_are_drawn_from_minus_1_and_1() -> None:
    weight = nn.RBF(40, 30, seed=1).weight
    np.testing.assert_array_equal(np.abs(weight), 1)
    assert 0.45 < (weight > 0).mean() < 0.55
    np.testing.assert_array_equal(weight, nn.RBF(40, 30, seed=1).weight)


def test_settings_and_repr() -> None:
    layer = nn.RBF(4, 3, scale=-0.5, fixed=True, seed=0)
    assert repr(layer) == "RBF(4, 3, scale=-0.5, fixed=True)"
    assert repr(nn.RBF(4, 3)) == "RBF(4, 3)"
    assert nn.from_config(layer.to_config()).to_config() == layer.to_config()


@pytest.mark.parametrize("fixed", [False, True])
def test_gradients(fixed: bool, rng: Rng) -> None:
    model = nn.Sequential(nn.Linear(5, 4), nn.RBF(4, 3, -0.5, fixed), seed=1).to("float64")
    x = rng.standard_normal((6, 5))
    check_gradients(model, x, np.arange(6) % 3)
    _, grads = model.loss_and_grad(x, np.arange(6) % 3)
    assert ("1.weight" in grads) == (not fixed)
    assert (model.flat_gradients[-12:] == 0).all() == fixed


@pytest.mark.parametrize("fixed", [False, True])
def test_only_trained_centers_move(fixed: bool, rng: Rng, tmp_path: object) -> None:
    model = nn.Sequential(nn.Linear(5, 4), nn.RBF(4, 3, -1.0, fixed), input_shape=(5,), seed=1)
    centers = model[1].weight.copy()
    assert model.num_parameters() == 24 + 12 * (not fixed)
    assert model.num_buffers() == 12 * fixed
    trainer = Trainer(model, optim.Adam(lr=0.1))
    x = rng.standard_normal((6, 5)).astype(np.float32)
    losses = [trainer.step(x, np.arange(6) % 3) for _ in range(20)]
    assert losses[-1] < losses[0]
    assert np.array_equal(model[1].weight, centers) == fixed
    model.save(f"{tmp_path}/model.safetensors")
    twin = load(f"{tmp_path}/model.safetensors")
    np.testing.assert_array_equal(twin[1].weight, model[1].weight)
    assert twin(x).tobytes() == model(x).tobytes()


def test_a_small_distance_is_accurate_far_from_the_origin(rng: Rng) -> None:
    """|x|^2 - 2 x w + |w|^2 would be 0 or negative here."""
    w = 1e4 * rng.standard_normal((1, 50)).astype(np.float32)
    x = np.nextafter(w, np.float32(np.inf))
    want = ((x.astype(np.float64) - w) ** 2).sum()
    assert functional.rbf(x, w)[0, 0] == pytest.approx(want, rel=1e-5)


def test_selection() -> None:
    layer = nn.SelectChannels((2, 0, 2))
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    np.testing.assert_array_equal(layer(x), x[:, [2, 0, 2]])
    layer.forward(x)
    dx = layer.backward(np.ones((2, 3, 4), np.float32))
    np.testing.assert_array_equal(dx[0], [[1] * 4, [0] * 4, [2] * 4])


@pytest.mark.parametrize("indices", [(3,), (1, 1), (0, 4, 2)])
def test_selection_has_all_its_indices_in_repr_and_config(indices: tuple[int, ...]) -> None:
    layer = nn.SelectChannels(indices)
    assert repr(layer) == f"SelectChannels({indices})"
    again = nn.from_config(layer.to_config())
    assert again.to_config() == {"type": "SelectChannels", "indices": list(indices)}
    row = nn.Sequential(layer, input_shape=(5, 2)).summary()
    assert f"indices {indices}" in str(row) or len(set(indices)) == 1


def test_missing_channel_is_named() -> None:
    with refused(ValueError, "SelectChannels: there is no channel 7 in input (3, 5, 5), which has 3"):
        nn.SelectChannels((7, 0))(np.zeros((1, 3, 5, 5), np.float32))

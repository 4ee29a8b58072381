"""Dropout: what is dropped follows from seed, image and element alone, and looks like chance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import functional, models, nn, optim

SetThreads = Callable[[int], None]


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("shape", [(7,), (3, 5), (8, 6, 7)])
def test_values_are_zero_or_scaled(p: float, shape: tuple[int, ...], isa: str, dtype: str) -> None:
    x = np.random.default_rng(0).standard_normal((200, *shape)).astype(dtype)
    y = functional.dropout(x, p, seed=3, isa=isa)
    kept = y != 0
    assert y.dtype == dtype
    factor = np.array(1 / (1 - p) if p < 1 else 0, dtype)
    np.testing.assert_array_equal(y, np.where(kept, x * factor, 0))
    deviation = np.sqrt(p * (1 - p) / x.size)
    assert abs((~kept).mean() - p) <= 5 * deviation
    dy = np.random.default_rng(1).standard_normal(x.shape).astype(dtype)
    np.testing.assert_array_equal(
        functional.dropout_backward(dy, p, seed=3, isa=isa), np.where(kept, dy * factor, 0)
    )


def test_every_instruction_set_and_precision_drops_the_same() -> None:
    from cnnfast import _core

    ones = np.ones((50, 9, 5, 5))
    want = functional.dropout(ones, 0.3, seed=1) == 0
    for isa in _core.build_info()["isas_available"]:
        for dtype in ("float32", "float64"):
            np.testing.assert_array_equal(
                functional.dropout(ones.astype(dtype), 0.3, seed=1, isa=isa) == 0, want
            )


def correlation(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_looks_like_chance() -> None:
    """Neighbors, images, channels and seeds have nothing to do with one another: correlations of 10^5 and
    more draws within five of their standard deviations.
    """
    ones = np.ones((100, 16, 10, 10))
    kept = [functional.dropout(ones, 0.5, seed=seed) != 0 for seed in (0, 1, 2, 2**40, 2**63)]
    limit = 5 / np.sqrt(ones.size / 2)
    first = kept[0].astype(float)
    for other in kept[1:]:
        assert abs(correlation(first, other.astype(float))) < limit
    assert abs(correlation(first[1:], first[:-1])) < limit
    assert abs(correlation(first[:, 1:], first[:, :-1])) < limit
    assert abs(correlation(first[..., 1:], first[..., :-1])) < limit
    assert abs(correlation(first[..., 1:, :], first[..., :-1, :])) < limit
    each = first.reshape(100, -1).mean(1)
    assert abs(each - 0.5).max() < 5 * 0.5 / np.sqrt(1600)
    flat = np.packbits(kept[0])
    counts = np.bincount(flat, minlength=256)  # chi square of bytes, 255 degrees of freedom
    expected = len(flat) / 256
    assert 150 < ((counts - expected) ** 2 / expected).sum() < 380


def test_whole_channels() -> None:
    y = nn.Dropout2d(0.4).forward(np.ones((300, 10, 3, 4), np.float32), seed=0)
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :, :1, :1], y.shape))
    assert 0.35 < (y[:, :, 0, 0] == 0).mean() < 0.45
    ones = np.ones(y.shape, np.float32)
    kept = functional.dropout2d(ones, 0.4, seed=0)
    np.testing.assert_array_equal(kept, np.broadcast_to(kept[:, :, :1, :1], kept.shape))
    np.testing.assert_array_equal(functional.dropout2d_backward(3 * ones, 0.4, seed=0), 3 * kept)


def test_what_is_dropped_is_gone_even_if_not_finite() -> None:
    x = np.array([[np.nan, np.inf, 1.0] * 50], np.float32)
    y = nn.Dropout(0.5).forward(x, seed=0)
    assert ((y == 0) | ~np.isfinite(y) | (y == 2)).all()
    assert (y == 0).sum() > 50


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, seed=0),
        nn.ReLU(),
        nn.Dropout2d(0.2),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(6 * 676, 10, seed=1),
        nn.Dropout(0.1),
    )


def batch(n: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    rng = np.random.default_rng(n)
    return rng.standard_normal((n, 1, 28, 28)).astype(np.float32), rng.integers(0, 10, n)


def test_inference_is_the_identity() -> None:
    model, (x, _) = network(), batch(5)
    plain = nn.Sequential(
        *[layer.copy() for layer in model if not isinstance(layer, nn.Dropout | nn.Dropout2d)]
    )
    np.testing.assert_array_equal(model(x), plain(x))


@pytest.mark.parametrize("n", [1, 40])
def test_same_bits_for_any_number_of_threads(n: int, set_threads: SetThreads) -> None:
    x, target = batch(n)
    model, first = network(), None
    for count in (1, 2, 3, 7):
        set_threads(count)
        loss, grads = model.loss_and_grad(x, target, seed=5)
        result = (loss, *(g.tobytes() for g in grads.values()), model.forward(x, seed=5).tobytes())
        first = first or result
        assert result == first
    assert model.loss_and_grad(x, target, seed=6)[0] != first[0]
    assert model.loss_and_grad(x, target)[0] != model.loss_and_grad(x, target)[0], (
        "drawn again without a seed"
    )


def test_layers_of_a_network_draw_apart() -> None:
    """Two in a row keep a quarter, not the same half twice."""
    ones = np.ones((50, 200), np.float32)
    kept = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5)).forward(ones, seed=3) != 0
    assert abs(kept.mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / kept.size)


def test_backward_goes_through_what_was_kept() -> None:
    drop, x = nn.Dropout(0.5), np.ones((4, 50), np.float32)
    y = drop.forward(x, seed=9)
    np.testing.assert_array_equal(drop.backward(np.full_like(x, 3)), 3 * y)


def test_training_can_be_repeated() -> None:
    data = cf.datasets.glyphs(300, seed=0)

    def trained(seed: int) -> bytes:
        model = nn.Sequential(models.d4(seed=0), nn.Dropout(0.2), nn.Linear(10, 26, seed=0))
        cf.fit(model, data, epochs=2, optimizer=optim.Adam(), seed=seed, progress=False)
        return b"".join(v.tobytes() for v in model.state_dict().values())

    assert trained(0) == trained(0)
    assert trained(0) != trained(1)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: nn.Dropout(1.5), ValueError, "Dropout: p must be from 0 to 1, got 1.5"),
        (lambda: nn.Dropout2d(-1), ValueError, "Dropout2d: p must be from 0 to 1, got -1"),
        (lambda: nn.Dropout(float("nan")), ValueError, "Dropout: p must be from 0 to 1, got nan"),
        (lambda: nn.Dropout("half"), TypeError, "Dropout: p must be a number, got 'half'"),  # type: ignore[arg-type]
        (
            lambda: nn.Dropout2d()(np.zeros((2, 3), np.float32)),
            ValueError,
            "Dropout2d: expected an input of shape (c, h, w), got (3,)",
        ),
        (
            lambda: functional.dropout(np.zeros((2, 3)), 2, seed=0),
            ValueError,
            "dropout: p must be at least 0 and at most 1, got 2",
        ),
        (
            lambda: nn.Dropout().forward(np.zeros((2, 3), np.float32), seed=-1),
            ValueError,
            "Dropout: seed must be at least 0, got -1",
        ),
    ],
)
def test_errors(make: Callable[[], object], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == text

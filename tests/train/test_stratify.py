"""`fit(validation=fraction)` holds out the same fraction of each class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cnnfast import fit, losses, nn, optim
from cnnfast.datasets import ImageDataset
from cnnfast.datasets.sampling import stratified_order
from cnnfast.training.samples import Samples, split_validation

from tests.support.refusal import refused

RNG = np.random.default_rng(0)


def split(y: Any, fraction: float, stratify: bool | None = None, seed: int = 0, **more: Any) -> Any:
    y = np.asarray(y)
    x = np.arange(len(y), dtype=np.float32)[:, None]
    part, held = split_validation("fit", Samples(x, y), fraction, seed, loss_of(**more), stratify)
    assert part.rows is not None
    rows = held.x[:, 0].astype(int)
    assert sorted([*part.rows, *rows]) == list(range(len(y)))
    assert rows.tolist() == sorted(rows)
    return part.y[part.rows], held.y


def loss_of(name: str = "cross_entropy") -> losses.Loss:
    return losses.as_loss("fit", name)


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.37, 0.9])
def test_every_class_alike(fraction: float) -> None:
    counts = np.array([500, 100, 60, 33, 7])
    y = RNG.permutation(np.repeat(np.arange(5), counts))
    rest, held = split(y, fraction)
    assert len(held) == round(len(y) * fraction)
    np.testing.assert_array_less(abs(np.bincount(held, minlength=5) - counts * fraction), 1.001)
    assert set(rest) == set(range(5))


def test_rare_classes_stay_in_training() -> None:
    y = np.array([0] * 20 + [1, 2, 3])
    for seed in range(20):
        rest, _ = split(y, 0.5, seed=seed)
        assert set(rest) == {0, 1, 2, 3}
    rest, held = split(np.arange(10), 0.3)  # only last images: at random
    assert (len(rest), len(held)) == (7, 3)
    rest, held = split([0, 0, 1, 1, -100], 0.4)  # ignored ones are a class too
    assert sorted(held) == [0, 1]


def test_seed_and_order() -> None:
    y = RNG.integers(0, 4, 200)
    assert stratified_order(y, 3).tolist() == stratified_order(y, 3).tolist()
    assert stratified_order(y, 3).tolist() != stratified_order(y, 4).tolist()
    assert sorted(stratified_order(y, 3)) == list(range(200))


def test_without_stratification_it_is_the_split_of_the_data_set() -> None:
    y = RNG.integers(0, 4, 200)
    data = ImageDataset(np.zeros((200, 2, 2), np.uint8), y, tuple("abcd"))
    expected = data.split(0.3, seed=5)[1].labels
    np.testing.assert_array_equal(split(y, 0.3, stratify=False, seed=5)[1], expected)
    assert expected.tolist() != split(y, 0.3, seed=5)[1].tolist()
    maps = RNG.integers(0, 4, (200, 2, 2))
    np.testing.assert_array_equal(split(maps, 0.3, seed=5)[1], data_rows(maps, 5))


def data_rows(y: Any, seed: int) -> Any:
    return y[np.sort(np.random.default_rng(seed).permutation(len(y))[: round(0.3 * len(y))])]


def test_binary_targets() -> None:
    y = np.array([[1.0]] * 10 + [[0.0]] * 90, np.float32)
    assert split(y, 0.2, name="bce_with_logits")[1].sum() == 2
    with refused(ValueError, "fit: stratify=True needs one class for each row as targets"):
        split(y / 2, 0.2, stratify=True, name="bce_with_logits")
    with refused(ValueError, "fit: stratify=True needs one class for each row as targets"):
        split(y, 0.2, stratify=True, name="mse")


def test_fit() -> None:
    x = RNG.normal(size=(60, 4)).astype(np.float32)
    y = np.repeat([0, 1, 2], [40, 15, 5])
    for stratify, held in ((None, y[RNG.permutation(60)]), (True, y), (False, y)):
        model = nn.Linear(4, 3, seed=0)
        history = fit(model, (x, held), 1, optim.SGD(0.1), validation=0.2, stratify=stratify, progress=False)
        assert history.epochs[0].val_accuracy is not None
    with refused(TypeError, "fit: stratify must be True, False or None, got 'yes'"):
        fit(model, (x, y), 1, validation=0.2, stratify="yes")  # type: ignore[arg-type]
    with refused(ValueError, "fit: stratify=True needs a fraction to hold out; set validation=0.1"):
        fit(model, (x, y), 1, validation=(x, y), stratify=True)

"""`fit` on a generator or another iterable of batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from cnnfast import fit, models
from cnnfast.datasets import ImageDataset, glyphs

from tests.support.refusal import refused

DATA = glyphs(60, seed=0)
PAIR = DATA.images, DATA.labels


def batches(sizes: tuple[int, ...], times: int = 1) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for _ in range(times):
        start = 0
        for n in sizes:
            yield DATA.images[start : start + n], DATA.labels[start : start + n]
            start += n


class Loader:
    """An iterable that can be repeated; counts how often."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.sizes, self.begun = sizes, 0

    def __iter__(self) -> Iterator[Any]:
        self.begun += 1
        return batches(self.sizes)


class SizedLoader(Loader):
    def __len__(self) -> int:
        return len(self.sizes)


def trained(data: Any, **settings: Any) -> tuple[np.ndarray, Any]:
    model = models.hello_dl_letters(seed=1)  # has dropout
    history = fit(model, data, epochs=2, progress=False, seed=3, **settings)
    return model.flat_parameters.copy(), history


@pytest.mark.parametrize(
    ("data", "steps"),
    [
        (lambda: batches((20, 20, 20), 2), 3),
        (lambda: Loader((20, 20, 20)), 3),
        (lambda: SizedLoader((20, 20, 20)), None),
        (lambda: SizedLoader((20, 20, 20)), 3),
        (lambda: (DATA[20 * i % 60 :][:20] for i in range(6)), 3),
    ],
    ids=["generator", "loader", "sized loader", "steps given", "data sets"],
)
def test_equals_arrays_in_their_order(data: Any, steps: int | None) -> None:
    weights, history = trained(data(), steps_per_epoch=steps, history_steps=True)
    wanted, expected = trained(PAIR, batch_size=20, shuffle=False, history_steps=True)
    np.testing.assert_array_equal(weights, wanted)
    assert history.steps == expected.steps
    assert [r.loss for r in history.epochs] == [r.loss for r in expected.epochs]


def test_augmentation_draws_new_changes_for_each_batch() -> None:
    same = SizedLoader((20,))
    changed = trained(same, augment="characters")[0]
    assert not np.array_equal(changed, trained(same)[0])
    again = trained(same, augment="characters")[0]
    np.testing.assert_array_equal(changed, again)


def test_batches_of_different_sizes_and_validation() -> None:
    _, history = trained(Loader((7, 30, 23)), steps_per_epoch=3, validation=DATA, schedule="cosine")
    assert [r.epoch for r in history.epochs] == [1, 2]
    assert history.epochs[0].val_accuracy is not None
    assert history.best_epoch in (1, 2)


def test_one_epoch_of_a_long_iterable_goes_on_in_the_next() -> None:
    loader = Loader((10,) * 6)
    weights, _ = trained(loader, steps_per_epoch=3)
    assert loader.begun == 1
    model = models.hello_dl_letters(seed=1)
    fit(model, PAIR, epochs=1, batch_size=10, shuffle=False, progress=False, seed=3)
    np.testing.assert_array_equal(weights, model.flat_parameters)


def test_classes_come_from_the_first_batch() -> None:
    model = models.hello_dl_letters(seed=0)
    fit(model, iter([DATA[:30], DATA[30:]]), epochs=1, steps_per_epoch=2, progress=False)
    assert model.classes == DATA.classes


class TestRefusals:
    def test_a_generator_that_ends_early(self) -> None:
        model = models.hello_dl_letters(seed=0)
        with refused(
            ValueError,
            "fit: data ended after 60 rows; it must have steps_per_epoch batches for each epoch, or be an "
            "object that can be iterated over again",
        ):
            fit(model, batches((20, 20, 20)), epochs=2, steps_per_epoch=3, progress=False)

    def test_settings_that_do_not_fit(self, tmp_path: Any) -> None:
        with refused(TypeError, "fit: data is a generator without a length; set steps_per_epoch=..."):
            trained(batches((20,)))
        with refused(ValueError, "fit: steps_per_epoch must be at least 1, got 0"):
            trained(batches((20,)), steps_per_epoch=0)
        with refused(
            ValueError, "fit: steps_per_epoch needs an iterable of batches as data; use batch_size=..."
        ):
            trained(PAIR, steps_per_epoch=3)
        with refused(
            ValueError,
            "fit: validation=0.1 cannot be held out from an iterable of batches; pass the validation data",
        ):
            trained(batches((20,)), steps_per_epoch=3, validation=0.1)
        with refused(
            ValueError, "fit: a training on an iterable of batches has no checkpoints; leave out checkpoint"
        ):
            trained(batches((20,)), steps_per_epoch=3, checkpoint=tmp_path)

    def test_what_is_no_batch(self) -> None:
        with refused(TypeError, "fit: data must be an ImageDataset or a pair (x, y), got int"):
            trained(iter([3]), steps_per_epoch=1)
        with pytest.raises(ValueError, match=r"x must have shape \(n, 1, 28, 28\), got \(60, 27, 28\)"):
            trained(iter([PAIR, (DATA.images[:, 1:], DATA.labels)]), steps_per_epoch=2)
        wrong = ImageDataset(DATA.images, DATA.labels, DATA.classes[::-1])
        with pytest.raises(ValueError, match="class 0 is 'z' in the data but 'a' in the model"):
            trained(iter([DATA, wrong]), steps_per_epoch=2)

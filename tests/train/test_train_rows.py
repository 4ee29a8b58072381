"""Which rows make a batch: indices, masks, what is copied for them; and steps that fail without a trace."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from cnnfast import fit, nn, optim
from cnnfast.errors import NonFiniteError
from cnnfast.training.trainer import Trainer

from tests.support.refusal import refused


def trainer_of(*layers: nn.Module) -> Trainer:
    layers = layers or (nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    return Trainer(nn.Sequential(*layers, seed=0), optim.Adam(lr=0.1))


def rows(rng: np.random.Generator, n: int = 9) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=(n, 4)).astype(np.float32), rng.integers(0, 3, n)


def state(trainer: Trainer) -> tuple[bytes, str, int, int]:
    return (
        trainer.model.flat_parameters.tobytes(),
        repr(trainer.optimizer.state_dict()),
        trainer.steps,
        trainer._dropout_seed(),
    )


@pytest.mark.parametrize(
    "index",
    [
        np.arange(9) > 4,
        [False] * 5 + [True] * 4,
        [5, 6, 7, 8],
        (5, 6, 7, 8),
        range(5, 9),
        np.array([5, 6, 7, 8], np.uint8),
        np.array([5, 6, 7, 8], np.int32),
        np.array([[5, 0], [6, 0], [7, 0], [8, 0]])[:, 0],
    ],
    ids=["mask", "list mask", "list", "tuple", "range", "uint8", "int32", "strided"],
)
@pytest.mark.parametrize("micro_batch", [None, 2])
def test_indices_as_users_write_them(index, micro_batch, rng):
    x, y = rows(rng)
    want, got, added = trainer_of(), trainer_of(), trainer_of()
    loss = want.step(x, y, np.array([5, 6, 7, 8]), micro_batch)
    assert got.step(x, y, index, micro_batch) == loss
    np.testing.assert_array_equal(got.model.flat_parameters, want.model.flat_parameters)
    if micro_batch is None:
        assert added.accumulate(x, y, index) == loss


@pytest.mark.parametrize(
    ("index", "error", "text"),
    [
        (
            np.ones(5, bool),
            ValueError,
            "Trainer: index is a mask of shape (5,), but x has 9 rows; a mask must have shape (9,)",
        ),
        (
            [1.0, 2.0],
            TypeError,
            "Trainer: index must hold integers (row numbers) or booleans (a mask), got float64",
        ),
        (np.zeros((2, 2), int), ValueError, "Trainer: index must have one dimension, got shape (2, 2)"),
        (3, TypeError, "Trainer: index must be an array of row numbers or a mask, got int"),
        (slice(2), TypeError, "Trainer: index must be an array of row numbers or a mask, got slice"),
        (
            np.ma.masked_array([1, 2], mask=[0, 1]),
            TypeError,
            "Trainer: index is a masked array, which is not supported; use index.filled(...) with "
            "a value of your choice",
        ),
        ([], ValueError, "x: the batch is empty; a mean loss needs at least one image"),
        (np.zeros(9, bool), ValueError, "x: the batch is empty; a mean loss needs at least one image"),
    ],
)
def test_indices_that_are_none(index, error, text, rng):
    trainer = trainer_of()
    x, y = rows(rng)
    for call in (trainer.step, trainer.accumulate):
        with refused(error, text):
            call(x, y, index)
    trainer.step(x, y)


@pytest.mark.parametrize("bad", [99, -1])
@pytest.mark.parametrize("micro_batch", [None, 2])
@pytest.mark.parametrize("copied", [False, True])
def test_places_count_in_the_callers_index(bad, micro_batch, copied, rng):
    trainer = trainer_of()
    x, y = rows(rng)
    if copied:
        y = y.astype(np.int32)
    before = state(trainer)
    who = "index: values must be" if micro_batch is None and not copied else "Trainer: index must be"
    what = "rows of x" if micro_batch is None and not copied else "9 rows"
    with refused(ValueError, f"{who} from 0 to 8 ({what}), got {bad} at position 5"):
        trainer.step(x, y, [0, 1, 2, 3, 4, bad, 6], micro_batch=micro_batch)
    assert state(trainer) == before
    trainer.step(x, y)


@pytest.mark.parametrize("kind", ["int64", "int32", "list"])
@pytest.mark.parametrize("micro_batch", [None, 2])
def test_a_wrong_label_is_named_by_its_row_and_leaves_no_trace(kind, micro_batch, rng):
    trainer = trainer_of()
    x, y = rows(rng)
    trainer.step(x, y)
    y[7] = 3
    given = y.tolist() if kind == "list" else y.astype(kind)
    before = state(trainer)
    with refused(
        ValueError, "target: values must be from 0 to 2 (the network has 3 outputs), got 3 at position 7"
    ):
        trainer.step(x, given, [0, 2, 4, 5, 7, 1], micro_batch=micro_batch)
    assert state(trainer) == before
    trainer.step(x, given, [0, 2], micro_batch=micro_batch)


def test_a_wrong_label_of_a_map_is_named_by_its_place(rng):
    trainer = trainer_of(nn.Conv2d(1, 3, 1))
    x, y = rng.normal(size=(4, 1, 2, 3)).astype(np.float32), rng.integers(0, 3, (4, 2, 3))
    y[2, 1, 1] = 5
    for given in (y, y.astype(np.int16)):
        with refused(
            ValueError, "target: values must be from 0 to 2 (the network has 3 outputs), got 5 at position 16"
        ):
            trainer.step(x, given, [3, 2])


@pytest.mark.parametrize("micro_batch", [None, 3])
def test_a_step_that_is_not_finite_leaves_no_trace(micro_batch, rng):
    trainer, spared = trainer_of(), trainer_of()
    x, y = rows(rng)
    spoilt = x.copy()
    spoilt[8] = np.nan
    before = state(trainer)
    with pytest.raises(NonFiniteError):
        trainer.step(spoilt, y, micro_batch=micro_batch)
    assert state(trainer) == before
    assert trainer.step(x, y, micro_batch=micro_batch) == spared.step(x, y, micro_batch=micro_batch)
    assert state(trainer) == state(spared)


def test_accumulating_what_is_not_finite_takes_running_averages_back(rng):
    trainer = trainer_of()
    x, y = rows(rng)
    before = state(trainer)
    trainer.accumulate(x, y)
    assert state(trainer) != before
    x[3] = np.inf
    with pytest.raises(NonFiniteError):
        trainer.accumulate(x, y)
    assert state(trainer) == before


def test_ctrl_c_between_parts_leaves_no_trace(rng, monkeypatch):
    trainer = trainer_of()
    x, y = rows(rng)
    before = state(trainer)
    add = type(trainer._accumulator).add

    def interrupted(self: object, *args: object) -> None:
        if trainer._accumulator.parts == 1:
            raise KeyboardInterrupt
        add(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(type(trainer._accumulator), "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trainer.step(x, y, micro_batch=3)
    monkeypatch.undo()
    assert state(trainer) == before
    trainer.step(x, y, micro_batch=3)


def test_a_wrong_part_leaves_the_parts_before_it(rng):
    trainer, want = trainer_of(), trainer_of()
    x, y = rows(rng)
    trainer.accumulate(x, y)
    with pytest.raises(ValueError, match="got 7 at position 0"):
        trainer.accumulate(x, np.full(9, 7))
    want.accumulate(x, y)
    assert trainer.update() == want.update()
    assert state(trainer) == state(want)


def peak_of(call: object) -> int:
    tracemalloc.start()
    try:
        call()  # type: ignore[operator]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def big(kind: str) -> tuple[np.ndarray, object]:
    x, y = np.zeros((4000, 16, 16), np.uint8), np.zeros(4000, np.int64)
    if kind == "transposed":
        return x.transpose(0, 2, 1), y
    if kind == "reversed":
        return x[::-1], y[::-1]
    return x, {"int32": y.astype(np.int32), "list": y.tolist(), "int64": y}[kind]


@pytest.mark.parametrize("kind", ["int64", "transposed", "reversed", "int32", "list"])
def test_a_step_copies_no_more_than_its_rows(kind):
    trainer = Trainer(nn.Sequential(nn.Flatten(), nn.Linear(256, 2), seed=0), optim.SGD(0.1))
    x, y = big(kind)
    index = np.arange(0, 64, 2)
    trainer.step(x, y, index)
    assert peak_of(lambda: trainer.step(x, y, index)) < 3 * 32 * 256


def test_fit_copies_a_data_set_once(rng, monkeypatch):
    copies = []
    contiguous = np.ascontiguousarray

    def counted(array: np.ndarray, *args: object, **more: object) -> np.ndarray:
        copies.append(array.shape)
        return contiguous(array, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(np, "ascontiguousarray", counted)
    x, y = rng.integers(0, 256, (40, 6, 5), dtype=np.uint8), rng.integers(0, 2, 40)
    fit(
        nn.Sequential(nn.Flatten(), nn.Linear(30, 2), seed=0),
        (x.transpose(0, 2, 1), y),
        3,
        batch_size=8,
        progress=False,
    )
    assert copies == [(40, 1, 5, 6)]

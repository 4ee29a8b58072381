"""Floats on another scale than the uint8 pixels a network was made for: a warning, once, and only if sure."""

from __future__ import annotations

import copy
import pickle
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cnnfast import Trainer, fit, load, models, nn, optim
from cnnfast._types import Array
from cnnfast.datasets import glyphs
from cnnfast.errors import CheckpointError

from tests.support import hostile_checkpoints as hostile

IMAGES = glyphs(8, seed=0).images[:, None]
LABELS = np.arange(8) % 10
PLAIN, USUAL = nn.Preprocessing(), nn.Preprocessing(0.1307, 0.3081)


def network(preprocessing: nn.Preprocessing = USUAL, channels: int = 1) -> nn.Sequential:
    model = nn.Sequential(nn.Flatten(), nn.Linear(784 * channels, 10, seed=0))
    model.preprocessing = preprocessing
    return model


def trained(preprocessing: nn.Preprocessing = USUAL, x: Array = IMAGES) -> nn.Sequential:
    model = network(preprocessing)
    Trainer(model, optim.SGD(0.0)).step(x, LABELS)
    return model


def scaled(preprocessing: nn.Preprocessing, dtype: str = "float32") -> Array:
    mean, std = (np.asarray(v)[..., None, None] for v in (preprocessing.mean, preprocessing.std))
    return ((IMAGES / 255 - mean) / std).astype(dtype)


def warnings_of(call: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert all(w.category is UserWarning for w in caught)
    return [str(w.message) for w in caught]


WRONG = {
    "0 to 255": IMAGES.astype(np.float32),
    "0 to 1": (IMAGES / 255).astype(np.float32),
    "-1 to 1": (IMAGES / 127.5 - 1).astype(np.float32),
    "0 to 65535": (IMAGES * 257.0).astype(np.float32),
}


@pytest.mark.parametrize("scale", WRONG)
@pytest.mark.parametrize("preprocessing", [PLAIN, USUAL, nn.Preprocessing(0.5, 0.25)], ids=str)
def test_floats_on_another_scale_warn_once(scale: str, preprocessing: nn.Preprocessing) -> None:
    model, x = trained(preprocessing), WRONG[scale]
    if preprocessing == PLAIN and scale == "0 to 1":
        assert warnings_of(lambda: model(x)) == []
        return
    low, high = 0 - preprocessing.mean / preprocessing.std, (1 - preprocessing.mean) / preprocessing.std
    assert warnings_of(lambda: [model.predict(x), model.predict_proba(x), model(x)]) == [
        f"Sequential: x has floats from {scale}, but this network was made for uint8 pixels, which "
        f"{preprocessing} scales to {low:.4g} .. {high:.4g}: predictions are likely to be wrong; pass the "
        "uint8 pixels, or floats on that scale"
    ]


def test_the_warning_points_at_the_call() -> None:
    with pytest.warns(UserWarning, match="x has floats from 0 to 1") as caught:
        trained().predict(WRONG["0 to 1"])
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "preprocessing",
    [PLAIN, USUAL, nn.Preprocessing(0.5, 0.5), nn.Preprocessing(0.0, 2.0), nn.Preprocessing(0.172575, 0.25)],
    ids=str,
)
def test_normalized_floats_never_warn(preprocessing: nn.Preprocessing) -> None:
    model, x = trained(preprocessing), scaled(preprocessing)
    rng = np.random.default_rng(0)
    noisy = x + rng.normal(0, 0.5, x.shape).astype(np.float32)
    dim = (x - x.min()) * 0.3 + x.min()
    for given in (x, noisy, dim.astype(np.float32), x[:1]):
        fresh = model.copy()
        assert warnings_of(lambda g=given, m=fresh: [m(g) for _ in range(3)]) == []


def test_constants_noise_and_no_images_do_not_warn() -> None:
    rng = np.random.default_rng(0)
    shape = (4, 1, 28, 28)
    for x in (
        np.zeros(shape),
        np.ones(shape),
        rng.standard_normal(shape),
        np.full(shape, np.nan),
        IMAGES[:0],
    ):
        model = trained()
        assert warnings_of(lambda x=x, m=model: m(x.astype(np.float32))) == []


def test_of_channels_the_widest_scale_counts() -> None:
    preprocessing = nn.Preprocessing((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    model, images = network(preprocessing, 3), np.repeat(IMAGES, 3, axis=1)
    assert warnings_of(lambda: model(np.repeat(scaled(PLAIN), 3, axis=1))) != []
    fresh = model.copy()
    mean, std = (np.array(v)[:, None, None] for v in (preprocessing.mean, preprocessing.std))
    assert warnings_of(lambda: fresh(((images / 255 - mean) / std).astype(np.float32))) == []


# --- what is known to be made for uint8 pixels ------------------------------------------------------


def test_models_with_a_preprocessing_are_made_for_pixels_until_trained_on_floats() -> None:
    x = WRONG["0 to 1"]
    assert len(warnings_of(lambda: models.d4(seed=0)(x))) == 1
    assert warnings_of(lambda: network(PLAIN)(WRONG["0 to 255"])) == [], "never trained, nothing is known"

    def by_trainer(model: nn.Module) -> None:
        Trainer(model, optim.SGD(0.0)).step(x, LABELS)

    def by_fit(model: nn.Module) -> None:
        fit(model, (x, LABELS), 1, validation=(x, LABELS), progress=False)

    def by_hand(model: nn.Module) -> None:
        model.loss_and_grad(x, LABELS)

    for train in (by_trainer, by_fit, by_hand):
        model = models.d4(seed=0)
        assert warnings_of(lambda m=model, t=train: [t(m), m(x)]) == [], "floats are what it knows"


def test_fit_on_pixels_is_remembered() -> None:
    model = network(PLAIN)
    fit(model, (IMAGES, LABELS), 1, progress=False)
    assert model.trained_on == "uint8"
    assert len(warnings_of(lambda: model(WRONG["0 to 255"]))) == 1


def test_it_is_kept_by_copies_pickles_and_files(tmp_path: Path) -> None:
    model = trained(PLAIN)
    model.save(tmp_path / "m")
    twins = (model.copy(), copy.deepcopy(model), pickle.loads(pickle.dumps(model)), load(tmp_path / "m"))
    for twin in twins:
        assert len(warnings_of(lambda t=twin: t(WRONG["0 to 255"]))) == 1
    floats = trained(USUAL, scaled(USUAL))
    floats.save(tmp_path / "m")
    assert warnings_of(lambda: load(tmp_path / "m")(WRONG["0 to 1"])) == []


@pytest.mark.parametrize("kind", ["int8", 3, ""])
def test_a_file_that_says_something_else_is_refused(kind: Any, tmp_path: Path) -> None:
    path = tmp_path / "m"
    hostile.model().save(path)
    path.write_bytes(hostile.forged(path, hostile.set_text(trained_on=kind)))
    with pytest.raises(CheckpointError, match="trained_on"):
        load(path)


# --- how often --------------------------------------------------------------------------------------


def test_only_the_first_inputs_of_floats_are_looked_at() -> None:
    model, plain = trained(), np.zeros((1, 1, 28, 28), np.float32)
    for _ in range(100):
        model(IMAGES)
    assert warnings_of(lambda: [*(model(plain) for _ in range(3)), model(WRONG["0 to 1"])]) != []
    model = trained()
    assert warnings_of(lambda: [*(model(plain) for _ in range(4)), model(WRONG["0 to 1"])]) == []
    model.preprocessing = nn.Preprocessing(0.2, 0.3)
    assert warnings_of(lambda: model(WRONG["0 to 1"])) != [], "another scale is checked again"


def test_many_threads_warn_once() -> None:
    model, x, said = trained(), WRONG["0 to 1"], []
    start = threading.Barrier(8)

    def call() -> None:
        start.wait()
        for _ in range(5):
            model(x)

    def all_calls() -> None:
        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    said = warnings_of(all_calls)
    assert len(said) == 1

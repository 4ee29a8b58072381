"""Names are found in other spellings, and a wrong one is answered by what was probably meant."""

from __future__ import annotations

import cnnfast
import numpy as np
import pytest
from cnnfast import Trainer, _names, losses, models, nn, optim
from cnnfast.optim import lr_scheduler

from tests.support.refusal import refused

KNOWN = ["adam", "adamw", "one-cycle", "leaky_relu", "ReLU"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("adam", "adam"),
        ("AdamW", "adamw"),
        ("onecycle", "one-cycle"),
        ("one_cycle", "one-cycle"),
        ("Leaky ReLU", "leaky_relu"),
        ("relu", "ReLU"),
        ("adamm", None),
        ("", None),
        (None, None),
        (3, None),
    ],
)
def test_find(text: object, found: str | None) -> None:
    assert _names.find(text, KNOWN) == found


def test_what_is_exact_comes_first_and_what_is_ambiguous_is_not_found() -> None:
    assert _names.find("a-b", ["a_b", "a-b"]) == "a-b"
    assert _names.find("A-b", ["a_b", "a-b"]) is None


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("adma", "; did you mean 'adam'?"),
        ("one", "; did you mean 'one-cycle'?"),
        ("ad", "; did you mean 'adam' or 'adamw'?"),
        ("lion", ""),
        (None, ""),
        (["ReLU"], ""),
    ],
)
def test_did_you_mean(text: object, hint: str) -> None:
    assert _names.did_you_mean(text, KNOWN) == hint


def test_other_spellings_are_taken_where_names_go() -> None:
    assert models.get("Numpy MNIST", seed=0).output_shape == (10,)
    assert losses.as_loss("fit", "Cross-Entropy") == losses.CrossEntropy()
    assert lr_scheduler.schedule_of("fit", "OneCycle") == lr_scheduler.OneCycleLR()


@pytest.mark.parametrize(
    ("given", "end"),
    [
        ("adamw", "'adamw'; use optim.AdamW(...)"),
        ("RMS-Prop", "'RMS-Prop'; use optim.RMSprop(...)"),
        ("adagrd", "'adagrd'; did you mean 'Adagrad'?"),
        ("lion", "'lion'"),
        (optim.Adam, "the class Adam; write Adam(...)"),
        (None, "None"),
    ],
)
def test_an_optimizer_by_name_or_class(given: object, end: str) -> None:
    with refused(TypeError, f"Trainer: optimizer must be an Optimizer, got {end}"):
        Trainer(nn.Linear(2, 2), given)  # type: ignore[arg-type]


def test_a_loss_as_a_class() -> None:
    with refused(TypeError, "fit: loss is the class MSE; write MSE()"):
        losses.as_loss("fit", losses.MSE)


def test_styles_and_inks_of_images() -> None:
    pytest.importorskip("PIL")
    page = np.full((40, 40), 255, np.uint8)
    page[8:32, 12:18] = 0
    to_model_input = cnnfast.vision.to_model_input
    expected = to_model_input(page, style="mnist", ink="dark")
    np.testing.assert_array_equal(to_model_input(page, style="MNIST", ink="Dark"), expected)  # type: ignore[arg-type]
    with refused(
        ValueError, "to_model_input: style 'minst'; need 'emnist' or 'mnist'; did you mean 'mnist'?"
    ):
        to_model_input(page, style="minst")  # type: ignore[arg-type]
    with refused(
        ValueError, "to_model_input: ink 'drak'; need 'auto', 'dark' or 'light'; did you mean 'dark'?"
    ):
        to_model_input(page, ink="drak")  # type: ignore[arg-type]


def test_a_task_in_another_spelling() -> None:
    model = nn.Sequential(nn.Linear(2, 3), seed=0)
    model.task = "Multi-Label"  # type: ignore[assignment]
    assert model.task == "multilabel"
    with pytest.raises(ValueError, match=r"got 'multi'; did you mean 'multiclass' or 'multilabel'\?$"):
        model.task = "multi"  # type: ignore[assignment]


def test_wrong_names_are_answered() -> None:
    with refused(ValueError, "models: unknown model 'numpy'; did you mean 'numpy-mnist'?"):
        models.get("numpy")
    with pytest.raises(ValueError, match=r"got 'crossentrpy'; did you mean 'cross_entropy'\?$"):
        losses.as_loss("fit", "crossentrpy")
    with pytest.raises(ValueError, match=r"got 'cosin'; did you mean 'cosine'\?$"):
        lr_scheduler.schedule_of("fit", "cosin")
    with refused(ValueError, "from_config: unknown layer type 'relu'; did you mean 'ReLU'?"):
        nn.from_config({"type": "relu"})
    with pytest.raises(ValueError, match=r"^Huber: has no setting 'Delta'.*; did you mean 'delta'\?$"):
        losses.from_config({"type": "Huber", "Delta": 1.0})
    with pytest.raises(ValueError, match=r"^Linear: has no setting 'in_feature'; .*mean 'in_features'\?$"):
        nn.from_config({"type": "Linear", "in_feature": 2, "out_features": 3})
    with pytest.raises(ValueError, match=r"there is no setting 'Momentum'; .*; did you mean 'momentum'\?$"):
        optim.SGD(lr=0.1, groups=[optim.Group("*", Momentum=0.5)])

"""Masked arrays are refused at every door: their masks would be lost without a word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import _core, nn, optim
from cnnfast.datasets import ImageDataset
from cnnfast.nn import convert, init

from tests.support.refusal import refused


def masked(array: Any) -> Any:
    return np.ma.masked_array(array, mask=True)


X, Y = np.ones((4, 3), np.float32), np.array([0, 1, 0, 1])
PROBABILITIES = np.full((4, 2), 0.5, np.float32)
IMAGES = np.zeros((4, 1, 2, 2), np.uint8)
NAMES = ("a", "b")


def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 2), seed=0)


def trainer(loss: str = "cross_entropy") -> cf.Trainer:
    return cf.Trainer(model(), optim.SGD(lr=0.1), loss)


def dataset(**changes: Any) -> ImageDataset:
    return ImageDataset(**{"images": IMAGES, "labels": Y, "classes": NAMES, **changes})


def backward(dy: Any) -> Any:
    net = model()
    net.forward(X)
    return net.backward(dy)


def optimizer_step(grads: Any) -> None:
    optim.SGD(lr=0.1).step(np.ones(3), grads)


DOORS: dict[str, tuple[str, Callable[[], object]]] = {
    "call": ("Sequential: x", lambda: model()(masked(X))),
    "call, uint8": ("Conv2d: x", lambda: nn.Conv2d(1, 1, 1)(masked(IMAGES))),
    "predict": ("Sequential: x", lambda: model().predict(masked(X))),
    "predict_proba": ("Sequential: x", lambda: model().predict_proba(masked(X))),
    "forward": ("Sequential: x", lambda: model().forward(masked(X))),
    "backward": ("Sequential: dy", lambda: backward(masked(PROBABILITIES))),
    "loss_and_grad, x": ("Sequential: x", lambda: model().loss_and_grad(masked(X), Y)),
    "loss_and_grad, probabilities": (
        "Sequential: target",
        lambda: model().loss_and_grad(X, masked(PROBABILITIES)),
    ),
    "fit, x": ("Sequential: x", lambda: cf.fit(model(), (masked(X), Y))),
    "fit, numbers": ("fit: y", lambda: cf.fit(model(), (X, masked(PROBABILITIES)), loss="mse")),
    "fit, validation": ("Sequential: x", lambda: cf.fit(model(), (X, Y), validation=(masked(X), Y))),
    "evaluate, x": ("Sequential: x", lambda: cf.evaluate(model(), (masked(X), Y))),
    "step, x": ("Sequential: x", lambda: trainer().step(masked(X), Y)),
    "step, numbers": ("Trainer: y", lambda: trainer("mse").step(X, masked(PROBABILITIES))),
    "accumulate, x": ("Sequential: x", lambda: trainer().accumulate(masked(X), Y)),
    "class weights": ("CrossEntropy: weight", lambda: cf.losses.CrossEntropy(masked([1.0, 1.0]))),
    "weights of a yes": (
        "BCEWithLogits: pos_weight",
        lambda: cf.losses.BCEWithLogits(pos_weight=masked([1.0, 1.0])),
    ),
    "functional": ("relu: x", lambda: cf.functional.relu(masked(X))),
    "images": ("ImageDataset: images", lambda: dataset(images=masked(IMAGES))),
    "rows": ("ImageDataset: rows", lambda: dataset()[masked(Y)]),
    "check_gradients, x": ("check_gradients: x", lambda: cf.check_gradients(model(), masked(X))),
    "check_gradients, target": (
        "check_gradients: target",
        lambda: cf.check_gradients(model(), X, masked(Y)),
    ),
    "optimizer, params": ("SGD: params", lambda: optim.SGD(lr=0.1).bind(masked(np.ones(3)))),
    "optimizer, grads": ("SGD: grads", lambda: optimizer_step(masked(np.ones(3)))),
    "optimizer, memory": (
        "SGD: memory['velocity']",
        lambda: optim.SGD(lr=0.1).load_state_dict(
            {**optim.SGD(lr=0.1).state_dict(), "memory": {"velocity": masked(np.ones(3))}}
        ),
    ),
    "clip_grad_norm_": ("clip_grad_norm_: grads", lambda: optim.clip_grad_norm_(masked(np.ones(3)), 1.0)),
    "clip_grad_value_": (
        "clip_grad_value_: grads[0]",
        lambda: optim.clip_grad_value_([masked(np.ones(3))], 1.0),
    ),
    "initializer": ("init.zeros: array", lambda: init.zeros()(masked(X))),
    "scanning": (
        "scanning_mlp_to_cnn: weights[0]",
        lambda: convert.scanning_mlp_to_cnn([masked(X)], in_channels=1),
    ),
    "image": (
        "to_model_input: image",
        lambda: pytest.importorskip("cnnfast.vision").to_model_input(masked(np.zeros((9, 9), np.uint8))),
    ),
    "engine": ("values", lambda: _core.squared_norm(masked(np.ones(3)))),
}
LABELS: dict[str, tuple[str, Callable[[], object]]] = {
    "fit": ("fit: y", lambda: cf.fit(model(), (X, masked(Y)))),
    "evaluate": ("evaluate: y", lambda: cf.evaluate(model(), (X, masked(Y)))),
    "validation": ("fit: validation: y", lambda: cf.fit(model(), (X, Y), validation=(X, masked(Y)))),
    "step": ("Trainer: y", lambda: trainer().step(X, masked(Y))),
    "loss_and_grad": ("Sequential: target", lambda: model().loss_and_grad(X, masked(Y))),
}


@pytest.mark.parametrize("door", DOORS)
def test_masked_arrays_are_refused(door: str) -> None:
    named, call = DOORS[door]
    name = named.partition(": ")[2] or named
    with refused(
        TypeError,
        f"{named} is a masked array, which is not supported; "
        f"use {name}.filled(...) with a value of your choice",
    ):
        call()


@pytest.mark.parametrize("door", LABELS)
def test_masked_labels_are_refused(door: str) -> None:
    named, call = LABELS[door]
    name = named.rpartition(": ")[2]
    with refused(
        TypeError,
        f"{named} is a masked array, which is not supported; "
        f"use {name}.filled(-100), the label that losses ignore (ignore_index)",
    ):
        call()


def test_the_rows_of_a_step_are_refused_where_masked() -> None:
    with pytest.raises(TypeError, match=r"index is a masked array, which is not supported"):
        trainer().step(X, Y, masked(np.array([0, 1])))


def test_labels_of_a_data_set_are_refused_where_masked() -> None:
    with pytest.raises(TypeError, match=r"^ImageDataset: labels is a masked array, which is not supported"):
        dataset(labels=masked(Y))


def test_a_state_with_a_masked_array_is_refused_and_changes_nothing() -> None:
    net = model()
    before = net.state_dict()
    with refused(
        TypeError,
        "Sequential: 0.bias cannot be read as an array: masked arrays are not supported; "
        "use .filled(...) with a value of your choice",
    ):
        net.load_state_dict({**before, "0.bias": masked(before["0.bias"])})
    np.testing.assert_array_equal(net.state_dict()["0.bias"], before["0.bias"])


def test_a_mask_of_nothing_is_refused_too() -> None:
    with pytest.raises(TypeError, match="masked array"):
        model()(np.ma.masked_array(X))


def test_other_subclasses_come_as_what_they_are_made_of(tmp_path: Any) -> None:
    net = model()
    mapped = np.memmap(tmp_path / "x", dtype=np.float32, mode="w+", shape=X.shape)
    mapped[:] = X
    for x in (mapped, X.view(np.matrix), X.view(np.recarray)):
        y = net(x)
        assert type(y) is np.ndarray
        np.testing.assert_array_equal(y, net(X))
    assert trainer().step(mapped, Y) == trainer().step(X, Y)

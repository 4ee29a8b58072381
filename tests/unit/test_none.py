"""None where something is needed is refused by the name of the argument, wherever it is handed over."""

from __future__ import annotations

from collections.abc import Callable

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import nn, optim
from cnnfast.datasets import ImageDataset

from tests.support.refusal import refused

X = np.zeros((2, 3), np.float32)


def layer() -> nn.Linear:
    return nn.Linear(3, 2, seed=0)


def backward_of_none() -> object:
    module = layer()
    module.forward(X)
    return module.backward(None)  # type: ignore[arg-type]


CALLS: dict[str, Callable[[], object]] = {
    "Linear: x must be a NumPy array, got None": lambda: layer()(None),  # type: ignore[arg-type]
    "Linear: dy must be a NumPy array, got None": backward_of_none,
    "Linear: target must be integers, got None": lambda: layer().loss_and_grad(X, None),  # type: ignore[arg-type]
    "Linear: state must be a dict of arrays by name, got None": lambda: layer().load_state_dict(None),  # type: ignore[arg-type]
    "Trainer: y must be integers, got None": lambda: cf.Trainer(layer(), optim.SGD(lr=0.1)).step(X, None),  # type: ignore[arg-type]
    "fit: model must be a Module, got None": lambda: cf.fit(None, (X, [0, 1])),  # type: ignore[arg-type]
    "fit: data must be an ImageDataset or a pair (x, y), got None": lambda: cf.fit(layer(), None),  # type: ignore[arg-type]
    "fit: y must be integers, got None": lambda: cf.fit(layer(), (X, None)),  # type: ignore[arg-type]
    "fit: y must be a NumPy array, got None": lambda: cf.fit(layer(), (X, None), loss="mse"),  # type: ignore[arg-type]
    "fit: callbacks must be a list of Callback, got None": lambda: cf.fit(
        layer(), (X, [0, 1]), callbacks=None
    ),  # type: ignore[arg-type]
    "fit: metrics must be a list of names, got None": lambda: cf.fit(layer(), (X, [0, 1]), metrics=None),  # type: ignore[arg-type]
    "fit: resume must be True or False, got None": lambda: cf.fit(layer(), (X, [0, 1]), resume=None),  # type: ignore[arg-type]
    "lr_find: model must be a Module, got None": lambda: cf.lr_find(None, (X, [0, 1])),  # type: ignore[arg-type]
    "evaluate: model must be a Module, got None": lambda: cf.evaluate(None, (X, [0, 1])),  # type: ignore[arg-type]
    "evaluate: y must be integers, got None": lambda: cf.evaluate(layer(), (X, None)),  # type: ignore[arg-type]
    "check_gradients: module must be a Module, got None": lambda: cf.check_gradients(None, X),  # type: ignore[arg-type]
    "SGD: lr must be a number, got None": lambda: optim.SGD(lr=None),  # type: ignore[arg-type]
    "glyphs: n must be an integer, got None": lambda: cf.datasets.glyphs(None),  # type: ignore[arg-type]
    "ImageDataset: images must be a uint8 array (0 .. 255), got None": lambda: ImageDataset(None, None),  # type: ignore[arg-type]
    "from_config: a layer must be described by a dict, got None": lambda: nn.from_config(None),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("text", CALLS)
def test_none_is_refused_by_name(text: str) -> None:
    with refused(TypeError, text):
        CALLS[text]()

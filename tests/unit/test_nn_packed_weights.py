"""Packed weights that inference keeps between calls."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from cnnfast import nn, optim
from cnnfast.training.trainer import Trainer


def nested() -> nn.Sequential:
    body = nn.Sequential({"conv": nn.Conv2d(2, 2, 1), "bias": nn.ChannelBias(2)})
    return nn.Sequential(nn.Conv2d(1, 2, 1), nn.Residual(body), nn.Flatten(), nn.Linear(8, 3), seed=0)


def fresh(model: nn.Module, x: np.ndarray) -> np.ndarray:
    """What the parameters of this moment give."""
    return model.copy()(x)


def test_inference_sees_every_change_of_the_parameters():
    model = nested()
    x = np.random.default_rng(0).standard_normal((2, 1, 2, 2)).astype(np.float32)
    state = {name: 2 * value for name, value in model.state_dict().items()}
    trainer = Trainer(model, optim.SGD(lr=0.1))
    held = model.parameters()["3.weight"][1:]  # a view of a view, kept

    def through_view() -> None:
        held[0, 3] += 1

    def through_dropped_view() -> None:
        model.parameters()["0.bias"][:] = 3

    def through_part() -> None:
        model["1"].parameters()["body.bias.bias"][:] -= 1

    def by_assignment() -> None:
        model[3].bias = model[3].bias * 2 + 1

    changes = [through_view, through_dropped_view, through_part, by_assignment, through_view]
    changes += [lambda: model.load_state_dict(state), lambda: model.initialize(5)]
    changes += [lambda: trainer.step(x, np.array([0, 1]))]
    for release in (False, True):
        for change in changes:
            before = model(x)
            change()
            after = model(x)
            assert (after != before).any()
            np.testing.assert_array_equal(after, fresh(model, x))
            np.testing.assert_array_equal(model(x), after)
        if not release:
            del held
            gc.collect()
            held = model[3].weight  # an array of its own


def test_weights_are_kept_while_nobody_can_change_them():
    model = nested()
    gc.collect()
    version = model._block.version
    assert version >= 0
    view = model[3].bias[1:]
    assert model._block.version == -1
    del view
    assert model._block.version > version
    version = model._block.version
    model(np.zeros((1, 1, 2, 2), np.float32))
    model.state_dict()
    assert model._block.version == version


def test_threads_may_share_a_model_whose_weights_change_between_calls():
    model = nested()
    x = np.random.default_rng(0).standard_normal((3, 1, 2, 2)).astype(np.float32)
    with ThreadPoolExecutor(4) as pool:
        for seed in range(20):
            model.initialize(seed)
            want = fresh(model, x)
            for got in pool.map(lambda _: model(x), range(8)):
                np.testing.assert_array_equal(got, want)

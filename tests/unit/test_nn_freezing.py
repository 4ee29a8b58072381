"""Frozen parameters: who says so, who keeps it, and that no update of any optimizer changes a bit of them."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from cnnfast import fit, load, nn, optim
from cnnfast.errors import NonFiniteError
from cnnfast.nn.freezing import Window
from cnnfast.training.trainer import Trainer

from tests.support.refusal import refused


def network(seed: int = 0) -> nn.Sequential:
    features = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Residual(nn.Conv2d(3, 3, 1)), nn.Flatten())
    head = nn.Sequential(nn.Linear(12, 8), nn.GELU(), nn.Linear(8, 3))
    return nn.Sequential({"features": features, "head": head}, seed=seed)


def batch(rng: np.random.Generator, n: int = 10) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, 256, (n, 4, 4), dtype=np.uint8), rng.integers(0, 3, n)


FEATURES = ["features.0.weight", "features.0.bias", "features.2.body.weight", "features.2.body.bias"]
HEAD = ["head.0.weight", "head.0.bias", "head.2.weight", "head.2.bias"]


def test_names_modules_and_patterns():
    model = network()
    assert model.frozen == ()
    assert model.freeze("features") == FEATURES
    assert model.frozen == tuple(FEATURES)
    assert model.unfreeze("features.2") == FEATURES[2:]
    assert model.frozen == tuple(FEATURES[:2])
    assert model.freeze("*.bias") == [name for name in FEATURES + HEAD if name.endswith("bias")]
    assert model.unfreeze() == FEATURES + HEAD
    assert model.freeze("head.?.weight", "features.0.bias") == [FEATURES[1], HEAD[0], HEAD[2]]
    model.unfreeze()
    assert model.freeze("head.[!0].*") == HEAD[2:]
    assert model.freeze() == FEATURES + HEAD
    assert nn.ReLU().freeze() == []


def test_windows_are_the_places_in_the_block():
    model = network()
    model.freeze("features", "head.0.bias")
    windows = model.trainable_windows()
    assert windows == [
        Window("head.0.weight", 42, 138),
        Window("head.2.weight", 146, 170),
        ("head.2.bias", 170, 173),
    ]
    for name, start, end in windows:
        np.testing.assert_array_equal(model.parameters()[name].ravel(), model.flat_parameters[start:end])
    part = model["head"]
    assert part.trainable_windows()[0] == ("0.weight", 0, 96)


def test_a_name_stands_for_no_longer_name():
    model = nn.Sequential(*(nn.Linear(2, 2) for _ in range(11)))
    assert model.freeze("1") == ["1.weight", "1.bias"]
    assert model.freeze("10.weight") == ["10.weight"]


def test_a_part_is_frozen_by_itself_and_in_the_whole():
    model = network()
    model["features"].freeze("0")
    assert model.frozen == tuple(FEATURES[:2])
    model["head"][2].freeze("weight")
    assert model.frozen == (*FEATURES[:2], "head.2.weight")
    layer = nn.Linear(2, 2)
    layer.freeze("bias")
    assert nn.Sequential(nn.Linear(2, 2), layer).frozen == ("1.bias",)


def test_copies_and_pickles_keep_it_and_files_do_not(tmp_path):
    model = network()
    model.freeze("features", "head.2.bias")
    for twin in (model.copy(), copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.frozen == model.frozen
        twin.unfreeze()
        assert len(model.frozen) == 5
    assert model["features"].copy().frozen == ("0.weight", "0.bias", "2.body.weight", "2.body.bias")
    assert model.to("float64").frozen == (*FEATURES, "head.2.bias")
    model.save(tmp_path / "model.safetensors")
    assert load(tmp_path / "model.safetensors").frozen == ()
    assert nn.from_config(model.to_config()).frozen == ()
    odd = nn.Sequential({"a[0]": nn.Linear(1, 1), "a0": nn.Linear(1, 1)})
    odd["a[0]"].freeze()
    assert pickle.loads(pickle.dumps(odd)).frozen == ("a[0].weight", "a[0].bias")


OPTIMIZERS = {
    "SGD": lambda: optim.SGD(0.1),
    "momentum": lambda: optim.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "Adam": lambda: optim.Adam(0.01, weight_decay=0.1),
    "AdamW": lambda: optim.AdamW(0.01, weight_decay=0.1),
}
by_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)


@by_optimizer
def test_no_bit_changes(make, dtype, rng):
    """Neither of the parameters nor of what the optimizer remembers of them; unfrozen, they go on."""
    model = network().to(dtype)
    trainer = Trainer(model, make())
    trainer.step(*batch(rng))  # so that there is something to remember
    model.freeze("features.2", "head.0.weight", "head.2.bias")
    frozen = [*FEATURES[2:], "head.0.weight", "head.2.bias"]
    places = np.zeros(model.num_parameters(), bool)
    for window in network().trainable_windows():
        places[window.start : window.end] = window.name in frozen
    before = model.state_dict()
    memory = {name: value.copy() for name, value in trainer.optimizer.memory.items()}
    for _ in range(5):
        trainer.step(*batch(rng))
    for name, value in model.state_dict().items():
        assert (value.tobytes() == before[name].tobytes()) == (name in frozen), name
    for name, value in trainer.optimizer.memory.items():
        np.testing.assert_array_equal(value[places], memory[name][places])
        assert (value[~places] != memory[name][~places]).mean() > 0.9
    model.unfreeze()
    trainer.step(*batch(rng))
    for name in frozen:
        assert model.state_dict()[name].tobytes() != before[name].tobytes()


def test_an_unfrozen_parameter_makes_its_first_step_then(rng):
    """Adam counts the steps of each parameter, as PyTorch does: a first step is lr long."""
    model = network()
    model.freeze("features")
    trainer = Trainer(model, optim.Adam(0.01, eps=1e-20))
    for _ in range(5):
        trainer.step(*batch(rng))
    before = model.state_dict()
    model.unfreeze()
    trainer.step(*batch(rng))
    for name in FEATURES:
        moved = np.abs(model.state_dict()[name] - before[name])
        np.testing.assert_allclose(moved[moved > 0], 0.01, rtol=1e-4)
        assert moved.any()


def test_what_is_frozen_between_the_parts_of_a_batch_stays_too(rng):
    model = network()
    trainer = Trainer(model, optim.SGD(0.1))
    before = model.state_dict()
    trainer.accumulate(*batch(rng))
    model.freeze("features")
    trainer.update()
    for name, value in model.state_dict().items():
        assert (value.tobytes() == before[name].tobytes()) == (name in FEATURES), name


@by_optimizer
def test_the_rest_learns_as_if_it_were_the_whole(make, rng):
    """What is trained behind frozen features is what is trained on the features alone."""
    model = network()
    head = model["head"].copy()
    features = model["features"].copy()
    model.freeze("features")
    whole, alone = Trainer(model, make()), Trainer(head, make())
    for _ in range(4):
        x, y = batch(rng)
        loss = whole.step(x, y)
        assert alone.step(features.forward(x), y) == pytest.approx(loss, rel=1e-5)
    for name, value in head.state_dict().items():
        np.testing.assert_allclose(model.state_dict()[f"head.{name}"], value, rtol=1e-4, atol=1e-6)


def test_gradients_are_all_there(rng):
    model, free = network(), network()
    model.freeze("features")
    x, y = batch(rng)
    loss, grads = model.loss_and_grad(x, y)
    want, slopes = free.loss_and_grad(x, y)
    assert loss == want
    for name, grad in grads.items():
        np.testing.assert_array_equal(grad, slopes[name])
        assert grad.any()
    Trainer(model, optim.SGD(0.1)).step(x, y)
    assert not any(model.gradients()[name].any() for name in FEATURES)


def test_fit_keeps_them_too(rng):
    model = network()
    model.freeze("features.0")
    before = model.state_dict()
    x, y = batch(rng, 40)
    fit(model, (x, y), epochs=3, batch_size=8, validation=0.25, progress=False)
    for name, value in model.state_dict().items():
        assert (value.tobytes() == before[name].tobytes()) == (name in FEATURES[:2]), name


def test_a_gradient_that_is_not_finite_counts_only_where_something_is_learned():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False), seed=0)
    model[0].weight = np.full((2, 2), 1e-38)
    model[1].weight = np.array([[3e38, 3e38], [-3e38, -3e38]])
    x, y = np.full((1, 2), 10, np.float32), [1]
    with pytest.raises(NonFiniteError):
        Trainer(model, optim.Adam()).step(x, y)
    model.freeze("0")
    Trainer(model, optim.SGD(1.0)).step(x, y)


def test_inference_sees_the_new_weights_beside_the_frozen_ones(rng):
    model = network()
    model.freeze("features")
    x, y = batch(rng)
    first = model(x)
    Trainer(model, optim.SGD(0.5)).step(x, y)
    after = model(x)
    assert (after != first).any()
    np.testing.assert_array_equal(after, model.copy()(x))


def test_wrong_patterns_are_named(rng):
    model = nn.Sequential(nn.Linear(1, 2))
    with refused(ValueError, "Sequential.freeze: no parameter matches 'head'; there are 0.weight, 0.bias"):
        model.freeze("0", "head")
    assert model.frozen == ()
    with refused(TypeError, "Sequential.unfreeze: a pattern must be a string, got int 0"):
        model.unfreeze(0)
    with refused(ValueError, "ReLU.freeze: no parameter matches 'x'; there are none at all"):
        nn.ReLU().freeze("x")
    model.freeze()
    with refused(ValueError, "Trainer: all parameters of the model are frozen; unfreeze some"):
        Trainer(model, optim.Adam()).step(np.zeros((1, 1), np.float32), [0])


def test_buffers_are_not_trained(rng):
    """Running averages move with every batch unless they are frozen, and no weight decay pulls at them."""
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 3), seed=0
    )
    x, y = batch(rng)
    assert [name for name, _, _ in model.trainable_windows()] == list(model.parameters())
    assert model.freeze("1.weight", "1.bias") == ["1.weight", "1.bias"]
    with refused(
        ValueError,
        "Sequential.freeze: no parameter matches '1.mean'; there are 0.weight, 0.bias, 1.weight, 1.bias, "
        "1.running_mean, 1.running_var, 4.weight, 4.bias",
    ):
        model.freeze("1.mean")
    model.freeze("0")
    heavy, light = model.copy(), model.copy()
    for twin, decay in ((heavy, 0.5), (light, 0.0)):
        trainer = Trainer(twin, optim.AdamW(0.01, weight_decay=decay))
        for _ in range(3):
            trainer.step(x, y)
    for name, value in heavy.state_dict().items():
        changed = value.tobytes() != model.state_dict()[name].tobytes()
        assert changed == (name not in ("0.weight", "0.bias", "1.weight", "1.bias")), name
    for name, value in heavy.buffers().items():
        np.testing.assert_array_equal(value, light.buffers()[name])

"""Item assignment: a layer is replaced; what else the network has is kept, and what depends on it follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cnnfast import Trainer, load, models, nn, optim

from tests.support.refusal import refused


def network(seed: int = 0) -> nn.Sequential:
    body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
    model = nn.Sequential({"body": body, "fc": nn.Linear(64, 3)}, input_shape=(1, 6, 6), seed=seed)
    model.preprocessing = nn.Preprocessing(0.5, 0.25)
    model.classes = ("a", "b", "c")
    return model


def images(n: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    return rng.integers(0, 256, (n, 6, 6), dtype=np.uint8), rng.integers(0, 3, n)


def test_the_new_layer_computes_and_the_others_are_kept() -> None:
    model, x = network(), images()[0]
    old, body = model["fc"], model["body"].state_dict()
    features = model["body"](x)
    model(x)  # a plan of the old layers
    head = nn.Linear(64, 5, seed=7)
    weight = head.weight.copy()
    model["fc"] = head
    assert model["fc"] is head
    assert model.output_shape == (5,)
    assert list(model.parameters()) == [
        *(f"body.{n}" for n in model["body"].parameters()),
        "fc.weight",
        "fc.bias",
    ]
    for name, value in body.items():
        np.testing.assert_array_equal(model.state_dict()[f"body.{name}"], value)
    np.testing.assert_array_equal(model.parameters()["fc.weight"], weight)
    np.testing.assert_allclose(model(x), features @ weight.T + head.bias, atol=1e-5)
    model.parameters()["fc.bias"][:] = 100  # the same memory
    assert head.bias[0] == 100
    assert model(x).min() > 50
    assert old.weight.shape == (3, 64)
    nn.Sequential(old)  # free to be used elsewhere
    assert nn.from_config(model.to_config()).output_shape is None


@pytest.mark.parametrize("key", [1, -1, "fc", np.int64(1)])
def test_by_position_or_name(key: Any) -> None:
    model = network()
    model[key] = nn.Linear(64, 4)
    assert model["fc"].weight.shape == (4, 64)


def test_inside_of_containers(tmp_path: Any) -> None:
    """The block of the whole network is made again, and so are plans of all containers."""
    model, (x, y) = network(), images()
    model(x)
    model["body"](x)
    model["body"][0] = nn.Conv2d(1, 4, 3, seed=9)
    before = model.flat_parameters
    assert model["body"][0].weight.base is not None
    np.testing.assert_array_equal(model(x), model.copy()(x))
    np.testing.assert_array_equal(model["body"](x), model["body"].copy()(x))
    trainer = Trainer(model, optim.SGD(lr=0.1))
    first = trainer.step(x, y)
    assert [trainer.step(x, y) for _ in range(5)][-1] < first
    assert model.flat_parameters is before
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(load(tmp_path / "m")(x), model(x))


def test_in_a_graph() -> None:
    g = nn.Graph.builder()
    left, right = (
        g.add(nn.Conv2d(1, 2, 3), g.input, name="left"),
        g.add(nn.Conv2d(1, 2, 3), g.input, name="right"),
    )
    flat = g.add(nn.Flatten(), g.add(nn.Concat(), left, right, name="join"), name="flat")
    graph = g.build(g.add(nn.Linear(64, 3), flat, name="fc"))
    graph.input_shape = (1, 6, 6)
    graph["fc"] = nn.Linear(64, 7)
    assert graph.output_shape == (7,)
    graph["left"] = nn.Conv2d(1, 2, 3, bias=False)
    assert graph(np.ones((2, 1, 6, 6), np.float32)).shape == (2, 7)
    with pytest.raises(ValueError, match="Graph: node 'join'"):  # which reads two values
        graph["join"] = nn.Conv2d(2, 4, 1)


def test_preprocessing_is_kept() -> None:
    model, x = network(), images()[0]
    model["body"][0] = nn.Conv2d(1, 4, 3)
    assert model["body"][0].preprocessing == model.preprocessing == nn.Preprocessing(0.5, 0.25)
    model["fc"] = nn.Linear(64, 2)
    scaled = ((x / 255 - 0.5) / 0.25).astype(np.float32)[:, None]
    np.testing.assert_allclose(model(x), model(scaled), atol=1e-5)


def test_classes_and_task_are_those_of_the_new_head() -> None:
    model = network()
    model.task = "multiclass"
    model["body"][0] = nn.Conv2d(1, 4, 3)
    assert (model.classes, model.task) == (("a", "b", "c"), "multiclass")
    model["fc"] = nn.Linear(64, 3)  # of the same number of outputs, but perhaps other classes
    assert (model.classes, model.task) == (None, None)
    head = nn.Linear(64, 2)
    head.classes = ("cat", "dog")
    model["fc"] = head
    assert model.classes == ("cat", "dog")
    outer = nn.Sequential({"net": network(), "end": nn.Softmax()})
    assert outer.classes == ("a", "b", "c")
    outer["net"]["fc"] = nn.Linear(64, 4)
    assert outer.classes is outer["net"].classes is None


def test_frozen_parameters_are_kept() -> None:
    model, (x, y) = network(), images()
    model.freeze("body", "fc.bias")
    body = model["body"].state_dict()
    model["fc"] = nn.Linear(64, 3)
    assert model.frozen == tuple(f"body.{name}" for name in body)
    trainer = Trainer(model, optim.Adam(lr=0.01))
    losses = [trainer.step(x, y) for _ in range(5)]
    assert losses[-1] < losses[0]
    for name, value in model["body"].state_dict().items():
        np.testing.assert_array_equal(value, body[name])
    model.unfreeze()
    trainer.step(x, y)
    assert not np.array_equal(model["body"].state_dict()["0.weight"], body["0.weight"])


def test_a_trainer_and_an_optimizer_must_be_made_again() -> None:
    model, (x, y) = network(), images()
    optimizer = optim.SGD(lr=0.1)
    trainer = Trainer(model, optimizer)
    trainer.step(x, y)
    model["fc"] = nn.Linear(64, 3)
    with refused(
        ValueError,
        "Trainer: the model's parameters were moved (by to(), a replaced layer, or into a container) since "
        "the Trainer was made; make a new one",
    ):
        trainer.step(x, y)
    with refused(
        ValueError, "SGD: already bound to another model (or to its former dtype); create a new optimizer"
    ):
        Trainer(model, optimizer)


def test_a_lazy_head() -> None:
    model = network()
    model["fc"] = nn.LazyLinear(9)
    assert model["fc"].weight.shape == (9, 64)


def test_a_published_network() -> None:
    model = models.resnet(18, width=4, size=32, num_classes=10)
    model["fc"] = nn.Linear(32, 3)
    model["layer4"][1] = nn.Identity()
    assert model(np.zeros((1, 3, 32, 32), np.uint8)).shape == (1, 3)


OTHER = nn.Sequential(nn.Linear(64, 3))
BAD: dict[str, tuple[Any, Callable[[], Any], type[Exception], str]] = {
    "another size": (
        "fc",
        lambda: nn.Linear(63, 3),
        ValueError,
        'layer "fc": Linear: expected 63 input features, got 64',
    ),
    "another type": (
        "fc",
        lambda: nn.Linear(64, 3).to("float64"),
        ValueError,
        "Sequential: layer 'fc' must be float32 like the network, got float64",
    ),
    "a class": (
        "fc",
        lambda: nn.ReLU,
        TypeError,
        "Sequential: layer 'fc' is the class ReLU; write ReLU(...)",
    ),
    "a layer of another": (
        "fc",
        lambda: OTHER[0],
        ValueError,
        "Sequential: layer 'fc' (Linear) is already part of another container; use copy() for an independent "
        "one",
    ),
    "an unknown name": (
        "head",
        lambda: nn.Linear(64, 3),
        KeyError,
        "Sequential: has no layer 'head'; it has body, fc",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals_change_nothing(name: str) -> None:
    key, build, error, text = BAD[name]
    model, x = network(), images()[0]
    before, y, module = model.flat_parameters, model(x), build()
    with pytest.raises(error) as caught:
        model[key] = module
    assert text in str(caught.value)
    assert model.flat_parameters is before
    assert model.classes == ("a", "b", "c")
    np.testing.assert_array_equal(model(x), y)


def test_not_into_itself() -> None:
    model = network()
    with refused(ValueError, "Sequential: layer '0' must not be the network that it is in"):
        model["body"][0] = model
    model["fc"] = model["fc"]  # nothing to do
    with pytest.raises(IndexError):
        model[7] = nn.ReLU()

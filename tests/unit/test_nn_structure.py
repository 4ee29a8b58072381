"""Branches, shortcuts and graphs: what they compute, their names, and what they say to wrong wiring."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from cnnfast import functional as f
from cnnfast import load, nn

from tests.support.refusal import refused


def image(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def inception() -> nn.Branches:
    return nn.Branches(
        {
            "pixel": nn.Conv2d(3, 4, 1),
            "window": nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.Conv2d(2, 5, 3, padding=1)),
            "pool": nn.Sequential(nn.MaxPool2d(3, 1, padding=1), nn.Conv2d(3, 2, 1)),
            "input": nn.Identity(),
        },
        seed=1,
    )


def wired() -> nn.Graph:
    """A diamond with a skip: every kind of node, a value that three others read."""
    return nn.Graph(
        {
            "stem": (nn.Conv2d(2, 4, 3, padding=1), "input"),
            "left": (nn.ReLU(), "stem"),
            "right": (nn.Sequential(nn.Conv2d(4, 4, 1), nn.GELU()), "stem"),
            "sum": (nn.Add(), "left", "right", "stem"),
            "same": (nn.Identity(), "sum"),
            "all": (nn.Concat(), "same", "left", "input"),
            "flat": (nn.Flatten(), "all"),
            "head": (nn.Linear(10 * 12, 3), "flat"),
        },
        seed=2,
    )


# --- what they compute -------------------------------------------------------------------------------


def test_identity_and_empty_chains(dtype, rng):
    x = rng.standard_normal((3, 2, 4, 5)).astype(dtype)
    for model in (
        nn.Identity(),
        nn.Sequential(nn.Identity(), nn.Identity()),
        nn.Branches(nn.Sequential(nn.Identity())),
        nn.Graph({"a": (nn.Identity(), "input"), "b": (nn.Identity(), "a")}),
    ):
        model.to(dtype)
        y = model(x)
        np.testing.assert_array_equal(y, x)
        assert not np.shares_memory(y, x)
        np.testing.assert_array_equal(model.forward(x), x)
        np.testing.assert_array_equal(model.backward(x), x)
        assert model(x[:0]).shape == x[:0].shape
        assert model.num_parameters() == 0
        assert model.state_dict() == {}
        model.load_state_dict({})
        model.initialize(3)
        model.input_shape = (2, 4, 5)
        assert model.output_shape == (2, 4, 5)
        assert "total" in model.summary()
    assert nn.Identity()(np.zeros((1, 2, 3), np.uint8)).shape == (1, 1, 2, 3)


@pytest.mark.parametrize(
    ("start", "end", "shape"), [(1, -1, (60,)), (1, 2, (12, 5)), (2, 3, (3, 20)), (-1, 3, (3, 4, 5))]
)
def test_flatten_as_in_numpy(start, end, shape, rng):
    x = image(rng, 2, 3, 4, 5)
    layer = nn.Flatten(start, end)
    np.testing.assert_array_equal(layer(x), x.reshape(2, *shape))
    np.testing.assert_array_equal(f.flatten(x, start, end), x.reshape(2, *shape))
    np.testing.assert_array_equal(f.flatten_backward(layer(x), x, start, end), x)


@pytest.mark.parametrize("shape", [(60,), (5, 4, 3), (-1, 2), (3, 20), [4, 15], (3, 4, 5)])
def test_reshape_as_in_numpy(shape, rng):
    x = image(rng, 2, 3, 4, 5)
    np.testing.assert_array_equal(nn.Reshape(shape)(x), x.reshape(2, *shape))
    np.testing.assert_array_equal(f.reshape(x, shape), x.reshape(2, *shape))
    np.testing.assert_array_equal(f.reshape_backward(f.reshape(x, shape), x, shape), x)


def test_residual_with_a_projection(rng):
    model = nn.Residual(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.Conv2d(3, 6, 1, stride=2))
    model.initialize(0)
    x, p = image(rng, 2, 3, 6, 8), model.parameters()
    assert list(p) == ["body.weight", "body.bias", "shortcut.weight", "shortcut.bias"]
    body = f.conv2d(x, p["body.weight"], p["body.bias"], stride=2, padding=1)
    shortcut = f.conv2d(x, p["shortcut.weight"], p["shortcut.bias"], stride=2)
    np.testing.assert_allclose(model(x), body + shortcut, atol=1e-6)
    assert model.shortcut is model.children()["shortcut"]
    plain = nn.Residual(nn.ReLU())
    assert plain.shortcut is None
    np.testing.assert_array_equal(plain(x), np.maximum(x, 0) + x)
    np.testing.assert_array_equal(nn.Residual(nn.ReLU(), nn.Identity())(x), plain(x))
    np.testing.assert_array_equal(nn.Residual(nn.Identity())(x), 2 * x)


def test_branches_are_concatenated(rng):
    model, x = inception(), image(rng, 2, 3, 5, 6)
    y, p = model(x), model.parameters()
    assert y.shape == (2, 4 + 5 + 2 + 3, 5, 6)
    pixel = f.conv2d(x, p["pixel.weight"], p["pixel.bias"])
    np.testing.assert_allclose(y[:, :4], pixel, atol=1e-6)
    pooled = f.conv2d(f.max_pool2d(x, 3, 1, 1), p["pool.1.weight"], p["pool.1.bias"])
    np.testing.assert_allclose(y[:, 9:11], pooled, atol=1e-6)
    np.testing.assert_array_equal(y[:, 11:], x)
    assert len(model) == 4
    assert model["pool"] is model[2] is list(model)[2]


def test_a_dense_block(rng):
    """Each layer sees all before it: Branches with an Identity, one inside the chain after the other."""
    grow = [nn.Branches(nn.Identity(), nn.Conv2d(3 + 2 * k, 2, 3, padding=1)) for k in range(3)]
    model, x = nn.Sequential(*grow, seed=0), image(rng, 2, 3, 5, 5)
    y = model(x)
    assert y.shape == (2, 9, 5, 5)
    np.testing.assert_array_equal(y[:, :3], x)


def test_a_graph_equals_numpy(dtype, rng):
    model, x = wired().to(dtype), rng.standard_normal((4, 2, 3, 4)).astype(dtype)
    p = model.parameters()
    stem = f.conv2d(x, p["stem.weight"], p["stem.bias"], padding=1)
    left = f.relu(stem)
    right = f.gelu(f.conv2d(stem, p["right.0.weight"], p["right.0.bias"]))
    all_of_it = np.concatenate([left + right + stem, left, x], axis=1)
    want = f.linear(f.flatten(all_of_it), p["head.weight"], p["head.bias"])
    tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
    np.testing.assert_allclose(model(x), want, atol=tolerance)
    np.testing.assert_allclose(model.forward(x), want, atol=tolerance)


def test_the_builder_makes_the_same_graph():
    g = nn.Graph.builder()
    stem = g.add(nn.Conv2d(2, 4, 3, padding=1), g.input, name="stem")
    left = g.add(nn.ReLU(), stem, name="left")
    right = g.add(nn.Sequential(nn.Conv2d(4, 4, 1), nn.GELU()), stem, name="right")
    total = g.add(nn.Identity(), g.add(nn.Add(), left, right, stem, name="sum"), name="same")
    flat = g.add(nn.Flatten(), g.add(nn.Concat(), total, left, g.input, name="all"), name="flat")
    model = g.build(g.add(nn.Linear(10 * 12, 3), flat, name="head"), input_shape=(2, 3, 4), seed=2)
    assert model.to_config() == wired().to_config()
    np.testing.assert_array_equal(model.flat_parameters, wired().flat_parameters)
    assert repr(stem) == "<value 'stem'>"
    numbered = nn.Graph.builder()
    first = numbered.add(nn.Linear(2, 2), numbered.input)
    assert list(numbered.build(numbered.add(nn.Linear(2, 1), first)).parameters()) == [
        *("0.weight", "0.bias", "1.weight", "1.bias")
    ]


def test_graphs_nest_with_dotted_names(rng):
    model = nn.Sequential({"features": wired(), "last": nn.Linear(3, 2)}, input_shape=(2, 3, 4), seed=0)
    assert list(model.parameters())[:4] == [
        *("features.stem.weight", "features.stem.bias", "features.right.0.weight", "features.right.0.bias")
    ]
    assert model["features"]["right"][0].weight.shape == (4, 4, 1, 1)
    assert model["features"].inputs()["sum"] == ("left", "right", "stem")
    part = nn.Graph({"a": (inception(), "input"), "b": (nn.Concat(), "a", "input")}, input_shape=(3, 4, 4))
    assert part.output_shape == (17, 4, 4)


@pytest.mark.parametrize("make", [inception, wired, lambda: nn.Residual(nn.Linear(2, 3), nn.Linear(2, 3))])
def test_copies_files_and_descriptions(make, tmp_path, rng):
    model = make().to("float64")
    model.save(tmp_path / "model.safetensors")
    twins = [model.copy(), copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    twins.append(load(tmp_path / "model.safetensors"))
    described = nn.from_config(model.to_config(), seed=0).to("float64")
    described.load_state_dict(model.state_dict())
    shape = {"Branches": (2, 3, 5, 5), "Graph": (2, 2, 3, 4), "Residual": (2, 2)}[type(model).__name__]
    x = rng.standard_normal(shape)
    for twin in (*twins, described):
        assert repr(twin) == repr(model)
        np.testing.assert_array_equal(twin(x), model(x))
        assert not np.shares_memory(twin.flat_parameters, model.flat_parameters)


def test_repr_shows_inputs_of_nodes():
    model = nn.Graph(
        {"a": (nn.ReLU(), "input"), "b": (nn.Residual(nn.GELU()), "a"), "c": (nn.Add(), "a", "b")}
    )
    assert repr(model) == (
        "Graph(\n  (a <- input): ReLU()\n  (b <- a): Residual(\n    (body): GELU()\n  )\n"
        "  (c <- a, b): Add()\n)"
    )
    assert repr(nn.Reshape((3, 3, 3))) == "Reshape((3, 3, 3))"
    assert repr(nn.Reshape([4])) == "Reshape((4,))"
    assert repr(nn.Flatten(1, -1)) == "Flatten()"
    assert repr(nn.Flatten(2)) == "Flatten(start_dim=2)"


def test_output_kind_of_containers():
    """Softmax at the end is told apart from logits, whatever reshapes it afterwards."""
    x = np.zeros((2, 4), np.float32)
    for behind in (
        [nn.Identity()],
        [nn.Sequential(nn.Identity(), nn.Reshape((2, 2, 1))), nn.Flatten(), nn.Dropout(0.5)],
    ):
        chain = nn.Sequential(nn.Linear(4, 4), nn.Softmax(), *behind, seed=0)
        np.testing.assert_array_equal(chain.predict_proba(x), chain(x))
    graph = nn.Graph(
        {"a": (nn.Linear(4, 4), "input"), "b": (nn.LogSoftmax(), "a"), "c": (nn.Identity(), "b")}, seed=0
    )
    np.testing.assert_allclose(graph.predict_proba(x), np.exp(graph(x)), rtol=1e-6)
    joined = nn.Graph({"a": (nn.Softmax(), "input"), "b": (nn.Add(), "a", "input")})
    np.testing.assert_allclose(joined.predict_proba(x).sum(axis=1), 1, rtol=1e-6)
    assert nn.Identity().output_kind == nn.Sequential(nn.Identity()).output_kind == "logits"


def test_many_inputs(rng):
    count = 128
    names = [f"n{k}" for k in range(count)]

    def joined(*more: str) -> nn.Graph:
        nodes = {name: (nn.Identity(), "input") for name in names}
        return nn.Graph({**nodes, "join": (nn.Concat(), *names, *more)})

    model, x = joined(), image(rng, 2, 1, 3)
    np.testing.assert_array_equal(model(x), np.repeat(x, count, axis=1))
    model.forward(x)
    np.testing.assert_array_equal(model.backward(np.ones((2, count, 3), np.float32)), np.full_like(x, count))
    with refused(ValueError, 'layer "join": Concat: takes 1 to 128 inputs, got 129'):
        joined("input")(x)


@pytest.mark.parametrize("container", [nn.Sequential, nn.Branches])
def test_layers_named_by_keyword(container):
    def layers():
        return {"conv1": nn.Conv2d(1, 2, 1), "relu1": nn.ReLU()}

    model = container(**layers(), input_shape=(1, 2, 2), seed=0)
    other = container(layers(), input_shape=(1, 2, 2), seed=0)
    assert repr(model) == repr(other)
    assert list(model.state_dict()) == ["conv1.weight", "conv1.bias"]
    np.testing.assert_array_equal(model.flat_parameters, other.flat_parameters)


# --- what they refuse --------------------------------------------------------------------------------

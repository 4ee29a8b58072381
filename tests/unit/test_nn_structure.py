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


def test_branches_stand_side_by_side(rng):
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


def test_a_graph_computes_what_it_says(dtype, rng):
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


def test_the_builder_writes_the_same_graph_down():
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


def test_repr_shows_the_wires():
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


def test_what_comes_out_is_seen_through_layers_that_only_hand_on():
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

R = nn.ReLU


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (lambda: nn.Branches(), ValueError, "Branches: needs at least one layer"),
        (
            lambda: nn.Sequential(R(), relu=R(), last=R()),
            TypeError,
            "Sequential: layers are given by position and by keyword (relu, last); use one of these for all",
        ),
        (
            lambda: nn.Branches({"a": R()}, b=R()),
            TypeError,
            "Branches: layers are given in a dict and by keyword (b); use one of these for all",
        ),
        (
            lambda: nn.Sequential(R(), imput_shape=(1, 2)),
            TypeError,
            "Sequential: the keyword 'imput_shape' names a layer, which must be a module, got tuple; "
            "did you mean 'input_shape'?",
        ),
        (
            lambda: nn.Sequential(seed=R()),
            TypeError,
            "Sequential: the keyword 'seed' is a setting of Sequential, no layer; name a layer so in a dict: "
            "Sequential({'seed': ...})",
        ),
        (
            lambda: nn.Sequential(relu=nn.ReLU),
            TypeError,
            "Sequential: layer 'relu' is the class ReLU; write ReLU(...)",
        ),
        (
            lambda: nn.Branches([R()]),
            TypeError,
            "Branches: layer '0' must be a module, got list; unpack it: Branches(*layers)",
        ),
        (
            lambda: nn.Branches(nn.Conv2d(1, 2, 1), nn.Conv2d(1, 2, 3), input_shape=(1, 4, 4)),
            ValueError,
            'layer "concat": Concat: inputs may differ only in their channels, got (2, 4, 4) and (2, 2, 2)',
        ),
        (
            lambda: nn.Residual(nn.Conv2d(1, 2, 1), 3),
            TypeError,
            "Residual: layer 'shortcut' must be a module, got int",
        ),
        (
            lambda: nn.Flatten(0),
            ValueError,
            ("Flatten: start_dim must not be 0, the batch stays an axis of its own; 1 is the first that can"),
        ),
        (lambda: nn.Flatten(1.0), TypeError, "Flatten: start_dim must be an int, got 1.0"),
        (
            lambda: nn.Flatten(3)(np.zeros((1, 2, 3), np.float32)),
            ValueError,
            "Flatten: start_dim 3 is no axis of a batch of (2, 3); possible are 1 to 2",
        ),
        (
            lambda: nn.Flatten(2, 1)(np.zeros((1, 2, 3), np.float32)),
            ValueError,
            "Flatten: start_dim 2 lies behind end_dim 1 in an input of shape (2, 3)",
        ),
        (
            lambda: nn.Flatten(1, -3)(np.zeros((1, 2, 3), np.float32)),
            ValueError,
            "Flatten: end_dim -3 is no axis of a batch of (2, 3); possible are 1 to 2",
        ),
        (
            lambda: nn.Reshape(3),
            TypeError,
            "Reshape: shape must be a tuple of ints such as (1, 28, 28), got 3",
        ),
        (
            lambda: nn.Reshape(()),
            ValueError,
            "Reshape: shape must have one to three axes (the batch is not one of them), got ()",
        ),
        (
            lambda: nn.Reshape((2, 0)),
            ValueError,
            "Reshape: every extent of shape must be from 1 to 268435456, or -1 for what is left, got (2, 0)",
        ),
        (
            lambda: nn.Reshape((-1, 2, -1)),
            ValueError,
            "Reshape: only one extent of shape can be -1, got (-1, 2, -1)",
        ),
        (
            lambda: nn.Reshape((4, -1))(np.zeros((1, 2, 3), np.float32)),
            ValueError,
            "Reshape: cannot make (4, -1) of (2, 3), which has 6 elements",
        ),
        (
            lambda: nn.Reshape((7,))(np.zeros((1, 2, 3), np.float32)),
            ValueError,
            "Reshape: cannot make (7,) of (2, 3), which has 6 elements",
        ),
        (
            lambda: nn.Reshape((2**28, 2**28, -1))(np.zeros((1, 2, 3), np.float32)),
            ValueError,
            "Reshape: cannot make (268435456, 268435456, -1) of (2, 3), which has 6 elements",
        ),
        (
            lambda: nn.Add()(np.zeros((1, 2), np.float32)),
            ValueError,
            "Add: has several inputs, so it must be in an nn.Graph; nn.Residual has one built in",
        ),
        (
            lambda: nn.Sequential(nn.Concat(), input_shape=(1, 2, 2)),
            ValueError,
            'layer "0": Concat: has several inputs, so it must be in an nn.Graph; '
            "nn.Branches has one built in",
        ),
        (
            lambda: nn.Graph([R()]),
            TypeError,
            "Graph: nodes must be a dict of name to (module, inputs), got list",
        ),
        (
            lambda: nn.Graph({"a": R()}),
            TypeError,
            "Graph: node 'a' must be a tuple like (module, \"input\"), got ReLU()",
        ),
        (
            lambda: nn.Graph({"a": (R, "input")}),
            TypeError,
            "Graph: layer 'a' is the class ReLU; write ReLU(...)",
        ),
        (
            lambda: nn.Graph({"a": (R(), "b"), "b": (R(), "input")}),
            ValueError,
            "Graph: node 'a' reads 'b', which does not come before it; it can read input",
        ),
        (
            lambda: nn.Graph({"a": (R(), "input"), "b": (R(), "c")}),
            ValueError,
            "Graph: node 'b' reads 'c', which does not exist; it can read input, a",
        ),
        (
            lambda: nn.Graph({"input": (R(), "input")}),
            ValueError,
            'Graph: no node can be named "input", that is the input of the graph',
        ),
        (
            lambda: nn.Graph({"a": (R(), "input", "input")}),
            ValueError,
            "Graph: node 'a' (ReLU) must read one value, got 2; only Add, Mul, MatMul and Concat read more",
        ),
        (
            lambda: nn.Graph({"a": (R(),)}),
            ValueError,
            "Graph: node 'a' (ReLU) must read one value, got 0; only Add, Mul, MatMul and Concat read more",
        ),
        (
            lambda: nn.Graph({"a": (nn.Add(), "input")}),
            ValueError,
            "Graph: node 'a' (Add) must read at least 2 values, got 1",
        ),
        (
            lambda: nn.Graph({"a": (R(), "input"), "b": (R(), "input"), "c": (R(), "input")}),
            ValueError,
            "Graph: nothing reads a, b; only 'c' is the output",
        ),
        (
            lambda: nn.Graph(
                {"a": (R(), "input"), "b": (nn.Conv2d(1, 2, 1), "a"), "c": (nn.Add(), "a", "b")}, (1, 2, 2)
            ),
            ValueError,
            'layer "c": Add: both inputs must have one shape, got (1, 2, 2) and (2, 2, 2)',
        ),
    ],
)
def test_wrong_structures_are_named(build, error, text):
    with refused(error, text):
        build()


def test_a_module_stands_at_one_place_of_a_graph():
    layer = R()
    with pytest.raises(ValueError, match="is the same object as layer 'a'"):
        nn.Graph({"a": (layer, "input"), "b": (layer, "a")})
    nn.Graph({"a": (layer, "input")})
    with pytest.raises(KeyError, match="Graph: has no layer 'x'; it has a"):
        nn.Graph({"a": (R(), "input")})["x"]


def test_the_builder_refuses():
    g, other = nn.Graph.builder(), nn.Graph.builder()
    a = g.add(R(), g.input, name="a")
    foreign = other.add(R(), other.input)
    with refused(ValueError, "Graph: the name 'a' is used twice"):
        g.add(R(), a, name="a")
    with refused(ValueError, "Graph: node '1' reads '0' of another builder"):
        g.add(R(), foreign)
    with refused(
        TypeError,
        "Graph: node '1' must read values, that is `input` or what add() returned, got str",
    ):
        g.add(R(), "a")
    for wrong in (g.input, foreign, "a"):
        with pytest.raises(ValueError, match="the output must be what add\\(\\) of this builder returned"):
            g.build(wrong)
    b = g.add(R(), a, name="b")
    with refused(ValueError, "Graph: nothing reads b; only 'a' is the output"):
        g.build(a)
    assert g.build(b).num_parameters() == 0


def test_functions_refuse():
    one, two = np.zeros((1, 2, 3)), np.zeros((1, 2, 4))
    with refused(ValueError, "concat: needs at least one array"):
        f.concat()
    with refused(
        ValueError,
        "concat: arrays must have shapes (n, c, ...) that differ only in c, got (1, 2, 3) and (1, 2, 4) "
        "(arrays[1])",
    ):
        f.concat(one, two)
    with refused(
        TypeError, 'concat: arrays[1] is float32 but arrays[0] is float64; use arrays[1].astype("float64")'
    ):
        f.concat(one, one.astype(np.float32))
    with refused(
        ValueError, "concat_backward: dy must have shape (1, 4, 3), that of the output, got (1, 2, 3)"
    ):
        f.concat_backward(one, one, one)

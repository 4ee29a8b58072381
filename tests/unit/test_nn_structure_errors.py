"""Containers: what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import functional as f
from cnnfast import nn

from tests.support.refusal import refused

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


def test_a_module_is_used_once_in_a_graph():
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

"""Descriptions of modules: plain data and back, as they would be written, and the table of a model."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cnnfast import _core, nn
from cnnfast.nn.registry import parameter_shapes

from tests.support.own_layers import library_layers
from tests.support.refusal import refused

LAYERS = [
    nn.Conv2d(3, 4, 5),
    nn.Conv2d(3, 4, (5, 3), stride=2, padding=((1, 0), (2, 1)), bias=False),
    nn.Conv2d(1, 1, 1, padding=(1, 2)),
    nn.Conv2d(4, 6, (3, 2), padding="same", dilation=(1, 2), groups=2),
    nn.Conv1d(3, 4, 5, stride=2, padding=(0, 2), dilation=3, bias=False),
    nn.ConvTranspose2d(4, 6, (3, 2), stride=2, padding=((1, 0), (0, 0)), output_padding=1, groups=2),
    nn.ConvTranspose1d(4, 6, 3, dilation=2),
    nn.Upsample2d((2, 1), mode="zeros"),
    nn.Upsample1d(3),
    nn.Downsample2d(2),
    nn.Downsample1d(2),
    nn.MaxPool2d(2),
    nn.MaxPool2d(3, 2, padding=((0, 1), (0, 1)), ceil_mode=True),
    nn.MaxPool2d((3, 2), dilation=(1, 2)),
    nn.MaxPool1d(3),
    nn.MaxPool1d(3, 2, padding=(0, 1), ceil_mode=True, dilation=2),
    nn.AvgPool2d(2),
    nn.AvgPool2d(3, (2, 1), padding=1, count_include_pad=False, divisor_override=5),
    nn.AvgPool1d(3, padding=1, count_include_pad=False),
    nn.AvgPool2d(3, dilation=(1, 2)),
    nn.AvgPool1d(3, dilation=2),
    nn.Pad2d((1, 0, 2, -1), value=0.5),
    nn.Pad1d(2, "reflect"),
    nn.ZeroPad2d((1, 0, 2, 3)),
    nn.ZeroPad1d(1),
    nn.ConstantPad2d(1, 0.5),
    nn.ConstantPad1d((0, 2), -1.0),
    nn.ReflectionPad2d(2),
    nn.ReflectionPad1d((2, 1)),
    nn.ReplicationPad2d((1, 1, 0, 0)),
    nn.ReplicationPad1d(3),
    nn.Resize2d((5, 7)),
    nn.Resize2d(scale_factor=(1.5, 2.0), nearest_mode="ceil"),
    nn.Resize1d(9, coordinate_transformation_mode="half_pixel"),
    nn.Resize1d(scale_factor=0.5),
    nn.AdaptiveAvgPool2d(1),
    nn.AdaptiveAvgPool1d(2),
    nn.AdaptiveMaxPool2d((2, 3)),
    nn.AdaptiveMaxPool1d(4),
    nn.Linear(3, 4),
    nn.Linear(3, 4, bias=False),
    nn.ChannelBias(3),
    nn.PositionBias(2, 3, 4),
    nn.ReLU(),
    nn.GELU(),
    nn.GELU("tanh"),
    nn.Softmax(),
    nn.LogSoftmax(),
    nn.Flatten(),
    nn.Flatten(2),
    nn.Flatten(1, 2),
    nn.Reshape((3, -1)),
    nn.Identity(),
    nn.Add(),
    nn.Concat(),
    nn.Residual(nn.ReLU()),
    nn.Residual(nn.Conv2d(1, 2, 3), nn.Sequential({"a": nn.Identity(), "b": nn.Conv2d(1, 2, 3)})),
    nn.Branches(nn.Identity(), nn.Linear(2, 3)),
    nn.Graph(
        {
            "left": (nn.Linear(2, 3), "input"),
            "right": (nn.Graph({"only": (nn.Linear(2, 1), "input")}), "input"),
            "join": (nn.Concat(), "left", "right", "input"),
        }
    ),
    nn.Sequential({"first": nn.Linear(2, 3), "rest": nn.Sequential(nn.ReLU(), nn.Residual(nn.Linear(3, 3)))}),
]


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_round_trip_through_json(layer):
    config = layer.to_config()
    twin = nn.from_config(json.loads(json.dumps(config)), seed=3)
    assert type(twin) is type(layer)
    assert twin.to_config() == config
    assert repr(twin) == repr(layer)
    layer_copy = layer.copy()
    layer_copy.initialize(3)
    np.testing.assert_array_equal(twin.flat_parameters, layer_copy.flat_parameters)
    assert parameter_shapes(config) == [(name, v.shape) for name, v in layer.parameters().items()]


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if not layer.children()], ids=repr)
def test_repr_is_as_it_would_be_written(layer):
    assert eval(f"nn.{layer!r}").to_config() == layer.to_config()


def test_repr_leaves_defaults_out():
    assert repr(nn.Conv2d(1, 8, (3, 3), stride=(1, 1), padding=1)) == "Conv2d(1, 8, 3, padding=1)"
    assert repr(nn.MaxPool2d(3, 2, ((0, 1), (0, 1)))) == "MaxPool2d(3, stride=2, padding=((0, 1), (0, 1)))"
    assert repr(nn.MaxPool2d((2, 2), (2, 2))) == "MaxPool2d(2)"
    assert repr(nn.Conv2d(1, 1, (2, 3), padding=(1, 2), bias=False)) == (
        "Conv2d(1, 1, (2, 3), padding=(1, 2), bias=False)"
    )
    assert repr(nn.Conv2d(4, 4, 2, padding="same", groups=4)) == (
        "Conv2d(4, 4, 2, padding=((0, 1), (0, 1)), groups=4)"
    )
    assert repr(nn.Sequential({"a": nn.Residual(nn.ReLU())})) == (
        "Sequential(\n  (a): Residual(\n    (body): ReLU()\n  )\n)"
    )


def test_every_operation_has_a_layer():
    operations = {cls.__name__ for cls in _core.Op.__subclasses__()} - {"PythonOp"}
    layers = set(library_layers())
    assert operations <= layers
    fixed = {f"{kind}Pad{n}d" for kind in ("Zero", "Constant", "Reflection", "Replication") for n in (1, 2)}
    assert layers - operations == {"Branches", "Graph", "Identity", "Residual", "Sequential"} | fixed
    assert layers <= set(nn.__all__)


@pytest.mark.parametrize(
    ("config", "error", "text"),
    [
        (3, TypeError, "from_config: a layer must be described by a dict, got int"),
        (
            {"type": "Nothing"},
            ValueError,
            "from_config: unknown layer type 'Nothing'; nn.layer_types() has the known ones, "
            "a class of your own needs @nn.register_layer",
        ),
        ({"type": "ReLU", "x": 1}, ValueError, "ReLU: has no setting 'x'; it takes none"),
        (
            {"type": "Linear", "in_features": 1, "seed": 1},
            ValueError,
            "Linear: has no setting 'seed'; it takes in_features, out_features, bias",
        ),
        ({"type": "Linear", "in_features": 1}, ValueError, "Linear: the setting 'out_features' is missing"),
        (
            {"type": "Linear", "in_features": "1", "out_features": 2},
            TypeError,
            "Linear: in_features must be an int, got '1'",
        ),
        ({"type": "Sequential"}, ValueError, "Sequential: takes the setting 'layers', got none"),
        (
            {"type": "Sequential", "layers": []},
            TypeError,
            "Sequential: layers must be a dict of name to layer, got list",
        ),
        ({"type": "Sequential", "layers": {}}, ValueError, "Sequential: needs at least one layer"),
        ({"type": "Residual", "boy": {}}, ValueError, "Residual: takes the setting 'body', got 'boy'"),
        (
            {"type": "Residual", "shortcut": {"type": "ReLU"}},
            ValueError,
            "Residual: takes the setting 'body', got none",
        ),
        (
            {"type": "Residual", "body": {"type": "ReLU"}, "shortcut": None},
            TypeError,
            "from_config: a layer must be described by a dict, got None",
        ),
        ({"type": "Identity", "x": 1}, ValueError, "Identity: has no setting 'x'; it takes none"),
        (
            {"type": "Branches", "layers": {}},
            ValueError,
            "Branches: takes the setting 'branches', got 'layers'",
        ),
        (
            {"type": "Branches", "branches": 3},
            TypeError,
            "Branches: branches must be a dict of name to layer, got int",
        ),
        ({"type": "Branches", "branches": {}}, ValueError, "Branches: needs at least one layer"),
        (
            {"type": "Reshape", "shape": [2.5]},
            TypeError,
            "Reshape: shape must be a tuple of ints such as (1, 28, 28), got (2.5,)",
        ),
        ({"type": "Graph"}, ValueError, "Graph: takes the setting 'nodes', got none"),
        ({"type": "Graph", "nodes": []}, TypeError, "Graph: nodes must be a dict of name to node, got list"),
        ({"type": "Graph", "nodes": {}}, ValueError, "Graph: needs at least one layer"),
        (
            {"type": "Graph", "nodes": {"a": {"type": "ReLU"}}},
            ValueError,
            "Graph: node 'a' must be a dict of layer and inputs",
        ),
        (
            {"type": "Graph", "nodes": {"a": {"layer": {"type": "ReLU"}, "inputs": "input"}}},
            TypeError,
            "Graph: inputs of node 'a' must be a list of names",
        ),
        (
            {"type": "Graph", "nodes": {"a": {"layer": {"type": "ReLU"}, "inputs": [["input"]]}}},
            TypeError,
            "Graph: node 'a' must be a tuple like (module, \"input\"), got (ReLU(), ['input'])",
        ),
        (
            {"type": "Graph", "nodes": {"a": {"layer": {"type": "ReLU"}, "inputs": ["a"]}}},
            ValueError,
            "Graph: node 'a' reads 'a', which does not come before it; it can read input",
        ),
    ],
)
def test_from_config_refuses(config, error, text):
    with refused(error, text):
        nn.from_config(config)


def test_nesting_is_limited():
    wraps = [
        lambda inside: {"type": "Residual", "body": inside},
        lambda inside: {"type": "Branches", "branches": {"0": inside}},
        lambda inside: {"type": "Graph", "nodes": {"a": {"layer": inside, "inputs": ["input"]}}},
    ]
    for wrap in wraps:
        config = {"type": "ReLU"}
        for _ in range(70):
            config = wrap(config)
        for read in (nn.from_config, parameter_shapes):
            with refused(ValueError, "from_config: more than 64 containers inside each other"):
                read(config)


def test_shapes_of_a_description_cost_no_memory():
    huge = {"type": "Linear", "in_features": 2**20, "out_features": 2**20, "bias": False}
    assert parameter_shapes({"type": "Sequential", "layers": {"a": huge, "b": huge}}) == [
        ("a.weight", (2**20, 2**20)),
        ("b.weight", (2**20, 2**20)),
    ]


def test_shapes_are_checked_when_a_model_is_built_for_an_input_shape():
    with refused(ValueError, 'layer "1": Linear: expected 9 input features, got 8'):
        nn.Sequential(nn.Flatten(), nn.Linear(9, 1), input_shape=(2, 2, 2))
    with pytest.raises(ValueError, match=r'^layer "0.add": Add: both inputs must have one shape'):
        nn.Sequential(nn.Residual(nn.Conv2d(1, 2, 1)), input_shape=(1, 2, 2))

"""`PythonLayer`: parameters, settings, files and copies, and what it refuses."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
from cnnfast import load, nn
from cnnfast.nn.summary import rows

from tests.support.own_layers import Scaled, TensordotConv
from tests.support.refusal import refused

X = np.arange(12, dtype=np.float32).reshape(3, 4)


def network(**spoil):
    return nn.Sequential(first=nn.Linear(4, 4), own=Scaled(4, spoil), seed=0)


def test_initial_values_are_those_of_the_library_for_the_same_seed():
    own, theirs = TensordotConv(3, 4, 3, 1, seed=5), nn.Conv2d(3, 4, 3, padding=1, seed=5)
    np.testing.assert_array_equal(own.flat_parameters, theirs.flat_parameters)
    assert own.weight.shape == (4, 3, 3, 3)
    own.weight[0] = 2
    own.bias = np.ones(4)
    assert own.state_dict()["weight"][0].tolist() == np.full((3, 3, 3), 2).tolist()
    assert own.parameters()["bias"].tolist() == [1] * 4
    with nn.blank_parameters():
        assert not TensordotConv(3, 4, 3).flat_parameters.any()


@pytest.mark.parametrize("how", ["copy", "deepcopy", "pickle", "config", "file"])
def test_round_trips(how, tmp_path):
    model = nn.Sequential(TensordotConv(1, 2, 3), nn.Flatten(), Scaled(8), input_shape=(1, 4, 4), seed=0)
    model.freeze("0")
    if how == "file":
        model.save(tmp_path / "m")
    twin = {
        "copy": model.copy,
        "deepcopy": lambda: copy.deepcopy(model),
        "pickle": lambda: pickle.loads(pickle.dumps(model)),
        "config": lambda: nn.from_config(model.to_config(), seed=0),
        "file": lambda: load(tmp_path / "m"),
    }[how]()
    assert repr(twin) == repr(model)
    assert twin[0] is not model[0]
    x = np.random.default_rng(0).standard_normal((2, 1, 4, 4)).astype(np.float32)
    np.testing.assert_array_equal(twin(x), model(x))
    assert (twin.frozen == model.frozen) == (how not in ("config", "file"))


def test_summary_and_plan_show_its_class_and_settings():
    model = nn.Sequential(conv=TensordotConv(1, 2, 3), relu=nn.ReLU(), input_shape=(1, 4, 4))
    row = rows(model)[0]
    assert (row.title, row.output_shape, row.parameters) == ("conv TensordotConv", (2, 2, 2), 20)
    assert row.settings == "1 to 2, kernel 3, padding 0"
    assert "TensordotConv" in str(model.plan())


def test_a_file_of_a_class_that_is_not_registered(tmp_path):
    @nn.register_layer
    class Gone(nn.PythonLayer):
        def forward(self, x):
            return x

        def backward(self, dy):
            return dy

    config = nn.Sequential(nn.Linear(4, 4), Gone(), seed=0).to_config()
    config["layers"]["1"]["type"] = "NeverSeen"
    with refused(
        ValueError,
        "from_config: unknown layer type 'NeverSeen'; nn.layer_types() has the known ones, "
        "a class of your own needs @nn.register_layer",
    ):
        nn.from_config(config)


def test_models_are_freed():
    """Neither plans nor what a pass keeps hold the network."""
    model = network()
    for _ in range(3):
        model.backward(model.forward(X))
    model(X)
    layer, plan = weakref.ref(model["own"]), model.plan((4,))
    del model
    gc.collect()
    assert layer() is None
    with refused(
        RuntimeError, 'layer "own" (Scaled): the layer of this plan no longer exists; keep its network'
    ):
        plan.forward(X, np.zeros(plan.parameter_count, np.float32))


TAKEN = "Conv2d: cnnfast has a layer of that name; choose another one"
NO_ATTRIBUTE = "is no attribute; write self.size = size in __init__, so that files and pickles have it"


def define(name="Mine", **members):
    return type(name, (nn.PythonLayer,), members)


def settings_of(init):
    return define(__init__=init)


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (lambda: define("Conv2d"), ValueError, TAKEN),
        (
            lambda: define(output_shape=lambda self, shape: shape),
            TypeError,
            "Mine: output_shape would replace an attribute of every layer; define compute_output_shape",
        ),
        (
            lambda: define()({"forward": (3,)}),
            ValueError,
            "Mine: 'forward' cannot be the name of a parameter; the class has an attribute of that name",
        ),
        (
            lambda: define(copy=lambda self: self),
            TypeError,
            "Mine: copy would replace an attribute of every layer; choose another name",
        ),
        (
            lambda: setattr(define()(), "children", 3),
            AttributeError,
            "Mine: children is a method of every layer; choose another name for the attribute",
        ),
        (lambda: define()({"a.b": (3,)}), ValueError, "Mine: 'a.b' cannot be the name of a parameter"),
        (lambda: define()({"w": 3}), TypeError, "Mine: the shape of w must be a tuple such as (8, 3), got 3"),
        (lambda: define()(3), TypeError, "Mine: parameters must be a dict of name to shape, got int"),
        (lambda: define()()(X), NotImplementedError, "Mine: needs a method forward(self, x)"),
        (
            lambda: define(forward=lambda self, x: x.sum())()(X),
            ValueError,
            "forward must return an array (n, ...) for n inputs, got float32 for one",
        ),
        (
            lambda: nn.register_layer(nn.ReLU),
            TypeError,
            f"register_layer: needs a class derived from PythonLayer, got {nn.ReLU}",
        ),
        (
            lambda: nn.from_config({"type": "Scaled"}),
            ValueError,
            "Scaled: the setting 'features' is missing",
        ),
        (
            lambda: nn.from_config({"type": "Scaled", "features": 2, "feature": 3}),
            ValueError,
            "Scaled: has no setting 'feature'; it takes features, spoil; did you mean 'features'?",
        ),
        (
            lambda: Scaled(2, {"forward": abs}).to_config(),
            TypeError,
            "Scaled: the setting 'spoil' must be plain data (numbers, strings, lists, dicts), got dict",
        ),
        (
            lambda: settings_of(lambda self, size: nn.PythonLayer.__init__(self))(3).to_config(),
            TypeError,
            f"Mine: the argument 'size' of __init__ {NO_ATTRIBUTE}",
        ),
        (
            lambda: settings_of(lambda self, *sizes: nn.PythonLayer.__init__(self))().to_config(),
            TypeError,
            "Mine: __init__ must name its arguments for files and pickles, it has *sizes",
        ),
        (
            lambda: nn.Graph({"a": (Scaled(4), "input", "input")}),
            ValueError,
            "Graph: node 'a' (Scaled) must read one value, got 2; only Add, Mul, MatMul and Concat read more",
        ),
    ],
)
def test_what_is_refused(build, error, text):
    with refused(error, text):
        build()


def test_torch_refuses_it_by_name():
    torch = pytest.importorskip("torch")
    from cnnfast.interop.torch import TorchModel

    with refused(NotImplementedError, "Scaled has no PyTorch equivalent"):
        TorchModel(network())(torch.zeros(1, 4))
